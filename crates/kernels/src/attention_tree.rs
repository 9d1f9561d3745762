//! Causal attention over a packed tree of texts: texts that begin alike share the rows of their beginning.
//!
//! A *node* is a stretch of rows that continues the rows of its ancestors; its queries see all of those and, of its own rows, those
//! up to themselves. So each text gets what it would get alone, and a beginning that many texts share is computed once.

use std::ops::Range;

use crate::attention::{Inputs, Shape};
use crate::gemm::{Precision, Store, gemm_serial};
use crate::matrix::{MatMut, MatRef};
use crate::parallel::{Shared, for_each};
use crate::softmax::{exp_in_place, max, scale};

/// Rows of queries that are done at a time.
const QUERIES: usize = 64;

/// A stretch of rows in a tree of texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// The rows of its ancestors, from the root on.
    pub before: Vec<Range<usize>>,
    /// Its own rows.
    pub own: Range<usize>,
}

impl Node {
    /// How many rows come before its own.
    pub fn depth(&self) -> usize {
        self.before.iter().map(ExactSizeIterator::len).sum()
    }
}

/// The output of attention, `heads * head_dim` floats a row; rows outside every node are left alone.
///
/// # Panics
/// When the slices do not hold the same rows, or the nodes' own rows overlap or are not there.
pub fn attention_tree(
    precision: Precision,
    shape: Shape,
    nodes: &[Node],
    inputs: Inputs<'_>,
    out: &mut [f32],
) {
    check(shape, nodes, inputs, out.len());
    let target = Shared::new(out.as_mut_ptr());
    for_each(nodes.len() * shape.kv_heads, |idx| {
        let (node, kv_head) = (&nodes[idx / shape.kv_heads], idx % shape.kv_heads);
        let keys = gathered(shape, node, kv_head, inputs.k);
        let values = gathered(shape, node, kv_head, inputs.v);
        let group = shape.heads / shape.kv_heads;
        let mut scores = Vec::new();
        for head in kv_head * group..(kv_head + 1) * group {
            for from in (0..node.own.len()).step_by(QUERIES) {
                let queries = from..(from + QUERIES).min(node.own.len());
                let seen =
                    probabilities(precision, shape, node, (inputs.q, head), (&queries, &keys), &mut scores);
                let at = (node.own.start + queries.start) * shape.q_width() + head * shape.head_dim;
                // SAFETY: the rows exist, as was checked; this task alone writes these rows of its heads' columns.
                let out = unsafe {
                    MatMut::from_raw(target.get().add(at), queries.len(), shape.head_dim, shape.q_width())
                };
                let probabilities = MatRef::row_major(&scores, queries.len(), seen.len());
                let values = MatRef::row_major(&values, values.len() / shape.head_dim, shape.head_dim);
                gemm_serial(precision, probabilities, values.row_range(seen), out, Store::Overwrite);
            }
        }
    });
}

fn check(shape: Shape, nodes: &[Node], inputs: Inputs<'_>, out_len: usize) {
    let n = inputs.q.len() / shape.q_width();
    assert!(shape.heads.is_multiple_of(shape.kv_heads), "every key head serves as many queries");
    assert!(out_len == inputs.q.len() && n * shape.q_width() == out_len, "one output a query");
    assert!(
        inputs.k.len() == n * shape.kv_width() && inputs.v.len() == n * shape.kv_width(),
        "one row a token"
    );
    let mut end = 0;
    for node in nodes {
        assert!(
            end <= node.own.start && node.own.start <= node.own.end && node.own.end <= n,
            "nodes lie in order"
        );
        assert!(
            node.before.iter().all(|rows| rows.start <= rows.end && rows.end <= end),
            "ancestors come first"
        );
        end = node.own.end;
    }
}

/// The rows of one key-value head that a node's queries see, one after another.
fn gathered(shape: Shape, node: &Node, kv_head: usize, data: &[f32]) -> Vec<f32> {
    let (width, dim) = (shape.kv_width(), shape.head_dim);
    let mut out = Vec::with_capacity((node.depth() + node.own.len()) * dim);
    for rows in node.before.iter().chain(std::iter::once(&node.own)) {
        for row in rows.clone() {
            out.extend_from_slice(&data[row * width + kv_head * dim..][..dim]);
        }
    }
    out
}

/// The probabilities of some of a node's queries over the keys that any of them sees; returns the range of those keys.
fn probabilities(
    precision: Precision,
    shape: Shape,
    node: &Node,
    (q, head): (&[f32], usize),
    (queries, keys): (&Range<usize>, &[f32]),
    scores: &mut Vec<f32>,
) -> Range<usize> {
    let depth = node.depth();
    let seen = shape.first_key(depth + queries.start)..depth + queries.end;
    let columns = head * shape.head_dim..(head + 1) * shape.head_dim;
    let own = node.own.start + queries.start..node.own.start + queries.end;
    let q = MatRef::columns(q, q.len() / shape.q_width(), shape.q_width(), columns).row_range(own);
    let keys = MatRef::row_major(keys, keys.len() / shape.head_dim, shape.head_dim).row_range(seen.clone());
    scores.resize(queries.len() * seen.len(), 0.0);
    let out = MatMut::row_major(scores, queries.len(), seen.len());
    gemm_serial(precision, q, keys.transposed(), out, Store::Overwrite);
    for (row, query) in scores.chunks_exact_mut(seen.len()).zip(queries.clone()) {
        let place = depth + query;
        let own = shape.first_key(place) - seen.start..place + 1 - seen.start;
        row[..own.start].fill(0.0);
        row[own.end..].fill(0.0);
        let row = &mut row[own];
        let shift = max(row);
        let sum = exp_in_place(row, shift, shape.scale);
        scale(row, 1.0 / sum);
    }
    seen
}
