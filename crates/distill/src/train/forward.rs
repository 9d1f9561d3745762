//! The forward pass over packed documents, saving what the backward pass needs.

use std::ops::Range;

use stillmark_kernels::activation::swiglu;
use stillmark_kernels::attention::{Inputs, attention};
use stillmark_kernels::gemm::{Precision, Store};
use stillmark_kernels::norm::rms_norm;
use stillmark_kernels::rope::{Table, Turn, rotate};
use stillmark_model::Config;
use stillmark_model::architecture::attention_shape;

use super::layout::{LayerSlots, Layout};
use super::linear::{Linear, add_bias};
use super::workspace::{LayerSaved, Scratch, Widths, Workspace};

/// What both passes over a batch read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass<'a> {
    pub config: &'a Config,
    pub layout: &'a Layout,
    pub weights: &'a [f32],
    pub rope: &'a Table,
    pub precision: Precision,
    pub tokens: &'a [u32],
    pub segments: &'a [Range<usize>],
}

/// One layer of a pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerPass<'a> {
    pub pass: Pass<'a>,
    pub index: usize,
    pub slots: &'a LayerSlots,
    pub widths: Widths,
    pub positions: &'a [u32],
}

impl<'a> Pass<'a> {
    pub(super) fn rows(&self) -> usize {
        self.tokens.len()
    }

    pub(super) fn weight(&self, range: &Range<usize>) -> &'a [f32] {
        &self.weights[range.clone()]
    }

    pub(super) fn layer(self, index: usize, widths: Widths, positions: &'a [u32]) -> LayerPass<'a> {
        LayerPass { pass: self, index, slots: &self.layout.layers[index], widths, positions }
    }

    /// Runs every layer and the last norm; the hidden rows are left in `scratch.normed`.
    pub(super) fn forward(self, workspace: &mut Workspace) {
        let Workspace { widths, layers, output, positions, scratch, .. } = workspace;
        let (widths, width) = (*widths, widths.stream);
        fill_positions(self.segments, self.rows(), positions);
        let embedding = self.weight(&self.layout.embedding);
        let first = layers.first_mut().map_or(&mut *output, |layer| &mut layer.input);
        for (row, &token) in first.chunks_exact_mut(width).zip(self.tokens) {
            row.copy_from_slice(&embedding[token as usize * width..][..width]);
        }
        let mut rest = layers.as_mut_slice();
        let mut index = 0;
        while let Some((layer, following)) = rest.split_first_mut() {
            let next = following.first_mut().map_or(&mut *output, |layer| &mut layer.input);
            self.layer(index, widths, positions).forward(layer, next, scratch);
            (rest, index) = (following, index + 1);
        }
        let n = self.rows() * width;
        let norm = self.weight(&self.layout.final_norm);
        rms_norm(&output[..n], norm, self.config.rms_norm_eps, &mut scratch.normed[..n]);
    }
}

impl LayerPass<'_> {
    pub(super) fn linear(&self, inputs: usize, outputs: usize) -> Linear {
        Linear { precision: self.pass.precision, rows: self.pass.rows(), inputs, outputs }
    }

    fn norm(&self, x: &[f32], weight: &Range<usize>, out: &mut [f32]) {
        rms_norm(x, self.pass.weight(weight), self.pass.config.rms_norm_eps, out);
    }

    fn forward(&self, saved: &mut LayerSaved, next: &mut [f32], scratch: &mut Scratch) {
        let (rows, Widths { stream, q, ffn, .. }) = (self.pass.rows(), self.widths);
        let (n, wide) = (rows * stream, &mut scratch.wide);
        let normed = &mut scratch.normed[..n];
        self.norm(&saved.input[..n], &self.slots.input_norm, normed);
        self.project(normed, saved);
        let inputs = self.inputs(saved);
        let shape = attention_shape(self.pass.config, self.index);
        let attended = &mut wide[..rows * q];
        attended.fill(0.0);
        attention(self.pass.precision, shape, self.pass.segments, inputs, attended);
        saved.attended[..rows * q].copy_from_slice(attended);

        let middle = &mut saved.middle[..n];
        middle.copy_from_slice(&saved.input[..n]);
        let weight = |range| self.pass.weight(range);
        self.linear(q, stream).forward(&saved.attended, weight(&self.slots.output), middle, Store::Add);
        self.norm(middle, &self.slots.post_norm, normed);
        let widen = self.linear(stream, ffn);
        widen.forward(normed, weight(&self.slots.gate), &mut saved.gate, Store::Overwrite);
        widen.forward(normed, weight(&self.slots.up), &mut saved.up, Store::Overwrite);
        let product = &mut wide[..rows * ffn];
        swiglu(&saved.gate[..rows * ffn], &saved.up[..rows * ffn], product);
        let next = &mut next[..n];
        next.copy_from_slice(middle);
        self.linear(ffn, stream).forward(product, weight(&self.slots.down), next, Store::Add);
    }

    /// Queries, keys and values: projected, with bias, normed and turned as the family does.
    fn project(&self, normed: &[f32], saved: &mut LayerSaved) {
        let (rows, Widths { stream, q, kv, .. }) = (self.pass.rows(), self.widths);
        let LayerSaved { raw, q: queries, k: keys, v: values, .. } = saved;
        for (which, (out, width)) in [(queries, q), (keys, kv), (values, kv)].into_iter().enumerate() {
            let out = &mut out[..rows * width];
            let weight = self.pass.weight(&self.slots.projections[which]);
            self.linear(stream, width).forward(normed, weight, out, Store::Overwrite);
            let bias = &self.slots.biases[which];
            if !bias.is_empty() {
                add_bias(out, self.pass.weight(bias));
            }
            if which == 2 {
                continue;
            }
            let norm = &self.slots.head_norms[which];
            if !norm.is_empty() {
                let raw = &mut raw[which][..rows * width];
                raw.copy_from_slice(out);
                self.norm(raw, norm, out);
            }
            rotate(self.pass.rope, self.positions, width, out, Turn::Forward);
        }
    }

    pub(super) fn inputs<'b>(&self, saved: &'b LayerSaved) -> Inputs<'b> {
        let (rows, Widths { q, kv, .. }) = (self.pass.rows(), self.widths);
        Inputs { q: &saved.q[..rows * q], k: &saved.k[..rows * kv], v: &saved.v[..rows * kv] }
    }
}

/// The position of every row in its segment; rows outside every segment stand at 0.
fn fill_positions(segments: &[Range<usize>], rows: usize, positions: &mut Vec<u32>) {
    positions.clear();
    positions.resize(rows, 0);
    for segment in segments {
        for (at, position) in positions[segment.clone()].iter_mut().enumerate() {
            *position = at as u32;
        }
    }
}
