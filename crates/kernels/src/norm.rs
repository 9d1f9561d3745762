//! Root-mean-square layer norm (Zhang & Sennrich 2019, arXiv:1910.07467, eq. 4), over rows of any width.
//!
//! A row is one token's vector for the block norms, or one head's slice of it for the QK norm of Qwen3.

use crate::isa::dispatched;
use crate::parallel::{Shared, block_rows, for_each, for_rows};
use crate::softmax::dot;

/// `out = x / sqrt(mean(x^2) + eps) * weight` for each row of `weight.len()` floats.
///
/// # Panics
/// When the slices differ in length or are no whole number of rows.
pub fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let width = weight.len();
    assert!(x.len() == out.len() && x.len().is_multiple_of(width), "whole rows");
    for_rows(out, width, |first, out| {
        for (idx, out) in out.chunks_exact_mut(width).enumerate() {
            let row = &x[(first + idx) * width..][..width];
            scale_into(row, weight, inverse_rms(row, eps), out);
        }
    });
}

/// The gradients of [`rms_norm`]: adds into `d_x` and `d_weight`.
///
/// # Panics
/// When the slices differ in length or are no whole number of rows.
pub fn rms_norm_backward(
    x: &[f32],
    weight: &[f32],
    eps: f32,
    d_out: &[f32],
    d_x: &mut [f32],
    d_weight: &mut [f32],
) {
    let width = weight.len();
    assert!(x.len() == d_out.len() && x.len() == d_x.len() && x.len().is_multiple_of(width), "whole rows");
    assert_eq!(d_weight.len(), width, "one gradient a weight");
    let n_rows = x.len() / width;
    let block = block_rows(width).max(n_rows.div_ceil(64));
    let n_blocks = n_rows.div_ceil(block);
    let mut partial = vec![0.0_f32; n_blocks * width];
    let (partial_ptr, d_x_ptr) = (Shared::new(partial.as_mut_ptr()), Shared::new(d_x.as_mut_ptr()));
    for_each(n_blocks, |idx| {
        let rows = idx * block..((idx + 1) * block).min(n_rows);
        // SAFETY: block `idx` alone writes its own slice of partial sums and its own rows of `d_x`.
        let d_weight = unsafe { std::slice::from_raw_parts_mut(partial_ptr.get().add(idx * width), width) };
        for row in rows {
            // SAFETY: as above.
            let d_x = unsafe { std::slice::from_raw_parts_mut(d_x_ptr.get().add(row * width), width) };
            let (x, d_out) = (&x[row * width..][..width], &d_out[row * width..][..width]);
            row_backward(x, weight, inverse_rms(x, eps), d_out, d_x, d_weight);
        }
    });
    for part in partial.chunks_exact(width) {
        for (sum, part) in d_weight.iter_mut().zip(part) {
            *sum += part;
        }
    }
}

#[inline]
fn inverse_rms(row: &[f32], eps: f32) -> f32 {
    1.0 / (dot(row, row) / row.len() as f32 + eps).sqrt()
}

dispatched! {
    fn scale_into(row: &[f32], weight: &[f32], factor: f32, out: &mut [f32]) {
        for ((out, x), weight) in out.iter_mut().zip(row).zip(weight) {
            *out = x * factor * weight;
        }
    }
}

dispatched! {
    fn weighted_dot(x: &[f32], weight: &[f32], d_out: &[f32]) -> f32 {
        let mut acc = [0.0_f32; crate::softmax::LANES];
        let n = x.len() / acc.len() * acc.len();
        let mut at = 0;
        while at < n {
            for lane in 0..acc.len() {
                acc[lane] += x[at + lane] * weight[at + lane] * d_out[at + lane];
            }
            at += acc.len();
        }
        let mut tail = 0.0;
        for at in n..x.len() {
            tail += x[at] * weight[at] * d_out[at];
        }
        crate::softmax::fold(acc) + tail
    }
}

fn row_backward(
    x: &[f32],
    weight: &[f32],
    inverse: f32,
    d_out: &[f32],
    d_x: &mut [f32],
    d_weight: &mut [f32],
) {
    let shared = weighted_dot(x, weight, d_out) * inverse * inverse * inverse / x.len() as f32;
    accumulate(x, weight, [inverse, shared], d_out, d_x, d_weight);
}

dispatched! {
    fn accumulate(x: &[f32], weight: &[f32], factors: [f32; 2], d_out: &[f32], d_x: &mut [f32], d_weight: &mut [f32]) {
        let [inverse, shared] = factors;
        for ((((x, weight), d_out), d_x), d_weight) in x.iter().zip(weight).zip(d_out).zip(d_x).zip(d_weight) {
            *d_x += d_out * weight * inverse - x * shared;
            *d_weight += d_out * x * inverse;
        }
    }
}
