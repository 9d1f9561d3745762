//! Choosing the next token from a row of logits.
//!
//! Chance is drawn by counter, not by state: the number behind the choice at a position is a function of the request's seed,
//! its id and the position alone. So an answer does not depend on what else was generated, in which order, or before which
//! interruption.

use stillmark_kernels::softmax::{exp, log_sum_exp, max, sum_exp};

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

    /// Whether no filter is set.
    fn keeps_all(&self) -> bool {
        self.top_k.is_none() && self.top_p.is_none() && self.min_p.is_none()
    }
}

/// A token and the log-probability the model itself gave it, before temperature, filters and marks.
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
        return at_share(kept.filter(|(_, weight)| *weight >= floor), u);
    }
    let kept = most_probable(sampling, logits, best);
    let kept = kept.into_iter().map(|(token, logit)| (token, weight(logit)));
    // The largest weight is 1.
    let floor = sampling.min_p.unwrap_or(0.0);
    at_share(kept.filter(|(_, weight)| *weight >= floor), u)
}

/// Fills `out` with what [`choose`] decides by: `logits / temperature` for each token that passes the filters, negative
/// infinity for all others.
///
/// At temperature 0 the best token alone is kept, with its bare logit, so that a mark which needs a choice has none. Where
/// [`choose`] gives nothing, nothing is kept.
pub fn warped(sampling: &Sampling, logits: &[f32], out: &mut Vec<f32>) {
    out.clear();
    let best = max(logits);
    if best.is_finite() && sampling.temperature > 0.0 && sampling.keeps_all() {
        // NaN becomes negative infinity, too.
        out.extend(logits.iter().map(|logit| (logit / sampling.temperature).max(f32::NEG_INFINITY)));
        return;
    }
    out.resize(logits.len(), f32::NEG_INFINITY);
    if !best.is_finite() {
        return;
    }
    if sampling.temperature <= 0.0 {
        if let Some(idx) = logits.iter().position(|logit| *logit == best) {
            out[idx] = best;
        }
        return;
    }
    let scale = 1.0 / sampling.temperature;
    let floor = sampling.min_p.unwrap_or(0.0);
    let mut keep = |(token, logit): (u32, f32)| {
        if exp((logit - best) * scale) >= floor {
            out[token as usize] = logit / sampling.temperature;
        }
    };
    if sampling.top_k.is_none() && sampling.top_p.is_none() {
        logits.iter().enumerate().map(|(idx, logit)| (idx as u32, *logit)).for_each(&mut keep);
    } else {
        most_probable(sampling, logits, best).into_iter().for_each(keep);
    }
}

/// Draws a token from the softmax of scores by the uniform number `u`, going by ascending ids. None when the scores have no
/// finite largest element.
pub fn draw(scores: &[f32], u: f64) -> Option<u32> {
    let best = max(scores);
    if !best.is_finite() {
        return None;
    }
    let weights = scores.iter().enumerate().filter(|(_, score)| **score > f32::NEG_INFINITY);
    at_share(weights.map(|(idx, score)| (idx as u32, exp(score - best))), u)
}

/// The tokens that pass `top_k` and `top_p` with their logits, the most probable first.
fn most_probable(sampling: &Sampling, logits: &[f32], best: f32) -> Vec<(u32, f32)> {
    let scale = 1.0 / sampling.temperature;
    let mut total = f64::from(sum_exp(logits, best, scale));
    let k = sampling.top_k.map_or(logits.len(), |k| k.clamp(1, logits.len()));
    let wanted = |total: f64| sampling.top_p.map(|p| total * f64::from(p));
    if k == logits.len() {
        // Mostly a few tokens reach it: look at those whose weight is no less than this before sorting all.
        let few = sorted(logits, best + FEW.ln() * sampling.temperature);
        if let Some(n) = wanted(total).and_then(|wanted| reaching(&few, wanted, best, scale)) {
            return few[..n].to_vec();
        }
    }
    let mut tokens = sorted(logits, kth_largest(logits, k));
    tokens.truncate(k);
    if k < logits.len() {
        total = tokens.iter().map(|(_, logit)| f64::from(exp((logit - best) * scale))).sum();
    }
    if let Some(n) = wanted(total).and_then(|wanted| reaching(&tokens, wanted, best, scale)) {
        tokens.truncate(n);
    }
    tokens
}

/// The least weight beside the most probable token's of the tokens looked at first.
const FEW: f32 = 1e-3;

/// The tokens whose logits are no less than `bound`, the most probable first; of equals the lowest id.
fn sorted(logits: &[f32], bound: f32) -> Vec<(u32, f32)> {
    let all = logits.iter().enumerate().map(|(idx, logit)| (idx as u32, *logit));
    let mut tokens: Vec<_> = all.filter(|(_, logit)| *logit >= bound).collect();
    tokens.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    tokens
}

/// The `k`-th largest logit (from 1), negative infinity where there are no more than `k`.
fn kth_largest(logits: &[f32], k: usize) -> f32 {
    if k >= logits.len() {
        return f32::NEG_INFINITY;
    }
    let mut copy = logits.to_vec();
    *copy.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a)).1
}

/// How many of the first tokens together reach the wanted weight.
fn reaching(tokens: &[(u32, f32)], wanted: f64, best: f32, scale: f32) -> Option<usize> {
    let mut sum = 0.0;
    let reached = tokens.iter().position(|(_, logit)| {
        sum += f64::from(exp((logit - best) * scale));
        sum >= wanted
    });
    reached.map(|idx| idx + 1)
}

/// The token at the share `u` of the summed weights.
fn at_share(tokens: impl Iterator<Item = (u32, f32)> + Clone, u: f64) -> Option<u32> {
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
