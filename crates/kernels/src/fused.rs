//! Rows that several linear layers wrote side by side.
//!
//! Queries, keys and values come out of one product, gate and up out of another: one pass over the input and larger products.
//! These functions take such rows apart, on all threads.

use crate::isa::dispatched;
use crate::parallel::{Shared, block_rows, for_each, for_rows};
use crate::softmax::exp;

/// Copies the columns of `fused`, whose rows hold `widths` floats side by side, into matrices of their own.
///
/// # Panics
/// When the slices do not hold the same number of whole rows.
pub fn split_columns<const N: usize>(fused: &[f32], widths: [usize; N], outs: [&mut [f32]; N]) {
    let width: usize = widths.iter().sum();
    let n_rows = fused.len() / width;
    assert!(fused.len() == n_rows * width, "whole rows");
    for (out, width) in outs.iter().zip(widths) {
        assert_eq!(out.len(), n_rows * width, "as many rows in each part");
    }
    let targets = outs.map(|out| Shared::new(out.as_mut_ptr()));
    let block = block_rows(width);
    for_each(n_rows.div_ceil(block), |idx| {
        for row in idx * block..((idx + 1) * block).min(n_rows) {
            let mut from = &fused[row * width..][..width];
            for (target, width) in targets.iter().zip(widths) {
                // SAFETY: each task writes its own rows of each part.
                let out = unsafe { std::slice::from_raw_parts_mut(target.get().add(row * width), width) };
                out.copy_from_slice(&from[..width]);
                from = &from[width..];
            }
        }
    });
}

/// `silu(gate) * up` of rows that hold gate and up side by side, `width` floats each.
///
/// # Panics
/// When the slices do not hold the same number of whole rows.
pub fn swiglu_rows(fused: &[f32], width: usize, out: &mut [f32]) {
    assert!(fused.len() == 2 * out.len() && out.len().is_multiple_of(width), "as many whole rows");
    for_rows(out, width, |first, rows| {
        for (idx, out) in rows.chunks_exact_mut(width).enumerate() {
            let (gate, up) = fused[(first + idx) * 2 * width..][..2 * width].split_at(width);
            gated(gate, up, out);
        }
    });
}

dispatched! {
    fn gated(gate: &[f32], up: &[f32], out: &mut [f32]) {
        for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
            *out = gate / (1.0 + exp(-gate)) * up;
        }
    }
}
