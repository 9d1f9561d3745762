//! What a model expected at every token of texts of any length: the token's log-probability, the entropy, the whole row of logits.
//!
//! Texts are read many at a time, and never more than a few megabytes of logits exist. A text that is longer than the
//! window is cut into windows, each half a window after the one before. Every token is judged once, in the first window that
//! holds it, so behind at least half a window of the text (or all of what there is).

use std::ops::{ControlFlow, Range};

use rayon::prelude::*;
use stillmark_kernels::softmax::{exp, max};

use crate::score::chunk_rows;
use crate::{Decoder, Error};

/// Tokens that are read together, where single windows are not longer.
const TOGETHER: usize = 4096;

/// How texts are read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What logits are divided by; at 0 the best token has all the probability.
    pub temperature: f32,
    /// Tokens that are seen at a time, at least 2; cut to the model's context.
    pub window: usize,
}

/// What the model expected where a token stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading<'a> {
    /// The text's number among those that were given, from 0.
    pub text: usize,
    /// The token's place in the text; at least 1, since nothing is expected before the first.
    pub position: usize,
    /// The token's natural log-probability at the temperature.
    pub log_prob: f32,
    /// The entropy of all that was possible there, at the temperature, in nats.
    pub entropy: f32,
    /// The model's own logits there.
    pub logits: &'a [f32],
}

/// Reads texts in their order, telling `on_token` of every token but the first of each, until it breaks off.
///
/// What is said of a text has the same bits whatever is read beside it.
pub fn read(
    decoder: &Decoder,
    texts: &mut dyn Iterator<Item = Vec<u32>>,
    settings: &Settings,
    on_token: &mut dyn FnMut(&Reading<'_>) -> ControlFlow<()>,
) -> Result<(), Error> {
    let window = settings.window.min(decoder.config().max_positions).max(2);
    let mut batch = Batch::default();
    for (text, tokens) in texts.enumerate() {
        for (range, first) in windows(tokens.len(), window) {
            if !batch.tokens.is_empty() && batch.tokens.len() + range.len() > TOGETHER {
                if batch.read(decoder, settings.temperature, on_token)?.is_break() {
                    return Ok(());
                }
                batch = Batch::default();
            }
            batch.add(text, &tokens, range, first);
        }
    }
    batch.read(decoder, settings.temperature, on_token).map(|_| ())
}

/// The windows of a text, each with the first place that is judged in it.
fn windows(len: usize, window: usize) -> impl Iterator<Item = (Range<usize>, usize)> {
    let first = (2 <= len).then(|| (0..len.min(window), 1));
    std::iter::successors(first, move |(range, _)| {
        let start = range.start + window / 2;
        (range.end < len).then(|| (start..len.min(start + window), range.end))
    })
}

/// Windows that are read together.
#[derive(Debug, Default)]
struct Batch {
    tokens: Vec<u32>,
    segments: Vec<Range<usize>>,
    judged: Vec<Judged>,
}

/// A token that is judged.
#[derive(Clone, Copy, Debug)]
struct Judged {
    /// The row of the batch before it.
    row: usize,
    token: u32,
    text: usize,
    position: usize,
}

impl Batch {
    fn add(&mut self, text: usize, tokens: &[u32], range: Range<usize>, first: usize) {
        let at = self.tokens.len();
        self.judged.extend((first..range.end).map(|position| Judged {
            row: at + position - range.start - 1,
            token: tokens[position],
            text,
            position,
        }));
        self.tokens.extend_from_slice(&tokens[range]);
        self.segments.push(at..self.tokens.len());
    }

    fn read(
        &self,
        decoder: &Decoder,
        temperature: f32,
        on_token: &mut dyn FnMut(&Reading<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let (vocab_size, d) = (decoder.config().vocab_size, decoder.config().hidden_size);
        let hidden = decoder.hidden(&self.tokens, &self.segments)?;
        let (mut own, mut logits) = (Vec::new(), Vec::new());
        for judged in self.judged.chunks(chunk_rows(vocab_size)) {
            own.clear();
            for Judged { row, .. } in judged {
                own.extend_from_slice(&hidden[row * d..(row + 1) * d]);
            }
            logits.resize(judged.len() * vocab_size, 0.0);
            decoder.logits(&own, &mut logits);
            let rows = judged.par_iter().zip(logits.par_chunks_exact(vocab_size));
            let measured: Vec<_> =
                rows.map(|(judged, row)| measure(row, judged.token, temperature)).collect();
            for ((judged, measured), logits) in
                judged.iter().zip(measured).zip(logits.chunks_exact(vocab_size))
            {
                let Judged { text, position, .. } = *judged;
                let (log_prob, entropy) = measured.ok_or(Error::NotFinite { row: text as u64 })?;
                if on_token(&Reading { text, position, log_prob, entropy, logits }).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// The log-probability of a token and the entropy of the row; none where the logits are not finite numbers.
fn measure(logits: &[f32], token: u32, temperature: f32) -> Option<(f32, f32)> {
    let best = max(logits);
    let logit = logits[token as usize];
    if !best.is_finite() {
        return None;
    }
    if temperature <= 0.0 {
        let is_best = logits.iter().position(|logit| *logit == best) == Some(token as usize);
        return Some((if is_best { 0.0 } else { f32::NEG_INFINITY }, 0.0));
    }
    let scale = 1.0 / temperature;
    let (sum, slope) = sums(logits, best, scale);
    // With z = (logit - best) / T: ln p = z - ln sum(e^z), and H = ln sum(e^z) - sum(z e^z) / sum(e^z).
    let log_sum = sum.ln();
    let log_prob = f64::from((logit - best) * scale) - log_sum;
    log_sum.is_finite().then(|| (log_prob as f32, (log_sum - slope / sum).max(0.0) as f32))
}

/// Sums of `e^z` and `z e^z` over the row, in short stretches of 32-bit numbers.
fn sums(logits: &[f32], best: f32, scale: f32) -> (f64, f64) {
    const LANES: usize = 16;
    // Below this, e^z is nothing beside the best one's 1, and z e^z of an impossible token would be no number.
    const LEAST: f32 = -80.0;
    let (mut sum, mut slope) = (0.0, 0.0);
    for stretch in logits.chunks(64 * LANES) {
        let (mut weights, mut slopes) = ([0.0_f32; LANES], [0.0_f32; LANES]);
        for lanes in stretch.chunks(LANES) {
            for (lane, logit) in lanes.iter().enumerate() {
                let z = (logit - best) * scale;
                let z = if z < LEAST { LEAST } else { z };
                let weight = exp(z);
                weights[lane] += weight;
                slopes[lane] += z * weight;
            }
        }
        sum += weights.iter().map(|x| f64::from(*x)).sum::<f64>();
        slope += slopes.iter().map(|x| f64::from(*x)).sum::<f64>();
    }
    (sum, slope)
}
