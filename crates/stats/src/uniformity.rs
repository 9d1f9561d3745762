//! Are these numbers uniform? Kolmogorov and Smirnov's test of one sample, and bands of counts.

use crate::deviance::ln_binomial_density;
use crate::{PValue, tail};

/// Up to this many numbers the two-sided p-value is exact (Marsaglia, Tsang and Wang's matrix).
const EXACT_UP_TO: usize = 1_000;

/// Beyond this n d², twice the one-sided tail is the two-sided one but for a share of e^(−6 n d²) (Miller 1956).
const ONE_SIDED_BEYOND: f64 = 4.0;

/// The same where the limit would be wrong in the fourth digit.
const ONE_SIDED_BEYOND_IN_THE_LIMIT: f64 = 2.2;

/// How far a sample's distribution function lies from the diagonal, and how often chance brings it as far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distance {
    /// The greatest difference.
    pub distance: f64,
    /// Its p-value where the sample is uniform and independent.
    pub p: PValue,
}

/// The two-sided test (D).
pub fn two_sided(sample: &[f64]) -> Distance {
    let sorted = sorted(sample);
    let distance = farthest_above(&sorted).max(farthest_below(&sorted));
    Distance { distance, p: two_sided_p(sorted.len(), distance) }
}

/// The test against numbers that are too small (D⁺: the sample's distribution function above the diagonal).
pub fn too_small(sample: &[f64]) -> Distance {
    let sorted = sorted(sample);
    let distance = farthest_above(&sorted);
    Distance { distance, p: one_sided_p(sorted.len(), distance) }
}

/// The test against numbers that are too large (D⁻).
pub fn too_large(sample: &[f64]) -> Distance {
    let sorted = sorted(sample);
    let distance = farthest_below(&sorted);
    Distance { distance, p: one_sided_p(sorted.len(), distance) }
}

/// P(D⁺ ≥ d), exactly, for a sample of n: d Σ C(n, j) (d + j/n)^(j−1) (1 − d − j/n)^(n−j) (Birnbaum and Tingey 1951, eq. 3.0).
pub fn one_sided_p(n: usize, d: f64) -> PValue {
    if n == 0 || d.is_nan() || d <= 0.0 {
        return PValue::ONE;
    }
    if d >= 1.0 {
        return PValue::from_ln(f64::NEG_INFINITY);
    }
    let size = n as f64;
    // Each term is a binomial density at its own chance: positive, so that nothing cancels.
    let terms = (0..=n).map(|j| (j as f64, d + j as f64 / size)).take_while(|&(_, chance)| chance < 1.0);
    let logs: Vec<f64> =
        terms.map(|(j, chance)| ln_binomial_density(j, size, chance) - chance.ln()).collect();
    PValue::from_ln(d.ln() + ln_sum(&logs))
}

/// P(D ≥ d) for a sample of n: exact up to a thousand; beyond, Kolmogorov's limit at Vrbik's corrected argument (2018).
pub fn two_sided_p(n: usize, d: f64) -> PValue {
    if n == 0 || d.is_nan() || d <= 0.5 / n as f64 {
        return PValue::ONE;
    }
    let size = n as f64;
    let beyond = if n <= EXACT_UP_TO { ONE_SIDED_BEYOND } else { ONE_SIDED_BEYOND_IN_THE_LIMIT };
    if size * d * d >= beyond || d >= 1.0 {
        return one_sided_p(n, d).times(2.0);
    }
    if n <= EXACT_UP_TO {
        return PValue::new(1.0 - within(n, d));
    }
    let root = size.sqrt();
    PValue::new(kolmogorov(root * d + 1.0 / (6.0 * root) + (root * d - 1.0) / (4.0 * size)))
}

/// The central band of counts of n trials of chance p each: outside lies a count with chance `level` at most, half of it on
/// either side.
pub fn binomial_band(n: u64, p: f64, level: f64) -> (u64, u64) {
    let greatest = |chance| tail::binomial_critical(n, chance, PValue::new(level / 2.0)).saturating_sub(1);
    (n - greatest(1.0 - p), greatest(p))
}

/// ln Σ exp: the logarithm of a sum of numbers given by theirs.
pub(crate) fn ln_sum(logs: &[f64]) -> f64 {
    let greatest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if greatest.is_infinite() {
        return greatest;
    }
    greatest + logs.iter().map(|ln| (ln - greatest).exp()).sum::<f64>().ln()
}

fn sorted(sample: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = sample.iter().copied().filter(|number| !number.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn farthest_above(sorted: &[f64]) -> f64 {
    let size = sorted.len() as f64;
    sorted.iter().enumerate().map(|(i, u)| (i + 1) as f64 / size - u).fold(0.0, f64::max)
}

fn farthest_below(sorted: &[f64]) -> f64 {
    let size = sorted.len() as f64;
    sorted.iter().enumerate().map(|(i, u)| u - i as f64 / size).fold(0.0, f64::max)
}

/// P(D > x) in the limit: 2 Σ (−1)^(k−1) exp(−2 k² x²) (Kolmogorov 1933), or by its theta twin where x is small.
fn kolmogorov(x: f64) -> f64 {
    let terms = (1..=20).map(f64::from);
    if x < 1.0 {
        let factor = -std::f64::consts::PI.powi(2) / (8.0 * x * x);
        let sum: f64 = terms.map(|k| (factor * (2.0 * k - 1.0).powi(2)).exp()).sum();
        return 1.0 - std::f64::consts::TAU.sqrt() / x * sum;
    }
    let signed = |k: f64| if k % 2.0 == 1.0 { 1.0 } else { -1.0 };
    2.0 * terms.map(|k| signed(k) * (-2.0 * k * k * x * x).exp()).sum::<f64>()
}

/// P(D < d), exactly: n!/nⁿ times the middle entry of the n-th power of a matrix (Marsaglia, Tsang and Wang 2003).
fn within(n: usize, d: f64) -> f64 {
    let scaled = n as f64 * d;
    let k = scaled as usize + 1;
    let width = 2 * k - 1;
    let matrix = step_matrix(width, k as f64 - scaled);
    let (power, mut exponent) = matrix_power(&matrix, width, n);
    let mut middle = power[(k - 1) * width + k - 1];
    for i in 1..=n {
        middle *= i as f64 / n as f64;
        if middle < 1e-140 {
            (middle, exponent) = (middle * 1e140, exponent - 140);
        }
    }
    middle * 10_f64.powi(exponent)
}

fn step_matrix(width: usize, h: f64) -> Vec<f64> {
    let mut matrix: Vec<f64> =
        (0..width * width).map(|at| if at / width + 1 >= at % width { 1.0 } else { 0.0 }).collect();
    for i in 0..width {
        matrix[i * width] -= h.powi(i as i32 + 1);
        matrix[(width - 1) * width + i] -= h.powi((width - i) as i32);
    }
    matrix[(width - 1) * width] += (2.0 * h - 1.0).max(0.0).powi(width as i32);
    for i in 0..width {
        for j in 0..=i {
            // Divided by (i − j + 1)!.
            (1..=i - j + 1).for_each(|factor| matrix[i * width + j] /= factor as f64);
        }
    }
    matrix
}

/// A power of a matrix as one times a power of ten.
fn matrix_power(matrix: &[f64], width: usize, n: usize) -> (Vec<f64>, i32) {
    if n == 1 {
        return (matrix.to_vec(), 0);
    }
    let (half, exponent) = matrix_power(matrix, width, n / 2);
    let mut power = product(&half, &half, width);
    let mut exponent = 2 * exponent;
    if n % 2 == 1 {
        power = product(matrix, &power, width);
    }
    if power[(width / 2) * width + width / 2] > 1e140 {
        for entry in &mut power {
            *entry *= 1e-140;
        }
        exponent += 140;
    }
    (power, exponent)
}

fn product(a: &[f64], b: &[f64], width: usize) -> Vec<f64> {
    let mut out = vec![0.0; width * width];
    for (row, out_row) in a.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        for (factor, b_row) in row.iter().zip(b.chunks_exact(width)) {
            out_row.iter_mut().zip(b_row).for_each(|(sum, entry)| *sum += factor * entry);
        }
    }
    out
}
