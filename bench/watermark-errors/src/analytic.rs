//! The analytic p-values that `watermark detect` states, from sums of scores.

use stillmark_stats::decoys::Interval;
use stillmark_stats::tail;
use stillmark_watermark::Null;

/// The p-value of a sum of n scores, with and without the probability of the sum itself.
pub(crate) fn interval(null: &Null, n: usize, sum: f64) -> Interval {
    match null {
        Null::Exponential => Interval::continuous(tail::gamma(n as f64, sum)),
        Null::Fused { alpha } => Interval::continuous(tail::gamma_fused(n as u64, *alpha, sum)),
        Null::Green { gamma } => Interval::binomial(sum.round() as u64, n as u64, *gamma),
        Null::Bits { weights } if weights.iter().all(|weight| *weight == weights[0]) => {
            let bits = n * weights.len();
            Interval::binomial((sum * weights.len() as f64).round() as u64, bits as u64, 0.5)
        }
        Null::Bits { weights } => Interval::continuous(tail::bits(n as u64, weights, sum)),
    }
}

/// The same, quickly: two keys' fused score as the Gamma variable of its mean and variance, as the gate looks at decoys too,
/// and weighted bits as a normal variable.
pub(crate) fn rough(null: &Null, n: usize, sum: f64) -> Interval {
    match null {
        Null::Fused { alpha } => {
            let v = alpha * alpha + (1.0 - alpha) * (1.0 - alpha);
            Interval::continuous(tail::gamma(n as f64 / v, sum / v))
        }
        Null::Bits { weights } if is_continuous(null) => {
            let squares: f64 = weights.iter().map(|weight| weight * weight).sum();
            let deviation = (0.25 * n as f64 * squares).sqrt() / weights.len() as f64;
            Interval::continuous(tail::normal((sum - 0.5 * n as f64) / deviation))
        }
        _ => interval(null, n, sum),
    }
}

/// Whether the statistic takes so many values that its p-value is uniform.
pub(crate) fn is_continuous(null: &Null) -> bool {
    match null {
        Null::Exponential | Null::Fused { .. } => true,
        Null::Green { .. } => false,
        Null::Bits { weights } => weights.iter().any(|weight| *weight != weights[0]),
    }
}
