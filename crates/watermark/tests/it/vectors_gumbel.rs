//! Gumbel marks: vLLM's Philox, `TextSeal`.

use serde_json::Value;
use stillmark_stats::torch::Generator;
use stillmark_watermark::detect::{Input, detect_raw};
use stillmark_watermark::generate::{Chosen, Marking};
use stillmark_watermark::{Key, Text};

use crate::{SETTINGS, near, number, numbers, raw, rows, scores_after, text_of, vectors};

fn vllm(key: &Value, width: usize, more: &str) -> Key {
    let scheme = if more.contains("alpha") { "vllm-philox-dual" } else { "vllm-philox" };
    let key = text_of(key);
    Key::parse(&format!("scheme = \"{scheme}\"\nkey = \"{key}\"\ncontext_width = {width}\n{more}")).unwrap()
}

fn philox_vectors() -> Vec<Value> {
    let mut all = vectors("watermark-schemes", "vllm_0_33_philox");
    all.extend(vectors("watermark-schemes", "more_vllm_0_33_philox"));
    all
}

#[test]
fn vllm_uniform_numbers() {
    let mut numbers_seen = 0;
    for vector in philox_vectors() {
        for row in rows(&vector, "prf") {
            let tokens = numbers(&row["tokens"]);
            for (context, expected) in rows(row, "contexts").zip(rows(row, "uniform_f32")) {
                let context = numbers(context);
                let scores = scores_after(&vllm(&row["key"], context.len(), ""), &context, &tokens);
                for (score, bits) in scores.iter().zip(expected.as_array().unwrap()) {
                    let u = f32::from_bits(u32::from_str_radix(bits.as_str().unwrap(), 16).unwrap());
                    near(*score, -(-f64::from(u)).ln_1p(), 1e-13, "score of u");
                    numbers_seen += 1;
                }
            }
        }
    }
    assert!(numbers_seen > 1500, "{numbers_seen} numbers");
}

#[test]
fn vllm_detection() {
    for vector in philox_vectors() {
        for row in rows(&vector, "detect").chain([&vector["positive_control"]]) {
            let (width, sequence) =
                (row["context_width"].as_u64().unwrap() as usize, numbers(&row["sequence"]));
            let check = |expected: &Value, more: &str| {
                let found = raw(&vllm(&row["key"], width, more), &sequence);
                assert_eq!(expected["n"], found.scored, "{more}");
                near(found.statistic.unwrap(), number(&expected["score"]), 1e-12, "score");
                let smallest = number(&expected["p"]) < 1e-300;
                near(found.p.unwrap(), number(&expected["p"]), if smallest { 1e-6 } else { 5e-9 }, more);
            };
            if row["gumbel"].is_null() {
                check(row, "");
                continue;
            }
            check(&row["gumbel"], "");
            check(&row["gumbel_nodedup"], "deduplicate = false\n");
            for dual in rows(row, "dual") {
                check(dual, &format!("alpha = {}\n", dual["alpha"]));
            }
            for dual in rows(row, "dual_nodedup") {
                check(dual, &format!("alpha = {}\ndeduplicate = false\n", dual["alpha"]));
            }
        }
    }
}

/// `torch.topk`'s filter: what is below the k-th largest goes.
fn filtered(logits: &mut [f32], top_k: Option<u64>) {
    if let Some(k) = top_k {
        let mut sorted = logits.to_vec();
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        let least = sorted[k as usize - 1];
        logits.iter_mut().filter(|logit| **logit < least).for_each(|logit| *logit = f32::NEG_INFINITY);
    }
}

#[test]
fn vllm_choices() {
    let mut choices = 0;
    for vector in philox_vectors() {
        let single = std::iter::once(&vector["generate"]).chain(rows(&vector, "generate_more"));
        for row in single.chain(rows(&vector, "generate_dual")) {
            let contexts: Vec<Vec<u32>> = rows(row, "contexts").map(numbers).collect();
            let vocab = row["vocab"].as_u64().unwrap() as usize;
            let seed = row["logits_seed"].as_u64().unwrap_or(11);
            let mut logits = Generator::manual_seed(seed).randn(contexts.len() * vocab);
            let temperature = row["temperature"].as_f64().unwrap_or(1.0) as f32;
            let alpha = row["alpha"].as_f64().map(|alpha| format!("alpha = {alpha}\n"));
            let key = vllm(&row["key"], contexts[0].len(), &alpha.unwrap_or_default());
            let marking = Marking::new(&key).unwrap();
            for (idx, scores) in logits.chunks_exact_mut(vocab).enumerate() {
                for logit in scores.iter_mut() {
                    *logit /= temperature;
                }
                filtered(scores, row["top_k"].as_u64());
                // The draw that takes key B lies below α.
                let u = if row["routing"][idx] == 1 { 0.0 } else { 0.999 };
                let chosen = marking.start().choose(&contexts[idx], scores, u);
                let expected = row["token_ids"][idx].as_u64().unwrap() as u32;
                assert_eq!(chosen, Chosen::Token(expected), "choice {idx}");
                choices += 1;
            }
        }
    }
    assert!(choices > 15, "{choices} choices");
}

#[test]
fn textseal_hashes_and_detection() {
    let mut all = vectors("watermark-schemes", "textseal");
    all.extend(vectors("watermark-schemes", "more_textseal"));
    for vector in all {
        for row in rows(&vector, "prf_cases") {
            let tokens = numbers(&row["tokens"]);
            let key = Key::parse(&format!(
                "scheme = \"textseal-gumbel\"\nsecret_key = \"{}\"\nngram = {}\n",
                text_of(&row["secret_key"]),
                row["ngram"]
            ))
            .unwrap();
            for (window, expected) in rows(row, "windows").zip(rows(row, "uniform_f32")) {
                let scores = scores_after(&key, &numbers(window), &tokens);
                for (score, bits) in scores.iter().zip(expected.as_array().unwrap()) {
                    let u = f32::from_bits(u32::from_str_radix(bits.as_str().unwrap(), 16).unwrap());
                    near(*score, -(-f64::from(u)).ln_1p(), 1e-12, "score of r");
                }
            }
        }
        for row in rows(&vector, "detector") {
            let sequence = numbers(&row["sequence"]);
            for expected in rows(row, "results").filter(|expected| expected["scoring"] != "none") {
                let key = |scheme: &str| {
                    let (secret, ngram, scoring) = (&row["key_a"], &row["ngram"], &expected["scoring"]);
                    let gamma = row["gamma"].as_f64().filter(|_| scheme == "textseal-greenlist");
                    let gamma = gamma.map(|gamma| format!("gamma = {gamma}\n")).unwrap_or_default();
                    let lines =
                        format!("secret_key = {secret}\nngram = {ngram}\nscoring = {scoring}\n{gamma}");
                    Key::parse(&format!("scheme = \"{scheme}\"\n{lines}")).unwrap()
                };
                let single = raw(&key("textseal-gumbel"), &sequence);
                assert_eq!(expected["n"], single.scored);
                // The reference takes its logarithms in f32.
                near(single.statistic.unwrap(), number(&expected["single_key_score"]), 1e-5, "score");
                near(single.p.unwrap(), number(&expected["single_key_p"]), 1e-5, "p");
                if expected["dual_score"].is_number() {
                    let dual = raw(&key("textseal-gumbel-dual"), &sequence);
                    near(dual.statistic.unwrap(), number(&expected["dual_score"]), 1e-5, "fused score");
                    near(dual.p.unwrap(), number(&expected["dual_p"]), 1e-5, "fused p");
                }
                if expected["greenlist_green"].is_number() {
                    let green = raw(&key("textseal-greenlist"), &sequence);
                    assert_eq!(green.green.unwrap() as f64, number(&expected["greenlist_green"]));
                    near(green.p.unwrap(), number(&expected["greenlist_mid_p"]), 1e-9, "mid-p");
                }
            }
        }
    }
}

fn sglang(row: &Value, width: usize) -> Key {
    let of_two = |key_b: &Value| {
        let chance = row["mixing_probability"].as_f64().unwrap_or(0.5);
        format!("key_b = {key_b}\nmixing_probability = {chance:?}\n")
    };
    let more = if row["key_b"].is_null() { String::new() } else { of_two(&row["key_b"]) };
    let text = format!("scheme = \"sglang-gumbel\"\nkey = {}\ncontext_window = {width}\n{more}", row["key"]);
    Key::parse(&text).unwrap()
}

/// The uniform number behind each score.
fn uniform(scores: Vec<f64>) -> Vec<f64> {
    scores.into_iter().map(|score| -(-score).exp_m1()).collect()
}

#[test]
fn sglang_hashes() {
    let mut seen = 0;
    for vector in vectors("watermark-schemes", "more_sglang") {
        for row in rows(&vector, "hashes").filter(|row| row["key_b"].is_null()) {
            let tokens = numbers(&row["tokens"]);
            for (context, hashes) in rows(row, "contexts").zip(rows(row, "token_hashes")) {
                let context = numbers(context);
                let found = uniform(scores_after(&sglang(row, context.len()), &context, &tokens));
                for (u, hash) in found.iter().zip(numbers(hashes)) {
                    near(*u, (f64::from(hash) + 0.5) / 2_f64.powi(32), 1e-12, "u");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 50, "{seen} hashes");
}

/// A prompt shorter than the window is left out: its first windows are shorter than others, and are no sites here.
#[test]
fn sglang_detection() {
    let (mut one, mut two) = (0, 0);
    for vector in vectors("watermark-schemes", "more_sglang") {
        for row in rows(&vector, "detect") {
            let (prompt, width) = (numbers(&row["prompt"]), row["context_window"].as_u64().unwrap() as usize);
            if !prompt.is_empty() && prompt.len() < width {
                continue;
            }
            let tokens = [prompt.as_slice(), &numbers(&row["sequence"])].concat();
            let text = Text { tokens: &tokens, prompt_len: prompt.len() };
            let input = Input { id: "text", text, likelihoods: None };
            let found = detect_raw(&sglang(row, width), &[input], &SETTINGS).texts.remove(0);
            let expected = &row["combined"];
            assert_eq!(expected["num_contexts"], found.scored, "{row}");
            near(found.statistic.unwrap(), number(&expected["score"]), 1e-12, "score");
            near(found.ln_p.unwrap(), number(&expected["log_p_value"]), 1e-9, "ln p");
            *(if row["key_b"].is_null() { &mut one } else { &mut two }) += 1;
        }
    }
    assert!(one > 0 && two > 0, "{one} with one key, {two} with two");
}

/// What `SGLang` chose is the argmax of ln u / p under the same numbers.
#[test]
fn sglang_choices() {
    let mut seen = 0;
    for vector in vectors("watermark-schemes", "more_sglang") {
        for row in rows(&vector, "generate") {
            let vocabulary = row["vocab"].as_u64().unwrap() as usize;
            let tokens: Vec<u32> = (0..vocabulary as u32).collect();
            let seed = row["logits_seed"].as_u64().unwrap();
            let logits = Generator::manual_seed(seed).randn(4 * vocabulary);
            let rows = rows(row, "contexts").zip(logits.chunks_exact(vocabulary));
            for ((context, logits), chosen) in rows.zip(numbers(&row["token_ids"])) {
                let context = numbers(context);
                let numbers = uniform(scores_after(&sglang(row, context.len()), &context, &tokens));
                let total = |token: usize| numbers[token].ln() * f64::from(-logits[token]).exp();
                let greatest = (0..vocabulary).max_by(|a, b| total(*a).total_cmp(&total(*b))).unwrap();
                assert_eq!(greatest as u32, chosen, "{row}");
                seen += 1;
            }
        }
    }
    assert!(seen > 5, "{seen} choices");
}
