//! SynthID-Text: transformers, `DeepMind`, vLLM's main branch.

use serde_json::Value;
use stillmark_stats::torch::Generator;
use stillmark_watermark::generate::{Chosen, Marking};
use stillmark_watermark::{Key, Sites, Text};

use crate::{near, number, numbers, raw, rows, scores_after, text_of, vectors};

fn synthid(scheme: &str, case: &Value) -> Key {
    let mut text =
        format!("scheme = \"{scheme}\"\nkeys = {}\nngram_len = {}\n", case["keys"], case["ngram_len"]);
    for name in ["sampling_table_size", "sampling_table_seed", "context_history_size", "eos_token"] {
        if let Some(value) = case.get(name) {
            text.extend([name, " = ", &value.to_string(), "\n"]);
        }
    }
    Key::parse(&text).unwrap()
}

/// The mean of the layers' bits by the weights of the weighted mean.
fn weighted(bits: &str) -> f64 {
    let depth = bits.len() as f64;
    let last = (depth - 1.0).max(1.0);
    let weights: Vec<f64> = (0..bits.len()).map(|layer| 10.0 - 9.0 * layer as f64 / last).collect();
    let set: f64 = bits.chars().zip(&weights).filter(|(bit, _)| *bit == '1').map(|(_, weight)| weight).sum();
    set / weights.iter().sum::<f64>()
}

/// Every site's bits against the vector's, and which windows count.
fn check_bits(key: &Key, case: &Value) {
    let sequence = numbers(&case["sequence"]);
    let width = case["ngram_len"].as_u64().unwrap() as usize - 1;
    for (idx, bits) in rows(case, "g_values").enumerate() {
        let (window, token) = (&sequence[idx..idx + width], sequence[idx + width]);
        let score = scores_after(key, window, &[token])[0];
        near(score, weighted(bits.as_str().unwrap()), 1e-12, "weighted bits");
    }
    let sites = Sites::find(&[Text { tokens: &sequence, prompt_len: 0 }], &key.scheme().rule());
    let ends =
        |idx: usize| case["eos_mask"].as_str().is_some_and(|mask| mask.as_bytes()[idx + width] == b'0');
    let counted: Vec<u32> = case["repetition_mask"]
        .as_str()
        .unwrap()
        .bytes()
        .enumerate()
        .filter(|(idx, mask)| *mask == b'1' && !ends(*idx))
        .map(|(idx, _)| (idx + width) as u32)
        .collect();
    assert_eq!(sites.positions, counted);
}

#[test]
fn transformers_bits_masks_and_means() {
    let mut all = vectors("watermark-schemes", "synthid_transformers");
    all.extend(vectors("watermark-schemes", "more_synthid_transformers"));
    for vector in all {
        for case in rows(&vector, "cases") {
            let key = synthid("synthid-transformers", case);
            check_bits(&key, case);
            // The vectors' means leave out repetitions and go on beyond the end.
            let mut endless = case.clone();
            endless.as_object_mut().unwrap().remove("eos_token");
            let found = raw(&synthid("synthid-transformers", &endless), &numbers(&case["sequence"]));
            near(found.mean_score.unwrap(), number(&case["mean_score"]), 1e-12, "mean");
            near(found.weighted_mean_score.unwrap(), number(&case["weighted_mean_score"]), 1e-12, "weighted");
        }
    }
}

#[test]
fn transformers_steps() {
    let mut all = vectors("watermark-schemes", "synthid_transformers");
    all.extend(vectors("watermark-schemes", "more_synthid_transformers"));
    let floats = |row: &Value| -> Vec<f32> {
        let bits = |word: &Value| f32::from_bits(u32::from_str_radix(word.as_str().unwrap(), 16).unwrap());
        row.as_array().unwrap().iter().map(bits).collect()
    };
    let mut compared = 0;
    for vector in all {
        let steps = &vector["processor_steps"];
        // The first file's steps have the parameters of its first case.
        let mut case = vector["cases"][0].clone();
        for (name, value) in steps.as_object().into_iter().flatten() {
            case[name] = value.clone();
        }
        let key = synthid("synthid-transformers", &case);
        let marking = Marking::new(&key).unwrap();
        for row in 0..2 {
            let mut marker = marking.start();
            let mut answer = Vec::new();
            for (number, step) in rows(steps, "steps").enumerate() {
                // The first call sees no token of the answer yet.
                if number > 0 {
                    answer.push(step["input_last"][row].as_u64().unwrap() as u32);
                }
                let mut scores = floats(&steps["scores_f32"][row]);
                let expected = &step["out_f32"][row];
                let chosen = marker.choose(&answer, &mut scores, 0.5);
                if expected.is_null() {
                    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                    assert_eq!(step["argmax"][row], scores.iter().position(|score| *score == most).unwrap());
                    continue;
                }
                let expected = floats(expected);
                assert!(chosen == Chosen::Changed || scores == expected, "step {number}: {chosen:?}");
                for (score, expected) in scores.iter().zip(&expected) {
                    compared += 1;
                    let close = (score - expected).abs() <= 1e-5 * expected.abs().max(1.0);
                    assert!(close, "row {row}, step {number}: {score} instead of {expected}");
                }
            }
        }
    }
    assert!(compared > 5000, "{compared} scores");
}

#[test]
fn deepmind_bits_and_masks() {
    for vector in vectors("watermark-schemes", "synthid_deepmind") {
        for case in rows(&vector, "cases") {
            check_bits(&synthid("synthid-deepmind", case), case);
        }
    }
}

#[test]
fn vllm_bits_and_statistics() {
    let mut cases = 0;
    for vector in vectors("watermark-schemes", "more_vllm_main_synthid") {
        for case in rows(&vector, "detect") {
            let (key, depth) = (text_of(&case["key"]), case["depth"].as_u64().unwrap());
            let text = format!(
                "scheme = \"synthid-vllm\"\nkey = \"{key}\"\ndepth = {depth}\ncontext_width = {}\n",
                case["context_width"]
            );
            let found = raw(&Key::parse(&text).unwrap(), &numbers(&case["sequence"]));
            let expected = &case["dedup"];
            assert_eq!(expected["n"], found.scored);
            if found.scored == 0 {
                assert_eq!((found.p, number(&expected["p"])), (Some(1.0), 1.0));
                continue;
            }
            let bits = number(&expected["score"]) * (found.scored * depth) as f64;
            near(found.statistic.unwrap(), bits, 1e-9, "bits");
            near(found.mean_score.unwrap(), number(&expected["score"]), 1e-12, "mean");
            near(found.p.unwrap(), number(&expected["p"]), 1e-9, "p");
            cases += 1;
        }
    }
    assert!(cases > 0);
    // torch's numbers stand behind the steps' logits.
    assert!(Generator::manual_seed(1).rand() < 1.0);
}
