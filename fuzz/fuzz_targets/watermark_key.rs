//! Key files of watermarks: what is read has one canonical form, judges any tokens, and tells nothing of itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_watermark::detect::{Input, Search, Settings, detect, detect_raw};
use stillmark_watermark::{Key, Text};

/// Decoys and tokens of a test that costs little.
const DECOYS: usize = 3;
const TOKENS: usize = 24;

fuzz_target!(|text: &str| {
    let Ok(key) = Key::parse(text) else { return };
    let canonical = key.to_toml();
    let again = Key::parse(&canonical).expect("the canonical form is read");
    assert_eq!(again.to_toml(), canonical);
    // Green lists of a vocabulary of millions are right and slow.
    let slow = ["vocab_size", "sampling_table_size"];
    let parameters = key.parameters();
    if slow
        .iter()
        .any(|name| parameters.get(*name).and_then(|size| size.as_u64()).is_some_and(|size| size > 4096))
    {
        return;
    }
    let tokens: Vec<u32> = text.bytes().rev().take(TOKENS).map(u32::from).collect();
    let text = Text { tokens: &tokens, prompt_len: 1 };
    let inputs = [Input { id: "text", text, likelihoods: None }];
    let settings =
        Settings { decoys: DECOYS, decoy_seed: 1, level: 0.1, search: Search::Stretch, keys_tried: 1 };
    let finding = detect(&key, &inputs, &settings, &|| {});
    assert!(finding.texts[0].p.is_none(), "three decoys cannot bear out a p-value");
    let raw = detect_raw(&key, &inputs, &settings);
    assert!(raw.texts[0].p.is_none_or(|p| (0.0..=1.0).contains(&p)));
});
