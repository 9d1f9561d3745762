//! The gated activation of the feed-forward block, SwiGLU (Shazeer 2020, arXiv:2002.05202, eq. 6).

use rayon::prelude::*;

use crate::isa::dispatched;
use crate::softmax::exp;

const BLOCK: usize = 8192;

/// `out = silu(gate) * up`, element by element.
pub fn swiglu(gate: &[f32], up: &[f32], out: &mut [f32]) {
    (out.par_chunks_mut(BLOCK), gate.par_chunks(BLOCK), up.par_chunks(BLOCK))
        .into_par_iter()
        .for_each(|(out, gate, up)| swiglu_block(gate, up, out));
}

/// The gradients of [`swiglu`]: on entry `gate` and `up` hold its inputs, on return the gradients of them.
pub fn swiglu_backward(d_out: &[f32], gate: &mut [f32], up: &mut [f32]) {
    (gate.par_chunks_mut(BLOCK), up.par_chunks_mut(BLOCK), d_out.par_chunks(BLOCK))
        .into_par_iter()
        .for_each(|(gate, up, d_out)| swiglu_backward_block(d_out, gate, up));
}

dispatched! {
    fn swiglu_block(gate: &[f32], up: &[f32], out: &mut [f32]) {
        for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
            *out = gate / (1.0 + exp(-gate)) * up;
        }
    }
}

dispatched! {
    fn swiglu_backward_block(d_out: &[f32], gate: &mut [f32], up: &mut [f32]) {
        for ((&d, gate), up) in d_out.iter().zip(gate).zip(up) {
            let sigmoid = 1.0 / (1.0 + exp(-*gate));
            let silu = *gate * sigmoid;
            let d_gate = d * *up * (sigmoid + silu * (1.0 - sigmoid));
            *up = d * silu;
            *gate = d_gate;
        }
    }
}
