//! `AdamW` with a schedule, clipping, and a choice of what decays.

use rayon::prelude::*;
use stillmark_kernels::adamw::{self, Step};
use stillmark_kernels::softmax::dot;

use super::layout::Layout;

/// The numbers of `AdamW` (Loshchilov & Hutter 2019, arXiv:1711.05101).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Peak learning rate.
    pub lr: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub eps: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// What the decay falls on.
    pub decayed: Decayed,
    /// The gradient's norm is scaled down to this where it is larger.
    pub clip_norm: Option<f32>,
}

/// Which parameters weight decay falls on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decayed {
    /// Matrices that multiply activations: not norms, biases, the embedding or a head tied to it.
    Projections,
    /// All of them, as PyTorch's `AdamW(model.parameters())` does.
    All,
}

/// The learning rate over the steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Steps over which the rate rises evenly to its peak.
    pub warmup_steps: u64,
    /// What it does then.
    pub then: Decline,
}

/// How the learning rate falls after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decline {
    /// Not at all.
    Constant,
    /// Along a straight line, down to `last` of the peak at step `steps`.
    Line {
        /// Number of steps, warm-up included.
        steps: u64,
        /// Share of the peak that remains at the end.
        last: f32,
    },
    /// Along half a cosine wave (Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5), down to `last` of the peak at
    /// step `steps`.
    Cosine {
        /// Number of steps, warm-up included.
        steps: u64,
        /// Share of the peak that remains at the end.
        last: f32,
    },
}

impl Schedule {
    /// The share of the peak rate at a step, counted from 1.
    pub fn factor(&self, step: u64) -> f32 {
        if step <= self.warmup_steps {
            return (step as f64 / self.warmup_steps as f64) as f32;
        }
        let done = |steps: u64| {
            let span = steps.saturating_sub(self.warmup_steps).max(1) as f64;
            ((step - self.warmup_steps - 1) as f64 / span).min(1.0)
        };
        let (last, remaining) = match self.then {
            Decline::Constant => return 1.0,
            Decline::Line { steps, last } => (last, 1.0 - done(steps)),
            Decline::Cosine { steps, last } => {
                (last, 0.5 * (1.0 + (std::f64::consts::PI * done(steps)).cos()))
            }
        };
        (f64::from(last) + (1.0 - f64::from(last)) * remaining) as f32
    }
}

/// Both moments of every weight, and how many updates they have seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    pub first: Vec<f32>,
    pub second: Vec<f32>,
    pub step: u64,
}

impl Moments {
    pub(super) fn new(len: usize) -> Self {
        Self { first: vec![0.0; len], second: vec![0.0; len], step: 0 }
    }

    /// Makes one update with the learning rate `lr`; `norm` is the gradient's.
    pub(super) fn update(
        &mut self,
        adamw: &AdamW,
        (lr, norm): (f32, f64),
        layout: &Layout,
        weights: &mut [f32],
        grads: &[f32],
    ) {
        self.step += 1;
        let grad_scale =
            adamw.clip_norm.map_or(1.0, |most| (f64::from(most) / (norm + 1e-6)).min(1.0) as f32);
        for slot in layout.slots() {
            let decays = adamw.decayed == Decayed::All || slot.is_projection();
            let step = Step {
                lr,
                beta1: adamw.beta1,
                beta2: adamw.beta2,
                eps: adamw.eps,
                weight_decay: if decays { adamw.weight_decay } else { 0.0 },
                grad_scale,
                step: self.step,
            };
            let range = || slot.range.clone();
            let (first, second) = (&mut self.first[range()], &mut self.second[range()]);
            adamw::update(step, &mut weights[range()], &grads[range()], first, second);
        }
    }
}

/// The Euclidean norm of a vector, summed in one fixed order.
pub(super) fn norm(vector: &[f32]) -> f64 {
    let parts: Vec<f32> = vector.par_chunks(1 << 14).map(|part| dot(part, part)).collect();
    parts.iter().map(|&part| f64::from(part)).sum::<f64>().sqrt()
}
