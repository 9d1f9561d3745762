//! Text that transformers itself marked and scored.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use stillmark_evidence::watermark::Mark;
use stillmark_watermark::detect::{Input, Settings, detect};
use stillmark_watermark::{Key, Text};

use crate::{SETTINGS, near, number, numbers, raw, rows, text_of};

/// The key of the script's parameters.
fn key_of(parameters: &Value, vocab_size: &Value, deduplicate: &str) -> Key {
    let text = if parameters["scheme"] == "kgw" {
        format!(
            "scheme = \"kgw-transformers\"\nhashing_key = \"{}\"\ngreenlist_ratio = {}\ncontext_width = {}\n\
             seeding_scheme = {}\nvocab_size = {vocab_size}\ndeduplicate = {deduplicate}\n",
            text_of(&parameters["hashing_key"]),
            parameters["greenlist_ratio"],
            parameters["context_width"],
            parameters["seeding_scheme"]
        )
    } else {
        format!(
            "scheme = \"synthid-transformers\"\nkeys = {}\nngram_len = {}\nsampling_table_size = {}\n\
             sampling_table_seed = {}\ncontext_history_size = {}\n",
            parameters["keys"],
            parameters["ngram_len"],
            parameters["sampling_table_size"],
            parameters["sampling_table_seed"],
            parameters["context_history_size"]
        )
    };
    Key::parse(&text).unwrap()
}

/// What the reference's detectors say of the tokens that they see.
fn check_raw(parameters: &Value, marks: &Value, tokens: &[u32], expected: &Value) {
    let size = &marks["vocab_size"];
    if parameters["scheme"] == "synthid" {
        let found = raw(&key_of(parameters, size, ""), tokens);
        assert_eq!(expected["num_tokens_scored"], found.scored);
        near(found.mean_score.unwrap(), number(&expected["mean"]), 1e-6, "mean");
        near(found.weighted_mean_score.unwrap(), number(&expected["weighted_mean"]), 1e-6, "weighted mean");
        return;
    }
    let bos = marks["bos_token_id"].as_u64().unwrap() as u32;
    let tokens = tokens.strip_prefix(&[bos]).unwrap_or(tokens);
    for (deduplicate, expected) in [("false", expected), ("true", &expected["unique"])] {
        let found = raw(&key_of(parameters, size, deduplicate), tokens);
        assert_eq!(expected["num_tokens_scored"], found.scored);
        assert_eq!(expected["num_green_tokens"].as_u64(), found.green);
        near(found.statistic.unwrap(), number(&expected["z_score"]), 1e-9, "z");
        near(found.p_normal.unwrap(), number(&expected["p_value"]), 1e-9, "p");
    }
}

#[test]
fn long_transformers_marks() {
    if std::env::var_os("STILLMARK_TEST_LONG").is_none() {
        return;
    }
    let python = std::env::var_os("STILLMARK_TEST_TORCH").unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/transformers_marks.py");
    let output = Command::new(python).arg(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let marks: Value = serde_json::from_slice(&output.stdout).unwrap();
    let settings = Settings { decoys: 999, ..SETTINGS };
    let (mut found_marks, mut clean) = (0, 0);
    for sequence in rows(&marks, "sequences") {
        let tokens = numbers(&sequence["token_ids"]);
        for (name, parameters) in marks["keys"].as_object().unwrap() {
            check_raw(parameters, &marks, &tokens, &sequence["detections"][name]);
            let key = key_of(parameters, &marks["vocab_size"], "true");
            let input =
                Input { id: "text", text: Text { tokens: &tokens, prompt_len: 0 }, likelihoods: None };
            let mark = detect(&key, &[input], &settings, &|| {}).texts[0].mark;
            if sequence["marked_with"] == *name {
                assert_eq!(mark, Mark::Marked, "{name}");
                found_marks += 1;
            } else {
                assert_ne!(mark, Mark::Marked, "{name} in a text of {}", sequence["marked_with"]);
                clean += 1;
            }
        }
    }
    println!("{found_marks} marks found, {clean} other keys found nothing");
    assert!(found_marks >= 10 && clean >= 60);
}
