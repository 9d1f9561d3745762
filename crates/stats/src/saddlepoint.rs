//! The upper tail of a weighted sum of fair bits, by its saddlepoint.

use crate::{PValue, tail};

/// P(S ≥ `total`) for S the sum of `n` independent rounds of fair bits with these weights, to a relative error of about
/// 1 / n (Lugannani and Rice 1980, as in Daniels 1987, equation 4.9), in log space however far out.
///
/// Weights that share a coarse lattice, such as equal ones, want [`tail::binomial`] instead.
pub fn weighted_bits(weights: &[f64], n: f64, total: f64) -> PValue {
    // About its mean the sum is symmetric.
    let x = total - n * weights.iter().sum::<f64>() / 2.0;
    if x.is_nan() || n <= 0.0 || weights.is_empty() {
        return PValue::ONE;
    }
    if x < 0.0 {
        return PValue::from_ln((-above(weights, n, -x).value()).ln_1p());
    }
    above(weights, n, x)
}

/// P(S − mean ≥ x), x ≥ 0.
fn above(weights: &[f64], n: f64, x: f64) -> PValue {
    let most = n * weights.iter().sum::<f64>() / 2.0;
    if x >= most * (1.0 - 1e-12) {
        let all = -n * weights.len() as f64 * std::f64::consts::LN_2;
        return PValue::from_ln(if x > most * (1.0 + 1e-12) { f64::NEG_INFINITY } else { all });
    }
    let variance = n * weights.iter().map(|weight| weight * weight / 4.0).sum::<f64>();
    let t = saddle(weights, n, x, variance);
    let exponent = t * x - n * weights.iter().map(|weight| ln_cosh(weight * t / 2.0)).sum::<f64>();
    let r = (2.0 * exponent).max(0.0).sqrt();
    if r < 1e-3 {
        return tail::normal(x / variance.sqrt());
    }
    let u = t * curvature(weights, n, t).sqrt();
    let ln_normal = tail::normal(r).ln();
    let ln_density = -0.5 * r * r - 0.5 * (2.0 * std::f64::consts::PI).ln();
    PValue::from_ln(ln_normal + ((ln_density - ln_normal).exp() * (1.0 / u - 1.0 / r)).ln_1p())
}

/// The t at which the tilted mean is x: Newton's steps, kept between bounds.
fn saddle(weights: &[f64], n: f64, x: f64, variance: f64) -> f64 {
    let slope = |t: f64| n * weights.iter().map(|w| w / 2.0 * (w * t / 2.0).tanh()).sum::<f64>();
    let (mut low, mut high) = (0.0, 2.0 * x / variance);
    while slope(high) < x {
        (low, high) = (high, 2.0 * high);
    }
    let mut t = (x / variance).clamp(low, high);
    for _ in 0..100 {
        let miss = slope(t) - x;
        if miss > 0.0 { high = t } else { low = t }
        let newton = t - miss / curvature(weights, n, t);
        let next = if low < newton && newton < high { newton } else { f64::midpoint(low, high) };
        if (next - t).abs() <= 1e-14 * t {
            break;
        }
        t = next;
    }
    t
}

fn curvature(weights: &[f64], n: f64, t: f64) -> f64 {
    n * weights.iter().map(|weight| weight * weight / 4.0 / (weight * t / 2.0).cosh().powi(2)).sum::<f64>()
}

fn ln_cosh(x: f64) -> f64 {
    x.abs() + (-2.0 * x.abs()).exp().ln_1p() - std::f64::consts::LN_2
}
