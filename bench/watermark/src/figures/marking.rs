//! Choosing a marked token.

use std::hint::black_box;

use stillmark_kernels::{philox, shuffle, tournament};
use stillmark_stats::torch::Generator;
use stillmark_watermark::Key;
use stillmark_watermark::generate::{Marker, Marking};

use super::texts::{logits, tokens, words};
use crate::measure::seconds;

/// The choice alone, an entry.
pub(super) fn gumbel_kernel(vocabulary: usize) -> f64 {
    let (logits, mut token) = (logits(vocabulary), 0);
    seconds(|| {
        let state = philox::context_state(&[1, 2, 3, token], 42);
        token = philox::gumbel_choice(&logits, state, 42).unwrap_or_default();
    }) / vocabulary as f64
}

/// A list of a quarter of the vocabulary, an entry of the vocabulary.
pub(super) fn list(vocabulary: usize) -> f64 {
    let (mut seed, mut draws, mut entries) = (0, vec![0; vocabulary / 4], Vec::new());
    seconds(|| {
        seed += 1;
        Generator::manual_seed(seed).fill(&mut draws);
        shuffle::head(&draws, vocabulary, &mut entries);
        black_box(&entries);
    }) / vocabulary as f64
}

/// The tournament alone at depth 30, a token.
pub(super) fn tournament(vocabulary: usize) -> f64 {
    let (logits, table) = (logits(vocabulary), words(1 << 16));
    let mut scores = logits.clone();
    let mut offset = 0;
    seconds(|| {
        scores.copy_from_slice(&logits);
        offset += 12_345;
        tournament::scores(&mut scores, &table, offset, 30);
        black_box(&scores);
    })
}

/// A whole step after temperature and filters, a token.
pub(super) fn choose(scheme: &str, vocabulary: usize) -> Result<f64, String> {
    let key = super::key(scheme)?;
    steps(&key, vocabulary, |marker, answer, scores| {
        black_box(marker.choose(answer, scores, 0.5));
    })
}

/// A whole step before temperature and filters, a token.
pub(super) fn bias(variant: &str, vocabulary: usize) -> Result<f64, String> {
    let key = super::green_key(variant, vocabulary)?;
    steps(&key, vocabulary, |marker, context, logits| {
        marker.bias(context, logits);
    })
}

/// Steps of one answer, each with a copy of the logits: the model would write them anew.
fn steps(
    key: &Key,
    vocabulary: usize,
    step: impl Fn(&mut Marker<'_>, &[u32], &mut [f32]),
) -> Result<f64, String> {
    let (logits, answer) = (logits(vocabulary), tokens(1 << 20, vocabulary));
    let mut scores = logits.clone();
    let marking = Marking::new(key).map_err(|error| error.to_string())?;
    let (mut marker, mut at) = (marking.start(), 0);
    Ok(seconds(|| {
        at = at % (answer.len() - 8) + 1;
        scores.copy_from_slice(&logits);
        step(&mut marker, &answer[at..at + 8], &mut scores);
        black_box(&scores);
    }))
}
