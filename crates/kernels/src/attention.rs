//! Causal attention over packed documents (Vaswani et al. 2017, arXiv:1706.03762, eq. 1), with grouped key-value heads and
//! an optional sliding window.
//!
//! Rows of all documents lie one after another; a *segment* is the range of rows of one document, and rows attend only
//! within their segment. So a packed batch gives what its documents give alone, without any mask.

use std::ops::Range;

use crate::gemm::{Precision, Store, gemm_serial};
use crate::matrix::{MatMut, MatRef};
use crate::parallel::{Shared, for_each};
use crate::softmax::{add_scaled, dot, exp_in_place, max, scale};

/// Rows of queries that are done at a time.
const QUERIES: usize = 64;

/// The shape of an attention layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Floats a head.
    pub head_dim: usize,
    /// How many rows back a query sees, itself included; none: all.
    pub window: Option<usize>,
    /// What scores are multiplied by, usually `1 / sqrt(head_dim)`.
    pub scale: f32,
}

/// Queries, keys and values, a row a token: `heads * head_dim` floats of queries, `kv_heads * head_dim` of the others.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Queries.
    pub q: &'a [f32],
    /// Keys.
    pub k: &'a [f32],
    /// Values.
    pub v: &'a [f32],
}

/// Gradients of the three inputs, overwritten.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// Of the queries.
    pub q: &'a mut [f32],
    /// Of the keys.
    pub k: &'a mut [f32],
    /// Of the values.
    pub v: &'a mut [f32],
}

impl Shape {
    pub(crate) fn q_width(&self) -> usize {
        self.heads * self.head_dim
    }

    pub(crate) fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    fn check(&self, inputs: Inputs<'_>, segments: &[Range<usize>]) {
        let n = inputs.q.len() / self.q_width();
        assert!(self.heads.is_multiple_of(self.kv_heads), "every key head serves as many queries");
        assert!(
            inputs.k.len() == n * self.kv_width() && inputs.v.len() == n * self.kv_width(),
            "one row a token"
        );
        let mut end = 0;
        for segment in segments {
            assert!(
                end <= segment.start && segment.start <= segment.end && segment.end <= n,
                "segments lie in order"
            );
            end = segment.end;
        }
    }

    pub(crate) fn first_key(&self, query: usize) -> usize {
        self.window.map_or(0, |window| (query + 1).saturating_sub(window))
    }
}

/// The output of attention, `heads * head_dim` floats a row; rows outside every segment are left alone.
///
/// # Panics
/// When the slices do not hold the same rows or segments overlap.
pub fn attention(
    precision: Precision,
    shape: Shape,
    segments: &[Range<usize>],
    inputs: Inputs<'_>,
    out: &mut [f32],
) {
    shape.check(inputs, segments);
    assert_eq!(out.len(), inputs.q.len(), "one output a query");
    let target = Shared::new(out.as_mut_ptr());
    for_each(segments.len() * shape.heads, |idx| {
        let (segment, head) = (segments[idx / shape.heads].clone(), idx % shape.heads);
        let task = Task { precision, shape, segment, head, inputs };
        let mut scores = Vec::new();
        for from in (0..task.len()).step_by(QUERIES) {
            let queries = from..(from + QUERIES).min(task.len());
            let keys = task.probabilities(&queries, &mut scores);
            let probabilities = MatRef::row_major(&scores, queries.len(), keys.len());
            // SAFETY: this task alone writes these rows of this head's columns.
            let out = unsafe { task.rows_of(target, &queries, shape.q_width(), head) };
            gemm_serial(precision, probabilities, task.v().row_range(keys), out, Store::Overwrite);
        }
    });
}

/// The gradients of [`attention`]; the probabilities are computed anew.
///
/// # Panics
/// When the slices do not hold the same rows or segments overlap.
pub fn attention_backward(
    precision: Precision,
    shape: Shape,
    segments: &[Range<usize>],
    inputs: Inputs<'_>,
    d_out: &[f32],
    grads: Gradients<'_>,
) {
    shape.check(inputs, segments);
    let n = d_out.len();
    assert!(n == inputs.q.len() && n == grads.q.len(), "one gradient a query");
    assert!(
        grads.k.len() == inputs.k.len() && grads.v.len() == inputs.v.len(),
        "one gradient a key and value"
    );
    let targets = [grads.q, grads.k, grads.v].map(|grad| {
        grad.fill(0.0);
        Shared::new(grad.as_mut_ptr())
    });
    let group = shape.heads / shape.kv_heads;
    for_each(segments.len() * shape.kv_heads, |idx| {
        let (segment, kv_head) = (&segments[idx / shape.kv_heads], idx % shape.kv_heads);
        for head in kv_head * group..(kv_head + 1) * group {
            let task = Task { precision, shape, segment: segment.clone(), head, inputs };
            task.backward(d_out, targets);
        }
    });
}

/// One head of one segment.
struct Task<'a> {
    precision: Precision,
    shape: Shape,
    segment: Range<usize>,
    head: usize,
    inputs: Inputs<'a>,
}

impl<'a> Task<'a> {
    fn len(&self) -> usize {
        self.segment.len()
    }

    fn kv_head(&self) -> usize {
        self.head / (self.shape.heads / self.shape.kv_heads)
    }

    /// The rows of this segment of one head of a matrix with `width` floats a row.
    fn head_of<'b>(&self, data: &'b [f32], width: usize, head: usize) -> MatRef<'b> {
        let columns = head * self.shape.head_dim..(head + 1) * self.shape.head_dim;
        MatRef::columns(data, data.len() / width, width, columns).row_range(self.segment.clone())
    }

    fn q(&self) -> MatRef<'a> {
        self.head_of(self.inputs.q, self.shape.q_width(), self.head)
    }

    fn k(&self) -> MatRef<'a> {
        self.head_of(self.inputs.k, self.shape.kv_width(), self.kv_head())
    }

    fn v(&self) -> MatRef<'a> {
        self.head_of(self.inputs.v, self.shape.kv_width(), self.kv_head())
    }

    /// Rows of the segment of one head of a matrix to be written.
    ///
    /// # Safety
    /// No other task may touch these rows of this head meanwhile.
    unsafe fn rows_of<'b>(
        &self,
        target: Shared,
        rows: &Range<usize>,
        width: usize,
        head: usize,
    ) -> MatMut<'b> {
        let at = (self.segment.start + rows.start) * width + head * self.shape.head_dim;
        // SAFETY: the rows exist, as `Shape::check` found; the caller promises the rest.
        unsafe { MatMut::from_raw(target.get().add(at), rows.len(), self.shape.head_dim, width) }
    }

    /// The probabilities of some queries over the keys that any of them sees; returns the range of those keys.
    fn probabilities(&self, queries: &Range<usize>, scores: &mut Vec<f32>) -> Range<usize> {
        let keys = self.shape.first_key(queries.start)..queries.end;
        let (n_queries, n_keys) = (queries.len(), keys.len());
        scores.resize(n_queries * n_keys, 0.0);
        let out = MatMut::row_major(scores, n_queries, n_keys);
        let (q, k) = (self.q().row_range(queries.clone()), self.k().row_range(keys.clone()));
        gemm_serial(self.precision, q, k.transposed(), out, Store::Overwrite);
        for (row, query) in scores.chunks_exact_mut(n_keys).zip(queries.clone()) {
            let seen = self.shape.first_key(query) - keys.start..query + 1 - keys.start;
            row[..seen.start].fill(0.0);
            row[seen.end..].fill(0.0);
            let row = &mut row[seen];
            let shift = max(row);
            let sum = exp_in_place(row, shift, self.shape.scale);
            scale(row, 1.0 / sum);
        }
        keys
    }

    /// Adds this head's share of the gradients.
    fn backward(&self, d_out: &[f32], [d_q, d_k, d_v]: [Shared; 3]) {
        let (q_width, kv_width) = (self.shape.q_width(), self.shape.kv_width());
        let d_out = self.head_of(d_out, q_width, self.head);
        let (mut probabilities, mut d_scores) = (Vec::new(), Vec::new());
        for from in (0..self.len()).step_by(QUERIES) {
            let queries = from..(from + QUERIES).min(self.len());
            let keys = self.probabilities(&queries, &mut probabilities);
            let (n_queries, n_keys) = (queries.len(), keys.len());
            d_scores.resize(n_queries * n_keys, 0.0);
            let d_rows = d_out.row_range(queries.clone());
            let out = MatMut::row_major(&mut d_scores, n_queries, n_keys);
            let p = self.precision;
            gemm_serial(p, d_rows, self.v().row_range(keys.clone()).transposed(), out, Store::Overwrite);
            // SAFETY: one task has all query heads of this key head, and nobody else its rows.
            let (d_q, d_k, d_v) = unsafe {
                (
                    self.rows_of(d_q, &queries, q_width, self.head),
                    self.rows_of(d_k, &keys, kv_width, self.kv_head()),
                    self.rows_of(d_v, &keys, kv_width, self.kv_head()),
                )
            };
            let probability = MatRef::row_major(&probabilities, n_queries, n_keys);
            gemm_serial(p, probability.transposed(), d_rows, d_v, Store::Add);
            for (d_row, row) in d_scores.chunks_exact_mut(n_keys).zip(probabilities.chunks_exact(n_keys)) {
                softmax_backward(row, self.shape.scale, d_row);
            }
            let d_score = MatRef::row_major(&d_scores, n_queries, n_keys);
            gemm_serial(p, d_score, self.k().row_range(keys), d_q, Store::Overwrite);
            gemm_serial(p, d_score.transposed(), self.q().row_range(queries), d_k, Store::Add);
        }
    }
}

/// Turns the gradient of the probabilities into that of the unscaled scores.
fn softmax_backward(probabilities: &[f32], scale: f32, d_row: &mut [f32]) {
    let inner = dot(probabilities, d_row);
    for (d, p) in d_row.iter_mut().zip(probabilities) {
        *d = p * (*d - inner) * scale;
    }
}

/// Attention of one new query over cached keys and values (`len` rows of `kv_heads * head_dim` floats each), the newest
/// row being the query's own.
///
/// # Panics
/// When the slices do not hold whole rows.
pub fn attention_cached(
    shape: Shape,
    q: &[f32],
    keys: &[f32],
    values: &[f32],
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let (width, dim) = (shape.kv_width(), shape.head_dim);
    let len = keys.len() / width;
    assert!(q.len() == shape.q_width() && out.len() == q.len(), "one query");
    assert!(
        keys.len() == values.len() && len > 0 && keys.len() == len * width,
        "whole rows of keys and values"
    );
    let first = shape.first_key(len - 1);
    let group = shape.heads / shape.kv_heads;
    for head in 0..shape.heads {
        let at = head / group * dim;
        let q = &q[head * dim..][..dim];
        scores.clear();
        scores.extend((first..len).map(|row| dot(q, &keys[row * width + at..][..dim])));
        let shift = max(scores);
        let sum = exp_in_place(scores, shift, shape.scale);
        let out = &mut out[head * dim..][..dim];
        out.fill(0.0);
        for (probability, row) in scores.iter().zip(first..len) {
            add_scaled(out, probability / sum, &values[row * width + at..][..dim]);
        }
    }
}
