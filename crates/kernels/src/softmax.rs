//! The exponential, and reductions of a row of logits.

use crate::isa::dispatched;

/// Number of independent sums kept in a reduction; fixed, so that every instruction set adds in the same order.
pub const LANES: usize = 16;

/// `e^x` to within 2 units in the last place; 0 below the smallest normal result, infinity above the largest.
///
/// Range reduction by ln 2 in two parts and a polynomial of degree 6, as Cephes' `expf` has it. Plain
/// arithmetic without branches, so that loops over it vectorize.
#[inline]
pub fn exp(x: f32) -> f32 {
    const HIGH: f32 = 88.722_84;
    const LOW: f32 = -87.336_54;
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = x.clamp(LOW, HIGH);
    // Adding and taking away 1.5 * 2^23 rounds to the nearest integer; in between, the low bits are that integer.
    let magic = 12_582_912.0_f32;
    let shifted = clamped * std::f32::consts::LOG2_E + magic;
    let n = shifted - magic;
    let exponent = shifted.to_bits().wrapping_sub(magic.to_bits()).cast_signed();
    let r = clamped - n * LN2_HIGH - n * LN2_LOW;
    let mut p = 1.987_569_1e-4_f32;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let y = p * r * r + r + 1.0;
    // 2^n in two factors, so that n = 128 does not overflow the exponent's bits.
    let half = exponent >> 1;
    let rest = exponent.wrapping_sub(half);
    let power = |n: i32| f32::from_bits((n.wrapping_add(127).cast_unsigned()) << 23);
    let scaled = y * power(half) * power(rest);
    let scaled = if x < LOW { 0.0 } else { scaled };
    let scaled = if x > HIGH { f32::INFINITY } else { scaled };
    if x.is_nan() { x } else { scaled }
}

dispatched! {
    /// The largest element; negative infinity for an empty row. NaN elements are passed over.
    pub fn max(row: &[f32]) -> f32 {
        let mut acc = [f32::NEG_INFINITY; LANES];
        let mut chunks = row.chunks_exact(LANES);
        for chunk in &mut chunks {
            for lane in 0..LANES {
                acc[lane] = if chunk[lane] > acc[lane] { chunk[lane] } else { acc[lane] };
            }
        }
        chunks.remainder().iter().chain(&acc).fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a })
    }
}

dispatched! {
    /// The sum of `exp((x - shift) * scale)` over the row.
    pub fn sum_exp(row: &[f32], shift: f32, scale: f32) -> f32 {
        let mut acc = [0.0_f32; LANES];
        let mut chunks = row.chunks_exact(LANES);
        for chunk in &mut chunks {
            for lane in 0..LANES {
                acc[lane] += exp((chunk[lane] - shift) * scale);
            }
        }
        let mut tail = 0.0;
        for &x in chunks.remainder() {
            tail += exp((x - shift) * scale);
        }
        fold(acc) + tail
    }
}

dispatched! {
    /// Replaces every element by `exp((x - shift) * scale)` and returns the sum of the results.
    pub fn exp_in_place(row: &mut [f32], shift: f32, scale: f32) -> f32 {
        let mut acc = [0.0_f32; LANES];
        let mut chunks = row.chunks_exact_mut(LANES);
        for chunk in &mut chunks {
            for lane in 0..LANES {
                chunk[lane] = exp((chunk[lane] - shift) * scale);
                acc[lane] += chunk[lane];
            }
        }
        let mut tail = 0.0;
        for x in chunks.into_remainder() {
            *x = exp((*x - shift) * scale);
            tail += *x;
        }
        fold(acc) + tail
    }
}

dispatched! {
    /// Multiplies every element by `factor`.
    pub fn scale(row: &mut [f32], factor: f32) {
        for x in row {
            *x *= factor;
        }
    }
}

dispatched! {
    /// The inner product of two rows of one length.
    pub fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut acc = [0.0_f32; LANES];
        let mut a_chunks = a.chunks_exact(LANES);
        let mut b_chunks = b.chunks_exact(LANES);
        for (a, b) in (&mut a_chunks).zip(&mut b_chunks) {
            for lane in 0..LANES {
                acc[lane] += a[lane] * b[lane];
            }
        }
        let mut tail = 0.0;
        for (a, b) in a_chunks.remainder().iter().zip(b_chunks.remainder()) {
            tail += a * b;
        }
        fold(acc) + tail
    }
}

dispatched! {
    /// `y += a * x`.
    pub fn add_scaled(y: &mut [f32], a: f32, x: &[f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += a * x;
        }
    }
}

/// The natural logarithm of the sum of `exp(x * scale)` over the row, without overflow.
pub fn log_sum_exp(row: &[f32], scale: f32) -> f32 {
    let shift = max(row);
    shift * scale + sum_exp(row, shift, scale).ln()
}

/// Replaces a row of logits by the probabilities of their softmax.
pub fn softmax(row: &mut [f32]) {
    let shift = max(row);
    let sum = exp_in_place(row, shift, 1.0);
    scale(row, 1.0 / sum);
}

/// Adds up the lanes of a reduction, always in the same order.
#[inline]
pub(crate) fn fold(mut acc: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            acc[lane] += acc[lane + width];
        }
        width /= 2;
    }
    acc[0]
}
