//! AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), in the form PyTorch computes it.

use rayon::prelude::*;

use crate::isa::dispatched;

const BLOCK: usize = 16_384;

/// The numbers of one update.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Learning rate of this step.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// What every gradient is multiplied by first (clipping and averaging).
    pub grad_scale: f32,
    /// Number of this step, from 1.
    pub step: u64,
}

/// Updates weights and both moments.
pub fn update(step: Step, weights: &mut [f32], grads: &[f32], first: &mut [f32], second: &mut [f32]) {
    let correct1 = 1.0 - f64::from(step.beta1).powf(step.step as f64);
    let correct2 = 1.0 - f64::from(step.beta2).powf(step.step as f64);
    let rate = (f64::from(step.lr) / correct1) as f32;
    let root = (1.0 / correct2.sqrt()) as f32;
    (
        weights.par_chunks_mut(BLOCK),
        grads.par_chunks(BLOCK),
        first.par_chunks_mut(BLOCK),
        second.par_chunks_mut(BLOCK),
    )
        .into_par_iter()
        .for_each(|(weights, grads, first, second)| block(step, [rate, root], weights, grads, first, second));
}

dispatched! {
    fn block(step: Step, corrected: [f32; 2], weights: &mut [f32], grads: &[f32], first: &mut [f32], second: &mut [f32]) {
        let [rate, root] = corrected;
        let keep = 1.0 - step.lr * step.weight_decay;
        for (((w, g), m), v) in weights.iter_mut().zip(grads).zip(first).zip(second) {
            let g = g * step.grad_scale;
            *m = *m * step.beta1 + g * (1.0 - step.beta1);
            *v = *v * step.beta2 + g * g * (1.0 - step.beta2);
            *w = *w * keep - rate * *m / (v.sqrt() * root + step.eps);
        }
    }
}
