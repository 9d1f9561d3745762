//! Statistics and their tails under each null.

use stillmark_stats::decoys::Interval;
use stillmark_stats::{PValue, saddlepoint, tail};

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

/// The p-value of a sum of n scores, with and without the probability of the sum itself.
pub(crate) fn interval(null: &Null, n: usize, sum: f64) -> Interval {
    match null {
        Null::Exponential => Interval::continuous(tail::gamma(n as f64, sum)),
        Null::Fused { alpha } => Interval::continuous(tail::gamma_fused(n as u64, *alpha, sum)),
        Null::Green { gamma } => Interval::binomial(sum.round() as u64, n as u64, *gamma),
        Null::Bits { weights } => match equal(weights) {
            // The mean of equal bits counts them.
            true => {
                let bits = n * weights.len();
                Interval::binomial((sum * weights.len() as f64).round() as u64, bits as u64, 0.5)
            }
            false => {
                let total = sum * weights.len() as f64;
                Interval::continuous(saddlepoint::weighted_bits(weights, n as f64, total))
            }
        },
    }
}

fn equal(weights: &[f64]) -> bool {
    weights.iter().all(|weight| *weight == weights[0])
}

/// How one score lies among those of the null: 0 the lowest, 1 the highest.
pub(super) fn quantile(null: &Null, score: f64) -> f64 {
    let interval = interval(null, 1, score);
    1.0 - (interval.lower.value() + interval.upper.value()) / 2.0
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

/// How many tokens of one nat of entropy a mark needs to be found at a level in nine texts of ten; none where that depends on
/// more than the scheme.
pub fn needed(null: &Null, level: f64) -> Option<u64> {
    // Mean and variance of a marked token's score at one nat (docs/guide/provider.md tells where they come from).
    let (mean, variance, null_mean, null_variance) = match null {
        Null::Exponential => (1.62, 1.55, 1.0, 1.0),
        Null::Fused { alpha } => {
            let (a, b) = (1.0 - alpha, *alpha);
            let v = a * a + b * b;
            (1.0 + 0.62 * v, 1.55 * v, 1.0, v)
        }
        Null::Green { gamma } => {
            let green = gamma + 0.45 * (1.0 - gamma) * (1.0 - (-gamma * 4.0).exp());
            (green, green * (1.0 - green), *gamma, gamma * (1.0 - gamma))
        }
        Null::Bits { weights } => {
            let depth = weights.len() as f64;
            let square: f64 = weights.iter().map(|weight| weight * weight).sum::<f64>() / (depth * depth);
            (0.5 + 0.5 * (0.58 * square).sqrt() * (depth / 30.0).min(1.0), 0.25 * square, 0.5, 0.25 * square)
        }
    };
    if mean <= null_mean {
        return None;
    }
    let (critical, power) = (tail::normal_critical(PValue::new(level)), 1.282);
    let root = (critical * f64::sqrt(null_variance) + power * f64::sqrt(variance)) / (mean - null_mean);
    Some((root * root).ceil() as u64)
}
