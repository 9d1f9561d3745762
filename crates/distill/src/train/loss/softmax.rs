//! The student's distribution over one row.

use stillmark_kernels::softmax::{exp_in_place, max};

use super::Term;

/// The student's side of a row at one temperature: exponentials that are not yet divided by their sum.
#[derive(Debug)]
pub(super) struct Softmax<'a> {
    pub logits: &'a [f32],
    pub exps: &'a mut [f32],
    pub sum: f32,
    /// What was taken from every logit before the exponential.
    pub shift: f32,
    pub temperature: f32,
}

impl<'a> Softmax<'a> {
    /// The softmax of `logits / temperature`, its exponentials kept in `room`.
    pub(super) fn new(logits: &'a [f32], temperature: f32, room: &'a mut Vec<f32>) -> Self {
        room.clear();
        room.extend_from_slice(logits);
        let shift = max(logits);
        let sum = exp_in_place(room, shift, 1.0 / temperature);
        Self { logits, exps: room, sum, shift, temperature }
    }

    /// The logarithm of the sum of exponentials, shift included.
    pub(super) fn log_sum(&self) -> f32 {
        self.shift / self.temperature + self.sum.ln()
    }
}

/// The factor of a gradient in the logits: `T^2` over the `T` that divided them.
pub(super) fn gradient_factor(term: Term, factor: f32) -> f32 {
    factor * term.temperature
}
