//! What a standard error, a comparison and a choice among several runs imply.

use stillmark_stats::{PValue, tail};

use super::Printed;

/// How many items a printed standard error of a share implies: se² = p (1 − p) / (n − 1) as harnesses compute it, the least and
/// the greatest n that the rounding of both numbers leaves. The share is given from 0 to 1 with the error that it may have.
/// None where the standard error may be 0.
pub fn items_implied(share: (f64, f64), stderr: (f64, f64)) -> Option<(f64, f64)> {
    let ((share, share_off), (stderr, stderr_off)) = (share, stderr);
    let variance = |p: f64| p.clamp(0.0, 1.0) * (1.0 - p.clamp(0.0, 1.0));
    let (low, high) = (share - share_off, share + share_off);
    let least = variance(low).min(variance(high));
    let greatest = if low <= 0.5 && 0.5 <= high { 0.25 } else { variance(low).max(variance(high)) };
    if stderr - stderr_off <= 0.0 {
        return None;
    }
    Some((1.0 + least / (stderr + stderr_off).powi(2), 1.0 + greatest / (stderr - stderr_off).powi(2)))
}

/// The range of a printed number, scaled to a share.
pub fn range(printed: Printed, whole: u64) -> (f64, f64) {
    (printed.value() / whole as f64, printed.half_unit() / whole as f64)
}

/// The standard error of a share of n items.
pub fn stderr(share: f64, items: u64) -> f64 {
    (share * (1.0 - share) / (items as f64 - 1.0).max(1.0)).sqrt()
}

/// By how many standard errors the best of k equal runs lies above their mean, on average: E max of k standard normals, by
/// the midpoint rule over P(max > x) and P(max < −x), which decays so fast that the sum is right to 10⁻⁹.
pub fn best_of(runs: u64) -> f64 {
    const STEP: f64 = 1e-3;
    let below = |x: f64| (runs as f64 * (-tail::normal(x).value()).ln_1p()).exp();
    let sum: f64 = (0..12_000).map(|i| (f64::from(i) + 0.5) * STEP).map(|x| 1.0 - below(x) - below(-x)).sum();
    sum * STEP
}

/// The bound √(2 ln k) of the same.
pub fn best_of_bound(runs: u64) -> f64 {
    (2.0 * (runs as f64).ln()).sqrt()
}

/// How far apart two shares are, in standard errors of their difference, and how often equal ones lie so far apart (two-sided,
/// normal). As if measured on different items; on the same items a paired test sees more.
pub fn apart(first: (f64, f64), second: (f64, f64)) -> (f64, PValue) {
    let z = (first.0 - second.0) / (first.1 * first.1 + second.1 * second.1).sqrt();
    (z, tail::normal(z.abs()).times(2.0))
}
