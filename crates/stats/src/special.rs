//! The digamma function and its kin, and harmonic numbers between the whole ones.

/// ψ(x) = d/dx ln Γ(x), for x > 0 (Abramowitz and Stegun 6.3.5 and 6.3.18).
pub fn digamma(x: f64) -> f64 {
    const SERIES: [f64; 7] =
        [1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 1.0 / 132.0, -691.0 / 32_760.0, 1.0 / 12.0];
    let (x, below) = lift(x, |x| 1.0 / x);
    x.ln() - 0.5 / x - series(&SERIES, x) - below
}

/// ψ₁(x) = ψ′(x), for x > 0 (6.4.6 and 6.4.12).
pub fn trigamma(x: f64) -> f64 {
    const SERIES: [f64; 7] =
        [1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0];
    let (x, below) = lift(x, |x| 1.0 / (x * x));
    1.0 / x + 0.5 / (x * x) + series(&SERIES, x) / x + below
}

/// ψ₂(x) = ψ″(x), for x > 0 (6.4.6 and 6.4.13).
pub fn tetragamma(x: f64) -> f64 {
    const SERIES: [f64; 7] = [0.5, -1.0 / 6.0, 1.0 / 6.0, -0.3, 5.0 / 6.0, -691.0 / 210.0, 17.5];
    let (x, below) = lift(x, |x| 2.0 / (x * x * x));
    -1.0 / (x * x) - 1.0 / (x * x * x) - series(&SERIES, x) / (x * x) - below
}

/// H(x) = ψ(x + 1) + γ: 1 + ½ + … + 1/x, and between whole numbers.
pub fn harmonic(x: f64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    digamma(x + 1.0) + EULER
}

/// x raised by whole numbers to 12 or more, with the sum of a term at each step left behind.
fn lift(mut x: f64, term: impl Fn(f64) -> f64) -> (f64, f64) {
    let mut sum = 0.0;
    while x > 0.0 && x < 12.0 {
        sum += term(x);
        x += 1.0;
    }
    (x, sum)
}

/// Σ cₖ x^(−2 k), k from 1.
fn series(coefficients: &[f64], x: f64) -> f64 {
    let inverse = 1.0 / (x * x);
    coefficients.iter().rev().fold(0.0, |sum, c| (sum + c) * inverse)
}
