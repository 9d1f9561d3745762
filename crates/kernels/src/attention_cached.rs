//! Attention of one new query a row over that row's cached keys and values, many rows at once.
//!
//! The cache of a row holds the keys of each key-value head on their own, position after position, so that a task (one row and
//! one key-value head) streams through memory once for all the query heads that share it.

use half::bf16;

use crate::attention::Shape;
use crate::isa::dispatched;
use crate::parallel::{Shared, for_each};
use crate::softmax::{LANES, exp_in_place, fold, max, scale};

/// The cached keys and values of one key-value head of one row: `head_dim` numbers a position, oldest first.
#[derive(Clone, Copy, Debug)]
pub enum CachedHead<'a> {
    /// Exact.
    F32 {
        /// Keys.
        keys: &'a [f32],
        /// Values, as many.
        values: &'a [f32],
    },
    /// Rounded to bf16; half the memory to stream.
    Bf16 {
        /// Keys.
        keys: &'a [bf16],
        /// Values, as many.
        values: &'a [bf16],
    },
}

impl CachedHead<'_> {
    fn lens(&self) -> (usize, usize) {
        match self {
            Self::F32 { keys, values } => (keys.len(), values.len()),
            Self::Bf16 { keys, values } => (keys.len(), values.len()),
        }
    }
}

/// Attention of the newest position of each row, whose own key and value end the cache: `q` and `out` hold
/// `heads * head_dim` floats a row, `caches` the heads of the first row, then those of the second, and so on.
///
/// A row's result does not depend on which other rows are there.
///
/// # Panics
/// When the slices do not fit together or a cache is empty.
pub fn attention_cached_batch(shape: Shape, q: &[f32], caches: &[CachedHead<'_>], out: &mut [f32]) {
    let (q_width, dim) = (shape.heads * shape.head_dim, shape.head_dim);
    let group = shape.heads / shape.kv_heads;
    assert!(q.len() == out.len() && q.len() * shape.kv_heads == caches.len() * q_width, "one query a row");
    for cache in caches {
        let (keys, values) = cache.lens();
        assert!(keys == values && keys > 0 && keys.is_multiple_of(dim), "whole keys and values");
    }
    let target = Shared::new(out.as_mut_ptr());
    for_each(caches.len(), |idx| {
        // Row-major: the query heads of one key-value head lie side by side, and so do the tasks' outputs.
        let q = &q[idx * group * dim..][..group * dim];
        // SAFETY: task `idx` alone writes its group's outputs.
        let out = unsafe { std::slice::from_raw_parts_mut(target.get().add(idx * group * dim), group * dim) };
        match caches[idx] {
            CachedHead::F32 { keys, values } => {
                head_group(shape, q, (keys, values), out, [scores_f32, mix_f32]);
            }
            CachedHead::Bf16 { keys, values } => {
                head_group(shape, q, (keys, values), out, [scores_bf16, mix_bf16]);
            }
        }
    });
}

/// A pass over the cache: reads `fixed` (queries or probabilities), writes `moving` (scores or outputs).
type Pass<T> = fn(cache: &[T], dim: usize, fixed: &[f32], moving: &mut [f32]);

/// The query heads that share one key-value head.
fn head_group<T>(
    shape: Shape,
    q: &[f32],
    (keys, values): (&[T], &[T]),
    out: &mut [f32],
    passes: [Pass<T>; 2],
) {
    let dim = shape.head_dim;
    let len = keys.len() / dim;
    let first = shape.window.map_or(0, |window| len.saturating_sub(window));
    let seen = len - first;
    let mut scores = vec![0.0_f32; q.len() / dim * seen];
    passes[0](&keys[first * dim..], dim, q, &mut scores);
    for row in scores.chunks_exact_mut(seen) {
        let shift = max(row);
        let sum = exp_in_place(row, shift, shape.scale);
        scale(row, 1.0 / sum);
    }
    out.fill(0.0);
    passes[1](&values[first * dim..], dim, &scores, out);
}

/// Defines the two passes for one kind of cache.
macro_rules! passes {
    ($scores:ident, $mix:ident, $element:ty, $widen:expr) => {
        dispatched! {
            fn $scores(keys: &[$element], dim: usize, q: &[f32], scores: &mut [f32]) {
                let len = keys.len() / dim;
                for (position, key) in keys.chunks_exact(dim).enumerate() {
                    for (head, q) in q.chunks_exact(dim).enumerate() {
                        let mut acc = [0.0_f32; LANES];
                        let (mut key_chunks, mut q_chunks) = (key.chunks_exact(LANES), q.chunks_exact(LANES));
                        for (key, q) in (&mut key_chunks).zip(&mut q_chunks) {
                            for lane in 0..LANES {
                                acc[lane] += q[lane] * ($widen)(key[lane]);
                            }
                        }
                        let mut tail = 0.0;
                        for (key, q) in key_chunks.remainder().iter().zip(q_chunks.remainder()) {
                            tail += q * ($widen)(*key);
                        }
                        scores[head * len + position] = fold(acc) + tail;
                    }
                }
            }
        }

        dispatched! {
            fn $mix(values: &[$element], dim: usize, probabilities: &[f32], out: &mut [f32]) {
                let len = values.len() / dim;
                for (position, value) in values.chunks_exact(dim).enumerate() {
                    for (head, out) in out.chunks_exact_mut(dim).enumerate() {
                        let probability = probabilities[head * len + position];
                        for (out, value) in out.iter_mut().zip(value) {
                            *out += probability * ($widen)(*value);
                        }
                    }
                }
            }
        }
    };
}

passes!(scores_f32, mix_f32, f32, |x: f32| x);
passes!(scores_bf16, mix_bf16, bf16, |x: bf16| f32::from_bits(u32::from(x.to_bits()) << 16));
