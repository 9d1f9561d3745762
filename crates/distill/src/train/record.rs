//! What is written down of each step, and the chain of digests that ties the steps together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stillmark_evidence::Digest;

use super::loss::Loss;
use super::trainer::StepMetrics;

/// One line of `metrics.jsonl`. The bits are what replay compares: decimal numbers are for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Number of the step, from 1.
    pub step: u64,
    /// The weighted sum of the terms.
    pub loss: f64,
    /// Each term by its name and place in the sum.
    pub terms: BTreeMap<String, f64>,
    /// Norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Learning rate.
    pub lr: f32,
    /// Tokens that went through the student.
    pub tokens: usize,
    /// The 64 bits of `loss`, in hex.
    pub loss_bits: String,
    /// The 64 bits of `grad_norm`, in hex.
    pub grad_norm_bits: String,
    /// The digest of this step's bits and the chain before it.
    pub chain: Digest,
}

/// The digest of all steps so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chain(Digest);

impl Chain {
    /// The chain before the first step, of a run whose things have these digests.
    pub fn new(bindings: &BTreeMap<String, Digest>) -> Self {
        let lines: Vec<String> = bindings.iter().map(|(name, digest)| format!("{name} {digest}\n")).collect();
        Self(Digest::of(lines.concat().as_bytes()))
    }

    /// The digest.
    pub fn digest(&self) -> Digest {
        self.0
    }

    /// Adds a step and returns what is written of it.
    pub fn extend(&mut self, metrics: &StepMetrics, loss: &Loss) -> StepRecord {
        let bits = [metrics.step, metrics.loss.to_bits(), metrics.grad_norm.to_bits()];
        let mut bytes = self.0.as_bytes().to_vec();
        bytes.extend(bits.iter().flat_map(|word| word.to_be_bytes()));
        self.0 = Digest::of(&bytes);
        let name = |(index, term): (usize, &super::loss::Term)| format!("{index}-{}", term.divergence.name());
        StepRecord {
            step: metrics.step,
            loss: metrics.loss,
            terms: loss.terms.iter().enumerate().map(name).zip(metrics.terms.iter().copied()).collect(),
            grad_norm: metrics.grad_norm,
            lr: metrics.lr,
            tokens: metrics.tokens,
            loss_bits: format!("{:016x}", bits[1]),
            grad_norm_bits: format!("{:016x}", bits[2]),
            chain: self.0,
        }
    }
}
