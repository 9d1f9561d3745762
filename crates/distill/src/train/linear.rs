//! A linear layer `y = x W^T` and its two gradients, on weights stored outputs by inputs.

use stillmark_kernels::gemm::{Precision, Store, gemm};
use stillmark_kernels::matrix::{MatMut, MatRef};

/// The shape of one linear layer on so many rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linear {
    pub precision: Precision,
    pub rows: usize,
    pub inputs: usize,
    pub outputs: usize,
}

impl Linear {
    fn x(self, data: &[f32]) -> MatRef<'_> {
        MatRef::row_major(&data[..self.rows * self.inputs], self.rows, self.inputs)
    }

    fn y(self, data: &[f32]) -> MatRef<'_> {
        MatRef::row_major(&data[..self.rows * self.outputs], self.rows, self.outputs)
    }

    fn weight(self, data: &[f32]) -> MatRef<'_> {
        MatRef::row_major(data, self.outputs, self.inputs)
    }

    /// `y = x W^T`, or `y += x W^T`.
    pub(super) fn forward(self, x: &[f32], weight: &[f32], y: &mut [f32], store: Store) {
        let out = MatMut::row_major(&mut y[..self.rows * self.outputs], self.rows, self.outputs);
        gemm(self.precision, self.x(x), self.weight(weight).transposed(), out, store);
    }

    /// `dx = dy W`, or `dx += dy W`.
    pub(super) fn input_gradient(self, d_y: &[f32], weight: &[f32], d_x: &mut [f32], store: Store) {
        let out = MatMut::row_major(&mut d_x[..self.rows * self.inputs], self.rows, self.inputs);
        gemm(self.precision, self.y(d_y), self.weight(weight), out, store);
    }

    /// `dW += dy^T x`.
    pub(super) fn weight_gradient(self, d_y: &[f32], x: &[f32], d_weight: &mut [f32]) {
        let out = MatMut::row_major(d_weight, self.outputs, self.inputs);
        gemm(self.precision, self.y(d_y).transposed(), self.x(x), out, Store::Add);
    }
}

/// Adds the bias to every row.
pub(super) fn add_bias(y: &mut [f32], bias: &[f32]) {
    for row in y.chunks_exact_mut(bias.len()) {
        for (y, bias) in row.iter_mut().zip(bias) {
            *y += bias;
        }
    }
}

/// Adds every row to the bias' gradient.
pub(super) fn bias_gradient(d_y: &[f32], d_bias: &mut [f32]) {
    for row in d_y.chunks_exact(d_bias.len()) {
        for (d_bias, d_y) in d_bias.iter_mut().zip(row) {
            *d_bias += d_y;
        }
    }
}
