//! Densities by Loader's saddle-point expansion ("Fast and accurate computation of binomial probabilities", 2000): no
//! difference of large logarithms, so that a tail keeps twelve digits however far out it lies.

use std::f64::consts::PI;

const HALF_LN_TWO_PI: f64 = 0.918_938_533_204_672_8;

/// ln Γ(a + 1) less Stirling's formula, for a > 0.
pub(crate) fn stirling_error(a: f64) -> f64 {
    if a >= 10.0 {
        return stirling_series(a);
    }
    // Γ(a + 1) = Γ(b + 1) / ((a + 1) … b).
    let (mut b, mut product) = (a, 1.0);
    while b < 10.0 {
        b += 1.0;
        product *= b;
    }
    let ln_gamma = stirling_series(b) + (b + 0.5) * b.ln() - b + HALF_LN_TWO_PI - product.ln();
    ln_gamma - ((a + 0.5) * a.ln() - a + HALF_LN_TWO_PI)
}

fn stirling_series(a: f64) -> f64 {
    const COEFFICIENTS: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    let square = a * a;
    COEFFICIENTS.iter().rev().fold(0.0, |sum, c| sum / square + c) / a
}

/// x ln(x / m) + m − x: how far x lies from the mean m.
pub(crate) fn deviance(x: f64, m: f64) -> f64 {
    let v = (x - m) / (x + m);
    if v.abs() >= 0.1 {
        return if x == 0.0 { m } else { x * (x / m).ln() + m - x };
    }
    let (mut sum, mut power) = ((x - m) * v, 2.0 * x * v);
    for odd in (3_u32..).step_by(2) {
        power *= v * v;
        let next = sum + power / f64::from(odd);
        if next == sum {
            break;
        }
        sum = next;
    }
    sum
}

/// ln of x^a e^−x / Γ(a + 1), for a > 0.
pub(crate) fn ln_gamma_density(a: f64, x: f64) -> f64 {
    -stirling_error(a) - deviance(a, x) - 0.5 * (2.0 * PI * a).ln()
}

/// ln of the probability of k in n trials of chance p each, 0 < p < 1.
pub(crate) fn ln_binomial_density(k: f64, n: f64, p: f64) -> f64 {
    if k == 0.0 {
        return n * (-p).ln_1p();
    }
    if k == n {
        return n * p.ln();
    }
    let q = 1.0 - p;
    stirling_error(n)
        - stirling_error(k)
        - stirling_error(n - k)
        - deviance(k, n * p)
        - deviance(n - k, n * q)
        + 0.5 * (n / (2.0 * PI * k * (n - k))).ln()
}
