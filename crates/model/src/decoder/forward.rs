//! The two halves of a layer around its attention.

use stillmark_kernels::attention::Inputs;
use stillmark_kernels::fused::{split_columns, swiglu_rows};
use stillmark_kernels::gemm::{Packed, Store, gemm_packed};
use stillmark_kernels::matrix::{MatMut, MatRef};
use stillmark_kernels::norm::rms_norm;
use stillmark_kernels::rope::{Table, Turn, rotate};

use super::Layer;
use crate::Config;

/// Rows that go through a product together: their intermediate results stay small.
const CHUNK_ROWS: usize = 512;

/// Intermediate results, kept from layer to layer.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Queries of all rows.
    pub(crate) q: Vec<f32>,
    /// Keys of all rows.
    pub(crate) k: Vec<f32>,
    /// Values of all rows.
    pub(crate) v: Vec<f32>,
    /// What attention made of them.
    pub(crate) mixed: Vec<f32>,
    normed: Vec<f32>,
    fused: Vec<f32>,
    gated: Vec<f32>,
}

impl Scratch {
    /// What attention reads and where it writes.
    pub(crate) fn attention_operands(&mut self) -> (Inputs<'_>, &mut [f32]) {
        (Inputs { q: &self.q, k: &self.k, v: &self.v }, &mut self.mixed)
    }
}

impl Layer {
    /// Queries, keys and values of the rows `x`, normed and turned as the model wants them, into the scratch.
    pub(crate) fn project(
        &self,
        config: &Config,
        (table, positions): (&Table, &[u32]),
        x: &[f32],
        s: &mut Scratch,
    ) {
        let d = config.hidden_size;
        let n_rows = x.len() / d;
        let widths = [config.heads, config.kv_heads, config.kv_heads].map(|heads| heads * config.head_dim);
        for (part, width) in [&mut s.q, &mut s.k, &mut s.v].into_iter().zip(widths) {
            part.resize(n_rows * width, 0.0);
        }
        s.mixed.resize(n_rows * widths[0], 0.0);
        for (idx, x) in x.chunks(CHUNK_ROWS * d).enumerate() {
            let rows = idx * CHUNK_ROWS..idx * CHUNK_ROWS + x.len() / d;
            s.normed.resize(x.len(), 0.0);
            rms_norm(x, &self.input_norm, config.rms_norm_eps, &mut s.normed);
            product(&s.normed, &self.qkv, self.qkv_bias.as_deref(), &mut s.fused);
            let q = &mut s.q[rows.start * widths[0]..rows.end * widths[0]];
            let k = &mut s.k[rows.start * widths[1]..rows.end * widths[1]];
            let v = &mut s.v[rows.start * widths[2]..rows.end * widths[2]];
            split_columns(&s.fused, widths, [q, k, v]);
        }
        if let Some([q_norm, k_norm]) = &self.qk_norm {
            for (heads, norm) in [(&mut s.q, q_norm), (&mut s.k, k_norm)] {
                s.normed.resize(heads.len(), 0.0);
                rms_norm(heads, norm, config.rms_norm_eps, &mut s.normed);
                std::mem::swap(heads, &mut s.normed);
            }
        }
        rotate(table, positions, widths[0], &mut s.q, Turn::Forward);
        rotate(table, positions, widths[1], &mut s.k, Turn::Forward);
    }

    /// Adds to the rows `x` what attention found, and what the feed-forward block makes of the sum.
    pub(crate) fn finish(&self, config: &Config, s: &mut Scratch, x: &mut [f32]) {
        let d = config.hidden_size;
        let mixed_width = config.heads * config.head_dim;
        for (x, mixed) in x.chunks_mut(CHUNK_ROWS * d).zip(s.mixed.chunks(CHUNK_ROWS * mixed_width)) {
            add_product(mixed, &self.output, x);
            s.normed.resize(x.len(), 0.0);
            rms_norm(x, &self.ffn_norm, config.rms_norm_eps, &mut s.normed);
            product(&s.normed, &self.gate_up, None, &mut s.fused);
            s.gated.resize(s.fused.len() / 2, 0.0);
            swiglu_rows(&s.fused, config.intermediate_size, &mut s.gated);
            add_product(&s.gated, &self.down, x);
        }
    }
}

/// `out = a b + bias`.
fn product(a: &[f32], b: &Packed, bias: Option<&[f32]>, out: &mut Vec<f32>) {
    let n_rows = a.len() / b.k();
    out.resize(n_rows * b.n(), 0.0);
    let store = match bias {
        None => Store::Overwrite,
        Some(bias) => {
            out.chunks_exact_mut(b.n()).for_each(|row| row.copy_from_slice(bias));
            Store::Add
        }
    };
    gemm_packed(MatRef::row_major(a, n_rows, b.k()), b, MatMut::row_major(out, n_rows, b.n()), store);
}

/// `x += a b`.
fn add_product(a: &[f32], b: &Packed, x: &mut [f32]) {
    let n_rows = a.len() / b.k();
    gemm_packed(MatRef::row_major(a, n_rows, b.k()), b, MatMut::row_major(x, n_rows, b.n()), Store::Add);
}
