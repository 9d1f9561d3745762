//! The choice of a marked token: argmax of logit - ln(-ln u) over the whole vocabulary.
//!
//! -ln(-ln u) ≤ -ln(1 - u), so a token beats the best score so far only if 1 - u < e^(logit - best). With the largest logit
//! of a chunk in place of each one's own, that is one comparison of the drawn word with a threshold, and no logarithm;
//! a chunk whose threshold no word can reach is not even drawn. The few that pass are scored exactly.
//! Limit: ten rounds of six vector instructions for 32 words, about 2 instructions a token.

#![expect(
    clippy::inline_always,
    reason = "a body has the instruction set of the function it is inlined into"
)]
#![expect(clippy::needless_range_loop, reason = "lanes of several arrays go together")]

use crate::isa::dispatched;
use crate::log::ln;
use crate::softmax::{exp, max};

use super::{LANES, LOW, TOKEN_DOMAIN, halves, rounds, token_word, uniform};

/// Tokens that one chunk of Philox blocks draws for.
const CHUNK: usize = 4 * LANES;

/// No word gives more noise than -ln(-ln(1 - 2⁻²⁴)) = 24 ln 2.
const MOST_NOISE: f32 = 16.64;

dispatched! {
    /// The token with the largest logit + noise, noise = -ln(-ln u) of the state's uniform number, in f32 as torch
    /// computes it with a correctly rounded logarithm; of equals, the lowest.
    ///
    /// A logit of negative infinity or NaN is never chosen; if all are, nothing is.
    pub fn gumbel_choice, gumbel_choice_on(logits: &[f32], state: [u32; 4], key: u64) -> Option<u32> {
        let top = max(logits);
        let first = logits.iter().position(|logit| *logit == top && top > f32::NEG_INFINITY)?;
        let score = |token: usize| logits[token] + noise(uniform(token_word(state, token as u32, key)));
        let (mut best, mut chosen) = (score(first), first);
        for (index, logits) in logits.chunks(CHUNK).enumerate() {
            let least = threshold(highest(logits), best);
            if least > u64::from(u32::MAX) {
                continue;
            }
            let words = chunk_words(index, state, key);
            if !any_from(&words, least) {
                continue;
            }
            for token in index * CHUNK..index * CHUNK + logits.len() {
                if words[token % 4][token % CHUNK / 4] & LOW >= least {
                    let score = score(token);
                    if score > best || (score == best && token < chosen) {
                        (best, chosen) = (score, token);
                    }
                }
            }
        }
        Some(chosen as u32)
    }
}

/// -ln(-ln u) in f32, each logarithm correctly rounded.
fn noise(u: f32) -> f32 {
    let inner = -ln(f64::from(u)) as f32;
    -ln(f64::from(inner)) as f32
}

/// The least word with which a logit of at most `highest` may reach `best`; above every word if none may.
///
/// The margins are for the roundings of u (half a step of 2⁻²⁴), of the noise, of the sum and of this function.
#[inline(always)]
fn threshold(highest: f32, best: f32) -> u64 {
    let margin = (highest.abs() + best.abs() + 32.0) * 4.0 * f32::EPSILON;
    let lead = highest - best + margin;
    if lead < -MOST_NOISE {
        return u64::MAX;
    }
    // Of two infinities the difference is NaN: then every word may.
    let steps = (exp(lead) * 1.000_001 * 16_777_216.0).min(16_777_213.0) as u64 + 3;
    (16_777_216 - steps) << 8
}

/// The largest of up to [`CHUNK`] logits, passing over NaN.
#[inline(always)]
fn highest(logits: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    if let Ok(whole) = <&[f32; CHUNK]>::try_from(logits) {
        for part in 0..CHUNK / LANES {
            for lane in 0..LANES {
                lanes[lane] = larger(whole[part * LANES + lane], lanes[lane]);
            }
        }
    } else {
        for (index, logit) in logits.iter().enumerate() {
            lanes[index % LANES] = larger(*logit, lanes[index % LANES]);
        }
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = larger(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// The larger, and the second if the first is NaN.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline(always)]
fn any_from(words: &[[u64; LANES]; 4], least: u64) -> bool {
    let mut passed = [0; LANES];
    for words in words {
        for lane in 0..LANES {
            passed[lane] |= u64::from(words[lane] & LOW >= least);
        }
    }
    let mut any = 0;
    for lane in passed {
        any |= lane;
    }
    any != 0
}

/// The words of the chunk's tokens: token `4 lane + word` of the chunk is at `[word][lane]`.
#[inline(always)]
fn chunk_words(index: usize, state: [u32; 4], key: u64) -> [[u64; LANES]; 4] {
    let [low, high] = halves(key);
    let state = state.map(u64::from);
    let mut words = [[0; LANES]; 4];
    for lane in 0..LANES {
        let counter = [(index * LANES + lane) as u64, state[0], state[1], state[2]];
        let drawn = rounds(counter, [low ^ state[3], high ^ TOKEN_DOMAIN]);
        for word in 0..4 {
            words[word][lane] = drawn[word];
        }
    }
    words
}
