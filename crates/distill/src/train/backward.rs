//! The backward pass: gradients of every parameter, added to a flat vector laid out as the weights are.

use std::ops::Range;

use stillmark_kernels::activation::{swiglu, swiglu_backward};
use stillmark_kernels::attention::{Gradients, attention_backward};
use stillmark_kernels::gemm::Store;
use stillmark_kernels::norm::{rms_norm, rms_norm_backward};
use stillmark_kernels::rope::{Turn, rotate};
use stillmark_kernels::softmax::add_scaled;
use stillmark_model::architecture::attention_shape;

use super::forward::{LayerPass, Pass};
use super::linear::bias_gradient;
use super::workspace::{LayerSaved, Scratch, Widths, Workspace};

impl Pass<'_> {
    /// Adds the gradients of everything below the head; `scratch.d_normed` holds the gradient of the hidden rows.
    pub(super) fn backward(self, workspace: &mut Workspace, grads: &mut [f32]) {
        let Workspace { widths, layers, output, positions, scratch, .. } = workspace;
        let n = self.rows() * widths.stream;
        let d_stream = &mut scratch.d_stream[..n];
        d_stream.fill(0.0);
        let norm = &self.layout.final_norm;
        rms_norm_backward(
            &output[..n],
            self.weight(norm),
            self.config.rms_norm_eps,
            &scratch.d_normed[..n],
            d_stream,
            &mut grads[norm.clone()],
        );
        for (index, layer) in layers.iter_mut().enumerate().rev() {
            self.layer(index, *widths, positions).backward(layer, scratch, grads);
        }
        let d_embedding = &mut grads[self.layout.embedding.clone()];
        let width = widths.stream;
        for (&token, d_row) in self.tokens.iter().zip(scratch.d_stream.chunks_exact(width)) {
            add_scaled(&mut d_embedding[token as usize * width..][..width], 1.0, d_row);
        }
    }
}

impl LayerPass<'_> {
    /// Turns the gradient of the layer's output in `scratch.d_stream` into that of its input.
    fn backward(&self, saved: &mut LayerSaved, scratch: &mut Scratch, grads: &mut [f32]) {
        self.feed_forward_backward(saved, scratch, grads);
        self.attention_backward(saved, scratch, grads);
        self.projections_backward(saved, scratch, grads);
    }

    fn feed_forward_backward(&self, saved: &mut LayerSaved, scratch: &mut Scratch, grads: &mut [f32]) {
        let (rows, Widths { stream, ffn, .. }) = (self.pass.rows(), self.widths);
        let Scratch { normed, wide, d_stream, d_normed, .. } = scratch;
        let (gate, up) = (&mut saved.gate[..rows * ffn], &mut saved.up[..rows * ffn]);
        let wide = &mut wide[..rows * ffn];
        swiglu(gate, up, wide);
        let (narrow, down) = (self.linear(ffn, stream), &self.slots.down);
        narrow.weight_gradient(d_stream, wide, &mut grads[down.clone()]);
        narrow.input_gradient(d_stream, self.pass.weight(down), wide, Store::Overwrite);
        swiglu_backward(wide, gate, up);
        self.norm_again(&saved.middle, &self.slots.post_norm, normed);
        let widen = self.linear(stream, ffn);
        for (range, d_y, store) in
            [(&self.slots.gate, gate, Store::Overwrite), (&self.slots.up, up, Store::Add)]
        {
            widen.weight_gradient(d_y, normed, &mut grads[range.clone()]);
            widen.input_gradient(d_y, self.pass.weight(range), d_normed, store);
        }
        let (norm, n) = ((&saved.middle[..], &self.slots.post_norm), rows * stream);
        self.norm_backward(norm, &d_normed[..n], &mut d_stream[..n], grads);
    }

    fn attention_backward(&self, saved: &LayerSaved, scratch: &mut Scratch, grads: &mut [f32]) {
        let (rows, Widths { stream, q, kv, .. }) = (self.pass.rows(), self.widths);
        let (linear, output) = (self.linear(q, stream), &self.slots.output);
        linear.weight_gradient(&scratch.d_stream, &saved.attended, &mut grads[output.clone()]);
        let d_attended = &mut scratch.wide[..rows * q];
        linear.input_gradient(&scratch.d_stream, self.pass.weight(output), d_attended, Store::Overwrite);
        let shape = attention_shape(self.pass.config, self.index);
        let targets = Gradients {
            q: &mut scratch.d_q[..rows * q],
            k: &mut scratch.d_k[..rows * kv],
            v: &mut scratch.d_v[..rows * kv],
        };
        let inputs = self.inputs(saved);
        attention_backward(self.pass.precision, shape, self.pass.segments, inputs, d_attended, targets);
    }

    fn projections_backward(&self, saved: &LayerSaved, scratch: &mut Scratch, grads: &mut [f32]) {
        let (rows, Widths { stream, q, kv, .. }) = (self.pass.rows(), self.widths);
        let Scratch { normed, d_stream, d_normed, d_q, d_k, d_v, d_raw, .. } = scratch;
        self.norm_again(&saved.input, &self.slots.input_norm, normed);
        for (which, (d_y, width)) in [(d_q, q), (d_k, kv), (d_v, kv)].into_iter().enumerate() {
            let mut d_y = &mut d_y[..rows * width];
            if which < 2 {
                rotate(self.pass.rope, self.positions, width, d_y, Turn::Back);
                let norm = &self.slots.head_norms[which];
                if !norm.is_empty() {
                    let d_raw = &mut d_raw[..rows * width];
                    d_raw.fill(0.0);
                    self.norm_backward((&saved.raw[which], norm), d_y, d_raw, grads);
                    d_y = d_raw;
                }
            }
            let (bias, range) = (&self.slots.biases[which], &self.slots.projections[which]);
            if !bias.is_empty() {
                bias_gradient(d_y, &mut grads[bias.clone()]);
            }
            let linear = self.linear(stream, width);
            linear.weight_gradient(d_y, normed, &mut grads[range.clone()]);
            let store = if which == 0 { Store::Overwrite } else { Store::Add };
            linear.input_gradient(d_y, self.pass.weight(range), d_normed, store);
        }
        let (norm, n) = ((&saved.input[..], &self.slots.input_norm), rows * stream);
        self.norm_backward(norm, &d_normed[..n], &mut d_stream[..n], grads);
    }

    fn norm_again(&self, x: &[f32], weight: &Range<usize>, out: &mut [f32]) {
        let n = self.pass.rows() * self.widths.stream;
        rms_norm(&x[..n], self.pass.weight(weight), self.pass.config.rms_norm_eps, &mut out[..n]);
    }

    /// Adds a norm's gradients: `d_x` gets that of its input `x`, `grads` that of its weight.
    fn norm_backward(
        &self,
        (x, weight): (&[f32], &Range<usize>),
        d_out: &[f32],
        d_x: &mut [f32],
        grads: &mut [f32],
    ) {
        let eps = self.pass.config.rms_norm_eps;
        let d_weight = &mut grads[weight.clone()];
        rms_norm_backward(&x[..d_x.len()], self.pass.weight(weight), eps, d_out, d_x, d_weight);
    }
}
