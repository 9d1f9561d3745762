//! Statistics and their tails under each null.

use stillmark_stats::decoys::Interval;
use stillmark_stats::{PValue, tail};

use crate::scheme::Null;

/// Points of a curve.
const POINTS: usize = 200;

/// What is reported of a sum of n scores: the sum, the z of green tokens, or the mean of bits.
pub(super) fn statistic(null: &Null, n: usize, sum: f64) -> f64 {
    match null {
        Null::Exponential | Null::Fused { .. } => sum,
        Null::Green { gamma } => z(*gamma, n, sum),
        Null::Bits { .. } => sum / n as f64,
    }
}

/// Green tokens in standard deviations from their mean (Kirchenbauer et al. 2023, equation 3).
pub(super) fn z(gamma: f64, n: usize, green: f64) -> f64 {
    (green - gamma * n as f64) / (n as f64 * gamma * (1.0 - gamma)).sqrt()
}

/// The p-value of a sum of n scores, as [`interval`] but where that takes long: two keys' fused score as the Gamma variable of the
/// same mean and variance, weighted bits as the normal one. Good enough to look for a null that is wrong, and a thousand times
/// as fast.
pub fn rough_interval(null: &Null, n: usize, sum: f64) -> Interval {
    match null {
        Null::Fused { alpha } => {
            let v = alpha * alpha + (1.0 - alpha) * (1.0 - alpha);
            Interval::continuous(tail::gamma(n as f64 / v, sum / v))
        }
        Null::Bits { weights } if !equal(weights) => {
            let deviation = (n as f64 * variance(weights)).sqrt();
            Interval::continuous(tail::normal((sum - 0.5 * n as f64) / deviation))
        }
        _ => interval(null, n, sum),
    }
}

/// The p-value of a sum of n scores, by [`rough_interval`] where that is far from the level.
pub fn p_value(null: &Null, n: usize, sum: f64, level: f64) -> PValue {
    let rough = rough_interval(null, n, sum).upper;
    if rough.value() > (2.0 * level).max(0.03) { rough } else { interval(null, n, sum).upper }
}

/// The variance of the weighted mean of one site's bits.
pub(super) fn variance(weights: &[f64]) -> f64 {
    let square: f64 = weights.iter().map(|weight| weight * weight).sum();
    0.25 * square / (weights.len() as f64).powi(2)
}

/// The p-value of a sum of n scores, with and without the probability of the sum itself.
pub fn interval(null: &Null, n: usize, sum: f64) -> Interval {
    match null {
        Null::Exponential => Interval::continuous(tail::gamma(n as f64, sum)),
        Null::Fused { alpha } => Interval::continuous(tail::gamma_fused(n as u64, *alpha, sum)),
        // Sites that tell nothing count γ each: the sum is rounded down, and its p-value up.
        Null::Green { gamma } => Interval::binomial((sum + 1e-9) as u64, n as u64, *gamma),
        // The mean of equal bits counts them.
        Null::Bits { weights } if equal(weights) => {
            let bits = n * weights.len();
            Interval::binomial((sum * weights.len() as f64).round() as u64, bits as u64, 0.5)
        }
        Null::Bits { weights } => Interval::continuous(tail::bits(n as u64, weights, sum)),
    }
}

fn equal(weights: &[f64]) -> bool {
    weights.iter().all(|weight| *weight == weights[0])
}

/// How one score lies among those of the null: 0 the lowest, 1 the highest.
pub(super) fn quantile(null: &Null, score: f64) -> f64 {
    let interval = interval(null, 1, score);
    1.0 - interval.lower.value().midpoint(interval.upper.value())
}

/// Numbers of scored tokens with the logarithm of the p-value after so many.
pub(super) fn curve(null: &Null, scores: &[f64]) -> Vec<(u64, f64)> {
    let step = scores.len().div_ceil(POINTS).max(1);
    let (mut sum, mut curve) = (0.0, Vec::new());
    for (idx, score) in scores.iter().enumerate() {
        sum += score;
        let n = idx + 1;
        if n % step == 0 || n == scores.len() {
            curve.push((n as u64, interval(null, n, sum).upper.ln().max(f64::MIN)));
        }
    }
    curve
}
