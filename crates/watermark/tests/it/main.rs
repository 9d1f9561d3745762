//! Keys, vectors of the public references, detection, attribution, marking, and calibration.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

mod attribute;
mod calibration;
mod detect;
mod generate;
mod keys;
mod marker;
mod peers;
mod sites;
mod vectors_gumbel;
mod vectors_kgw;
mod vectors_synthid;
mod writer;

use std::path::Path;

use serde_json::Value;
use stillmark_evidence::watermark::{TextResult, WatermarkFinding};
use stillmark_watermark::detect::{Input, Search, Settings, detect_raw};
use stillmark_watermark::{Key, Slice, Text};

/// All vectors of a page whose file begins so.
fn vectors(page: &str, prefix: &str) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(page);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let named = |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(prefix);
    let read =
        |path: &std::path::PathBuf| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let found: Vec<Value> = files.iter().filter(|path| named(path)).map(read).collect();
    assert!(!found.is_empty(), "no vectors {page}/{prefix}*");
    found
}

/// The rows under a key.
fn rows<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

fn numbers(value: &Value) -> Vec<u32> {
    // −1 stands for what is before the first token.
    value.as_array().unwrap().iter().map(|number| number.as_i64().unwrap() as u32).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// A whole number, which may be written as a string.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

const SETTINGS: Settings =
    Settings { decoys: 0, decoy_seed: 0, level: 0.001, search: Search::Whole, keys_tried: 1 };

/// What the reference would say of a sequence.
fn raw(key: &Key, tokens: &[u32]) -> TextResult {
    let input = Input { id: "text", text: Text { tokens, prompt_len: 0 }, likelihoods: None };
    detect_raw(key, &[input], &SETTINGS).texts.remove(0)
}

/// What is said of one text with 199 decoys.
fn judged(key: &Key, tokens: &[u32], prompt_len: usize) -> TextResult {
    let input = Input { id: "text", text: Text { tokens, prompt_len }, likelihoods: None };
    detect_all(key, &[input], Search::Whole).texts.remove(0)
}

fn detect_all(key: &Key, inputs: &[Input<'_>], search: Search) -> WatermarkFinding {
    let settings = Settings { decoys: 199, level: 0.005, search, ..SETTINGS };
    stillmark_watermark::detect::detect(key, inputs, &settings, &|| {})
}

/// The scores of tokens after one window.
fn scores_after(key: &Key, window: &[u32], tokens: &[u32]) -> Vec<f64> {
    let windows: Vec<u32> = tokens.iter().flat_map(|_| window.iter().copied()).collect();
    let mut scores = vec![0.0; tokens.len()];
    key.scheme().score(Slice { width: window.len(), windows: &windows, tokens }, &mut scores);
    scores
}

/// The tokens that a detector sees: all but a BOS token at the beginning, which the green-list detectors leave out.
fn without_bos(case: &Value) -> Vec<u32> {
    let mut sequence = numbers(&case["sequence"]);
    if case["bos_token_id"].as_u64() == Some(u64::from(sequence[0])) {
        sequence.remove(0);
    }
    sequence
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|half| char::from_digit(half.into(), 16).unwrap())
        .collect()
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    let away = (found - expected).abs();
    assert!(away <= tolerance * expected.abs().max(1e-300), "{what}: {found} instead of {expected}");
}
