//! How sure one is: from a single token to many texts.

use stillmark_evidence::watermark::{Mark, TextResult};
use stillmark_watermark::detect::{Input, Likelihoods, Search, Settings, detect, scores};
use stillmark_watermark::{Key, Text};

use crate::writer::{Model, Random, SCHEMES, key};
use crate::{SETTINGS, detect_all, judged, raw};

fn input<'a>(id: &'a str, tokens: &'a [u32]) -> Input<'a> {
    Input { id, text: Text { tokens, prompt_len: 0 }, likelihoods: None }
}

/// Tokens that are nothing for a scheme: never marked, by no way of asking, and every token accounted for.
#[test]
fn nothing_is_never_marked() {
    let check = |tokens: &[u32], prompt_len: usize, what: &str| {
        for scheme in (0..SCHEMES.len()).filter(|scheme| *scheme != 5) {
            let own = key(scheme, 1);
            let text = Text { tokens, prompt_len };
            let finding = detect_all(&own, &[Input { id: "a", text, likelihoods: None }], Search::Stretch);
            let found = &finding.texts[0];
            let what = format!("{:?}, {what}: {found:?}", SCHEMES[scheme]);
            assert!(found.mark != Mark::Marked && finding.pooled.mark != Mark::Marked, "{what}");
            let unscored = found.unscored;
            let all = found.scored + unscored.prompt + unscored.edge + unscored.repeated + unscored.outside;
            assert_eq!(all, tokens.len() as u64, "{what}");
            assert_eq!(unscored.prompt, prompt_len.min(tokens.len()) as u64, "{what}");
            assert!(found.p.is_none_or(|p| p > 0.0 && p <= 1.0), "{what}");
        }
    };
    let mut random = Random(4);
    check(&[], 0, "no token");
    check(&[], 5, "no token, but a prompt of 5");
    check(&[3], 0, "one token");
    check(&random.tokens(50), 50, "prompt alone");
    check(&random.tokens(50), 1000, "a prompt longer than the text");
    check(&random.tokens(50), 49, "one token of answer");
    check(&vec![u32::MAX; 300], 0, "the greatest token");
    let beyond: Vec<u32> = random.tokens(300).iter().map(|token| token + 2000).collect();
    check(&beyond, 0, "tokens beyond the vocabulary");
    check(&[5; 100], 0, "one token again and again");
}

#[test]
fn tokens_beyond_the_vocabulary_are_not_scored() {
    let beyond: Vec<u32> = (0..300).map(|token| 2000 + token).collect();
    for scheme in [4, 6, 16, 17, 18] {
        let found = raw(&key(scheme, 1), &beyond);
        assert_eq!((found.scored, found.p), (0, Some(1.0)), "{:?}", SCHEMES[scheme]);
        assert!(found.unscored.outside > 0, "{:?}", SCHEMES[scheme]);
    }
}

#[test]
fn what_repeats_counts_once() {
    let check = |scheme: usize, most: u64| {
        let found = judged(&key(scheme, 1), &vec![5; 100_000], 0);
        assert!((1..=most).contains(&found.scored), "{:?}: {found:?}", SCHEMES[scheme]);
        assert!(found.unscored.repeated > 99_990, "{:?}: {found:?}", SCHEMES[scheme]);
        assert_ne!(found.mark, Mark::Marked);
    };
    for scheme in [0, 1, 3, 12] {
        // Windows that reach before the text are windows of their own.
        check(scheme, 5);
    }
    for scheme in [4, 6, 7, 9, 11, 13, 15, 16, 17, 18] {
        check(scheme, 1);
    }
}

/// Without the removal of repetitions the analytic p-value of a template is wrong, and is withheld.
#[test]
fn templates_withhold_the_analytic_p() {
    let mut random = Random(9);
    let template = random.tokens(30);
    let mut text = Vec::new();
    for _ in 0..60 {
        text.extend_from_slice(&template);
        text.push(random.below(1024));
    }
    let check = |parameters: &str| {
        let own = Key::parse(parameters).unwrap();
        let found = judged(&own, &text, 0);
        assert!(found.scored > 1700 && found.p.is_none(), "{found:?}");
        assert!(
            found.withheld.as_ref().is_some_and(|why| why.contains("decoy keys score this text too high")),
            "{found:?}"
        );
        assert_ne!(found.mark, Mark::Marked, "{found:?}");
    };
    check("scheme = \"vllm-philox\"\nkey = 7\ndeduplicate = false\n");
    check("scheme = \"kgw-transformers\"\nvocab_size = 1024\ndeduplicate = false\n");
    let own = Key::parse("scheme = \"vllm-philox\"\nkey = 7\n").unwrap();
    assert!(judged(&own, &text, 0).p.is_some());
}

/// Two windows whose least token is the same seed one list: their score counts once, and the analytic p-value holds.
#[test]
fn what_a_hash_forgets_counts_once() {
    let mut random = Random(21);
    let mut text = Vec::new();
    for _ in 0..120 {
        text.extend([5, random.below(1024), random.below(1024), 9]);
    }
    let seen = |scheme: &str| {
        let own = Key::parse(scheme).unwrap();
        let shown = scores(&own, Text { tokens: &text, prompt_len: 0 });
        let shared = shown.scores.iter().filter(|score| **score == 0.25).count();
        (shared, shown.scores.len(), judged(&own, &text, 0))
    };
    let lm = "scheme = \"kgw-lm-watermarking\"\nvocab_size = 1024\n";
    let (shared, _, found) = seen(&format!("{lm}scheme_name = \"selfhash\""));
    assert!(shared > 40 && found.p.is_some() && found.mark != Mark::Marked, "{shared}: {found:?}");
    assert!(found.green.is_some_and(|green| green < 300), "{found:?}");
    // A hash of the whole window forgets nothing, and `deduplicate = false` asks for all.
    assert_eq!(seen(&format!("{lm}scheme_name = \"ff-noncomm_prf-4-True\"")).0, 0);
    assert_eq!(seen(&format!("{lm}scheme_name = \"selfhash\"\ndeduplicate = false")).0, 0);
}

/// `SynthID`'s table has so few places that long texts lead to one twice, and decoys so few layers that they share some with the
/// key: neither takes its p-value from a marked text.
#[test]
fn synthid_texts_of_any_length_keep_their_p() {
    let own = key(9, 40);
    let text = Model::new(3.0).write(Some(&own), &[], 4000, 0).tokens;
    let input = Input { id: "a", text: Text { tokens: &text, prompt_len: 0 }, likelihoods: None };
    let settings = Settings { decoys: 999, ..SETTINGS };
    let found = detect(&own, &[input], &settings, &|| {}).texts.remove(0);
    assert!(found.unscored.repeated > 100 && found.ln_p.is_some_and(|ln_p| ln_p < -1000.0), "{found:?}");
}

/// A table of bits with more ones than zeros scores every key too high.
#[test]
fn an_uneven_table_withholds_the_analytic_p() {
    let own = Key::generate("synthid-transformers", "sampling_table_size = 100\n", &[1; 32]).unwrap();
    let ones: f64 = scores(&own, Text { tokens: &Random(1).tokens(4000), prompt_len: 0 }).scores.iter().sum();
    let found = judged(&own, &Random(1).tokens(4000), 0);
    assert!(ones > 2100.0 && found.withheld.is_some() && found.mark != Mark::Marked, "{ones}: {found:?}");
}

#[test]
fn a_marked_stretch_is_located() {
    let model = Model::new(3.0);
    for scheme in [0, 3, 4, 9] {
        let own = key(scheme, 1);
        let mut text = model.write(None, &[], 600, 1).tokens;
        text.extend(model.write(Some(&own), &[], 150, 2).tokens);
        text.extend(model.write(None, &[], 400, 3).tokens);
        let finding = detect_all(&own, &[input("a", &text)], Search::Stretch);
        let stretch = finding.texts[0].stretch.unwrap();
        let what = format!("{:?}: {stretch:?}", SCHEMES[scheme]);
        assert!((560..=640).contains(&stretch.from) && (710..=790).contains(&stretch.to), "{what}");
        assert!(stretch.ln_p < 1e-4_f64.ln() && stretch.decoy_p == Some(0.005), "{what}");
    }
}

/// Where a model's probabilities are at hand, less text is enough.
#[test]
fn likelihoods_need_less_text() {
    let (own, model) = (key(0, 1), Model::new(1.0));
    let (mut by_key, mut by_ratio) = (0, 0);
    let ask = |key: Option<&Key>, seed: u64| {
        let written = model.write(key, &Random(seed).tokens(4), 45, seed);
        let text = Text { tokens: &written.tokens, prompt_len: 4 };
        let likelihoods = Some(Likelihoods { ln_q: &written.ln_q, foreign: 0.01 });
        detect_all(&own, &[Input { id: "a", text, likelihoods }], Search::Whole).texts.remove(0)
    };
    for seed in 0..20 {
        let found = ask(Some(&own), seed);
        by_key += u32::from(found.ln_p.is_some_and(|ln_p| ln_p <= 1e-6_f64.ln()));
        by_ratio += u32::from(found.ln_e_value.is_some_and(|ln_e| ln_e >= 1e6_f64.ln()));
        let unmarked = ask(None, seed);
        assert!(unmarked.mark != Mark::Marked && unmarked.ln_e_value < Some(5.3), "{unmarked:?}");
    }
    assert!(by_ratio >= 14 && by_ratio >= by_key + 8, "{by_ratio} by the ratio, {by_key} by the key alone");
}

/// What one text alone would be marked by is not enough among a hundred.
#[test]
fn many_texts_are_corrected_for() {
    let own = key(0, 1);
    let texts: Vec<Vec<u32>> = (0..100).map(|seed| Random(seed).tokens(60)).collect();
    let inputs: Vec<Input<'_>> = texts.iter().map(|tokens| input("a", tokens)).collect();
    let together = detect_all(&own, &inputs, Search::Whole);
    let mut raised = 0;
    for (text, found) in texts.iter().zip(&together.texts) {
        let alone: TextResult = judged(&own, text, 0);
        assert_eq!((alone.p, alone.decoy_p), (found.p, found.decoy_p));
        let Some(ln_p) = found.ln_p else { continue };
        raised += u32::from(found.adjusted_ln_p.unwrap() > ln_p);
        assert!(found.adjusted_ln_p >= Some(ln_p) && found.mark != Mark::Marked);
    }
    assert!(raised > 90 && together.texts_tried == 100);
}

/// Texts too short alone are enough together; what they share counts once.
#[test]
fn texts_are_pooled() {
    let (own, model) = (key(0, 1), Model::new(2.0));
    let write = |seed| model.write(Some(&own), &Random(seed).tokens(4), 12, seed).tokens;
    let texts: Vec<Vec<u32>> = (0..40).map(write).collect();
    let answer = |tokens| Input { text: Text { tokens, prompt_len: 4 }, ..input("a", &[]) };
    let mut inputs: Vec<Input<'_>> = texts.iter().map(|tokens| answer(tokens)).collect();
    let pooled = detect_all(&own, &inputs, Search::Whole).pooled;
    assert_eq!(pooled.mark, Mark::Marked, "{pooled:?}");
    assert_ne!(detect_all(&key(0, 2), &inputs, Search::Whole).pooled.mark, Mark::Marked);
    inputs.extend(inputs.clone());
    let twice = detect_all(&own, &inputs, Search::Whole).pooled;
    assert_eq!((twice.scored, twice.statistic), (pooled.scored, pooled.statistic));
    assert_eq!(twice.unscored.repeated, pooled.unscored.repeated + 480);
}

/// Keys that were tried count against the one that is found.
#[test]
fn tried_keys_are_corrected_for() {
    let (own, text) = (key(0, 1), Model::new(2.0).write(Some(&key(0, 1)), &[], 25, 1).tokens);
    let check = |keys_tried: usize| {
        let settings = Settings { decoys: 199, level: 0.005, keys_tried, ..SETTINGS };
        detect(&own, &[input("a", &text)], &settings, &|| {}).texts.remove(0)
    };
    let (one, many) = (check(1), check(1 << 60));
    crate::near(
        many.adjusted_ln_p.unwrap(),
        (one.adjusted_ln_p.unwrap() + 60.0 * std::f64::consts::LN_2).min(0.0),
        1e-9,
        "adjusted",
    );
    assert_eq!((one.mark, many.mark == Mark::Marked), (Mark::Marked, false), "{one:?}");
}

/// The quantiles of scores are uniform without a mark.
#[test]
fn quantiles_are_uniform() {
    let found = scores(&key(0, 1), Text { tokens: &Random(2).tokens(4000), prompt_len: 0 });
    let mean = found.quantiles.iter().sum::<f64>() / found.quantiles.len() as f64;
    assert!((mean - 0.5).abs() < 0.02 && found.quantiles.iter().all(|q| (0.0..=1.0).contains(q)), "{mean}");
    assert!(found.curve.len() <= 201 && found.curve.last().unwrap().0 == found.scores.len() as u64);
}
