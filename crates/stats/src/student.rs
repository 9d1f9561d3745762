//! Student's distribution, of means whose spread had to be estimated.

use crate::deviance::stirling_error;
use crate::{PValue, tail};

/// P(T ≥ t) for Student's T with so many degrees of freedom (whole or not); with infinitely many it is the normal tail.
pub fn upper(t: f64, degrees: f64) -> PValue {
    if t.is_nan() || degrees.is_nan() || degrees <= 0.0 {
        return PValue::ONE;
    }
    if degrees.is_infinite() {
        return tail::normal(t);
    }
    // P(|T| ≥ t) is the incomplete beta function at ν / (ν + t²).
    let both = ln_beta_tail(degrees / 2.0, degrees / (degrees + t * t), t * t / (degrees + t * t));
    if t >= 0.0 {
        return PValue::from_ln(both - std::f64::consts::LN_2);
    }
    PValue::from_ln((-0.5 * both.exp()).ln_1p())
}

/// The t with P(T ≥ t) = p.
pub fn critical(p: PValue, degrees: f64) -> f64 {
    if degrees.is_infinite() {
        return tail::normal_critical(p);
    }
    if p.value() > 0.5 {
        return -critical(PValue::new(1.0 - p.value()), degrees);
    }
    let (mut below, mut beyond) = (0.0, 1.0);
    while f64::is_finite(beyond) && upper(beyond, degrees).ln() > p.ln() {
        beyond *= 2.0;
    }
    loop {
        let middle = f64::midpoint(below, beyond);
        if middle <= below || middle >= beyond {
            return beyond;
        }
        if upper(middle, degrees).ln() > p.ln() { below = middle } else { beyond = middle }
    }
}

/// The logarithm of the regularized incomplete beta function of a and ½ at x; y is 1 − x, given so that it keeps its digits.
fn ln_beta_tail(a: f64, x: f64, y: f64) -> f64 {
    const B: f64 = 0.5;
    if y <= 0.0 {
        return 0.0;
    }
    if x <= 0.0 {
        return f64::NEG_INFINITY;
    }
    let ln_x = if y < 0.5 { (-y).ln_1p() } else { x.ln() };
    let ln_front = a * ln_x + B * y.ln() - ln_beta(a);
    // The fraction converges fast on its own side of the mean; the other side is one less the twin's.
    if x < (a + 1.0) / (a + B + 2.0) {
        return ln_front + (fraction(a, B, x) / a).ln();
    }
    (-(ln_front + (fraction(B, a, y) / B).ln()).exp()).ln_1p()
}

/// ln B(a, ½) = ln Γ(a) + ½ ln π − ln Γ(a + ½).
fn ln_beta(a: f64) -> f64 {
    // By Stirling's formula of Γ(a + 1) and Γ(a + 3/2), whose large parts cancel before they are added.
    let upper = a + 0.5;
    let powers = upper * (-0.5 / upper).ln_1p() - 0.5 * upper.ln() + 0.5;
    stirling_error(a) - stirling_error(upper) + powers + 0.5 * std::f64::consts::PI.ln() + (upper / a).ln()
}

/// The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in (1_u32..100_000).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        value *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    value
}
