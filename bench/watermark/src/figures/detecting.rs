//! From tokens to scores.

use std::hint::black_box;

use stillmark_watermark::detect::{Input, Search, Settings, detect_raw};
use stillmark_watermark::{Key, Scheme, Sites, Text};

use super::texts::{texts, tokens};
use super::{VOCABULARIES, green_key, key};
use crate::measure::seconds;

/// Tokens in all, whatever the length of a text.
const TOKENS: usize = 400_000;

/// Finding the sites of each text by itself and scoring them, a token.
pub(super) fn sites(scheme: &str, length: usize) -> Result<f64, String> {
    let (key, tokens) = (key(scheme)?, tokens(TOKENS, VOCABULARIES[0]));
    let (texts, mut scores) = (texts(&tokens, length), Vec::new());
    Ok(seconds(|| {
        for text in &texts {
            score(key.scheme(), std::slice::from_ref(text), &mut scores);
        }
    }) / TOKENS as f64)
}

/// The same of all texts together, which also tells what they share.
pub(super) fn pool(scheme: &str, length: usize) -> Result<f64, String> {
    let tokens = tokens(TOKENS, VOCABULARIES[0]);
    Ok(score_all(&key(scheme)?, &texts(&tokens, length)) / TOKENS as f64)
}

/// The reference's finding of each text by itself, p-value and all, a token.
pub(super) fn detect(scheme: &str, length: usize) -> Result<f64, String> {
    let (key, tokens) = (key(scheme)?, tokens(TOKENS, VOCABULARIES[0]));
    let texts = texts(&tokens, length);
    let inputs: Vec<Input<'_>> =
        texts.iter().map(|text| Input { id: "text", text: *text, likelihoods: None }).collect();
    let settings = Settings { decoys: 0, decoy_seed: 0, level: 0.01, search: Search::Whole, keys_tried: 1 };
    Ok(seconds(|| {
        for input in &inputs {
            black_box(detect_raw(&key, std::slice::from_ref(input), &settings));
        }
    }) / TOKENS as f64)
}

/// A green list for nearly every token, under a key of its own each time: what it draws is of no use to the next, a token.
pub(super) fn fresh(variant: &str, vocabulary: usize) -> Result<f64, String> {
    let tokens = tokens(4096, vocabulary);
    let (like, texts, mut scores) = (green_key(variant, vocabulary)?, texts(&tokens, 4096), Vec::new());
    let mut round = 0_u32;
    Ok(seconds(|| {
        round += 1;
        let mut material = [0; 32];
        material[..4].copy_from_slice(&round.to_le_bytes());
        score(like.scheme().with_key(&material).as_ref(), &texts, &mut scores);
    }) / tokens.len() as f64)
}

/// Texts of 500 tokens that share 512 lists, a token.
pub(super) fn shared() -> Result<f64, String> {
    let mut tokens = tokens(1_000_000, 512);
    for token in &mut tokens {
        *token *= 250;
    }
    Ok(score_all(&green_key("lefthash", VOCABULARIES[0])?, &texts(&tokens, 500)) / tokens.len() as f64)
}

fn score_all(key: &Key, texts: &[Text<'_>]) -> f64 {
    let mut scores = Vec::new();
    seconds(|| score(key.scheme(), texts, &mut scores))
}

fn score(scheme: &dyn Scheme, texts: &[Text<'_>], scores: &mut Vec<f64>) {
    let sites = Sites::find(texts, &scheme.rule());
    scores.clear();
    scores.resize(sites.len(), 0.0);
    scheme.score(sites.all(), scores);
    black_box(&scores);
}
