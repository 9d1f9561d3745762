//! Choosing the next token from a row of logits.
//!
//! Chance is drawn by counter, not by state: the number behind the choice at a position is a function of the request's seed,
//! its id and the position alone. So an answer does not depend on what else was generated, in which order, or before which
//! interruption.

use stillmark_kernels::softmax::{exp, log_sum_exp, max};

/// How tokens are chosen. The filters apply one after another to the probabilities after `temperature`: first `top_k`,
/// then `top_p`, then `min_p`, as transformers has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// What logits are divided by; 0: always the most probable token.
    pub temperature: f32,
    /// Only so many of the most probable tokens.
    pub top_k: Option<usize>,
    /// Only the most probable tokens that together reach this probability (Holtzman et al. 2020, arXiv:1904.09751).
    pub top_p: Option<f32>,
    /// Only tokens with at least this share of the most probable one's probability (Nguyen et al. 2024, arXiv:2407.01082).
    pub min_p: Option<f32>,
}

impl Sampling {
    /// Always the most probable token.
    pub const GREEDY: Self = Self { temperature: 0.0, top_k: None, top_p: None, min_p: None };
}

/// Changes logits before a token is chosen, for watermarks and constraints.
///
/// Log-probabilities that are reported are those of the unchanged logits.
pub trait LogitsProcessor {
    /// Changes the logits of the token that follows `context` (prompt and answer so far) in request `id`.
    fn process(&mut self, id: u64, context: &[u32], logits: &mut [f32]);
}

/// A token and the log-probability the model itself gave it, before temperature, filters and processors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The token.
    pub token: u32,
    /// Its natural log-probability.
    pub log_prob: f32,
}

/// The uniform number in `[0, 1)` that decides at `position` of request `id`.
///
/// Each of the three numbers passes through the finalizer of `SplitMix64` (Steele et al. 2014, "Fast splittable
/// pseudorandom number generators", figure 16) and is mixed with the next; the upper 53 bits of the last are the result.
pub fn uniform(seed: u64, id: u64, position: u64) -> f64 {
    let mixed = mix(mix(mix(seed).wrapping_add(id)).wrapping_add(position));
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The natural log-probability of a token in a row of logits.
///
/// # Panics
/// When the row has no such token.
pub fn log_prob(logits: &[f32], token: u32) -> f32 {
    logits[token as usize] - log_sum_exp(logits, 1.0)
}

/// Chooses a token by the uniform number `u`; of equally probable tokens the lowest id counts as the more probable. None
/// when the logits have no finite largest element.
pub fn choose(sampling: &Sampling, logits: &[f32], u: f64) -> Option<u32> {
    let best = max(logits);
    if !best.is_finite() {
        return None;
    }
    if sampling.temperature <= 0.0 {
        return logits.iter().position(|x| *x == best).map(|idx| idx as u32);
    }
    let scale = 1.0 / sampling.temperature;
    let weight = |logit: f32| exp((logit - best) * scale);
    if sampling.top_k.is_none() && sampling.top_p.is_none() {
        let floor = sampling.min_p.unwrap_or(0.0);
        let kept = logits.iter().enumerate().map(|(idx, logit)| (idx as u32, weight(*logit)));
        return draw(kept.filter(|(_, weight)| *weight >= floor), u);
    }
    let kept = most_probable(sampling, logits, &weight);
    draw(kept.into_iter(), u)
}

/// The tokens that pass the filters with their weights, the most probable first.
fn most_probable(sampling: &Sampling, logits: &[f32], weight: &dyn Fn(f32) -> f32) -> Vec<(u32, f32)> {
    let mut tokens: Vec<(u32, f32)> =
        logits.iter().enumerate().map(|(idx, x)| (idx as u32, weight(*x))).collect();
    let order = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if let Some(k) = sampling.top_k.map(|k| k.max(1)).filter(|k| *k < tokens.len()) {
        tokens.select_nth_unstable_by(k - 1, order);
        tokens.truncate(k);
    }
    if let Some(p) = sampling.top_p {
        let total: f64 = tokens.iter().map(|(_, weight)| f64::from(*weight)).sum();
        let wanted = total * f64::from(p);
        // Mostly a few tokens reach it: sort a growing head of the list instead of all.
        let mut sorted = 64.min(tokens.len());
        loop {
            if sorted < tokens.len() {
                tokens.select_nth_unstable_by(sorted, order);
            }
            tokens[..sorted].sort_unstable_by(order);
            if let Some(n) = reaching(&tokens[..sorted], wanted) {
                tokens.truncate(n);
                break;
            }
            if sorted == tokens.len() {
                break;
            }
            sorted = (sorted * 8).min(tokens.len());
        }
    } else {
        tokens.sort_unstable_by(order);
    }
    // The largest weight is 1.
    let floor = sampling.min_p.unwrap_or(0.0);
    tokens.retain(|(_, weight)| *weight >= floor);
    tokens
}

/// How many of the first tokens together reach the wanted weight.
fn reaching(tokens: &[(u32, f32)], wanted: f64) -> Option<usize> {
    let mut sum = 0.0;
    let reached = tokens.iter().position(|(_, weight)| {
        sum += f64::from(*weight);
        sum >= wanted
    });
    reached.map(|idx| idx + 1)
}

/// The token at the share `u` of the summed weights.
fn draw(tokens: impl Iterator<Item = (u32, f32)> + Clone, u: f64) -> Option<u32> {
    let total: f64 = tokens.clone().map(|(_, weight)| f64::from(weight)).sum();
    let mut left = total * u;
    let mut last = None;
    for (token, weight) in tokens {
        if weight > 0.0 {
            last = Some(token);
        }
        left -= f64::from(weight);
        if left < 0.0 {
            return Some(token);
        }
    }
    last
}
