//! One row: every term of a loss, and the gradient of their sum in place of the logits.

use stillmark_kernels::softmax::{add_scaled, exp_in_place, max, scale};

use super::softmax::Softmax;
use super::{Divergence, Loss, Missing, Term, dense, sparse};

/// What one row is to be taught.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The token that follows in the text, if any.
    pub next: Option<u32>,
    /// What the teacher says about it.
    pub teacher: Teacher<'a>,
    /// What the gradient is multiplied by.
    pub weight: f32,
}

/// The teacher's word on one row.
#[derive(Clone, Copy, Debug)]
pub enum Teacher<'a> {
    /// Nothing.
    Silent,
    /// A logit for every token, at least as many as are shared.
    Logits(&'a [f32]),
    /// The likeliest tokens and their natural log-probabilities; all else has probability `tail` together.
    Top {
        /// Distinct token ids.
        ids: &'a [u32],
        /// A log-probability for each.
        log_probs: &'a [f32],
        /// What remains.
        tail: f32,
    },
}

/// Room for a few rows of the vocabulary, reused from row to row.
#[derive(Debug, Default)]
pub struct Scratch {
    gradient: Vec<f32>,
    student: Vec<f32>,
    teacher: Vec<f32>,
    completed: Vec<f32>,
}

/// Computes every term's loss (`T^2` included, neither the term's nor the row's weight) into `losses` and replaces the
/// logits by the gradient of the row's weight times the weighted sum. A term that the row has no target for is 0.
pub fn row_loss(loss: &Loss, row: &Row<'_>, logits: &mut [f32], losses: &mut [f32], scratch: &mut Scratch) {
    if let ([term], [value]) = (&loss.terms[..], &mut *losses)
        && let Some(found) = alone(loss, *term, row, logits)
    {
        *value = found;
        return;
    }
    let Scratch { gradient, student, teacher, completed } = scratch;
    gradient.clear();
    gradient.resize(logits.len(), 0.0);
    losses.fill(0.0);
    for (term, value) in loss.terms.iter().zip(losses) {
        let factor = row.weight * term.weight;
        if term.divergence == Divergence::CrossEntropy {
            if let Some(next) = row.next {
                let softmax = Softmax::new(logits, 1.0, student);
                *value = cross_entropy(&softmax, next as usize, factor, gradient);
            }
            continue;
        }
        let shared = loss.shared_vocab;
        let rooms = [&mut *student, &mut *teacher];
        let gradient = &mut gradient[..shared];
        *value = match row.teacher {
            Teacher::Silent => 0.0,
            Teacher::Logits(target) => {
                dense::loss(*term, factor, [&logits[..shared], &target[..shared]], gradient, rooms)
            }
            Teacher::Top { ids, log_probs, tail } if loss.missing == Missing::Uniform => {
                complete(ids, log_probs, tail, shared, completed);
                dense::loss(*term, factor, [&logits[..shared], completed], gradient, rooms)
            }
            Teacher::Top { ids, log_probs, tail } => {
                let target = sparse::Target::new(ids, log_probs, tail, loss.missing, term.temperature);
                sparse::loss(*term, factor, &target, &logits[..shared], gradient, student)
            }
        };
    }
    logits.copy_from_slice(gradient);
}

/// The most frequent losses where they are the only term: they need nothing of the logits but one softmax, which is made
/// in their place. None for the others.
fn alone(loss: &Loss, term: Term, row: &Row<'_>, logits: &mut [f32]) -> Option<f32> {
    let factor = row.weight * term.weight;
    match (term.divergence, row.teacher) {
        (Divergence::CrossEntropy, _) => {
            let Some(next) = row.next.map(|next| next as usize) else {
                logits.fill(0.0);
                return Some(0.0);
            };
            let (shift, logit) = (max(logits), logits[next]);
            let sum = exp_in_place(logits, shift, 1.0);
            scale(logits, factor / sum);
            logits[next] -= factor;
            Some(shift + sum.ln() - logit)
        }
        (_, Teacher::Top { ids, log_probs, tail }) if loss.missing != Missing::Uniform => {
            let target = sparse::Target::new(ids, log_probs, tail, loss.missing, term.temperature);
            let (shared, rest) = logits.split_at_mut(loss.shared_vocab);
            rest.fill(0.0);
            Some(sparse::loss_in_place(term, factor, &target, shared))
        }
        _ => None,
    }
}

fn cross_entropy(softmax: &Softmax<'_>, next: usize, factor: f32, gradient: &mut [f32]) -> f32 {
    add_scaled(gradient, factor / softmax.sum, softmax.exps);
    gradient[next] -= factor;
    softmax.log_sum() - softmax.logits[next]
}

/// Log-probabilities of all shared tokens: those that the teacher gave, the others sharing the tail evenly.
fn complete(ids: &[u32], log_probs: &[f32], tail: f32, shared: usize, out: &mut Vec<f32>) {
    let others = (shared - ids.len()).max(1) as f64;
    let even = (f64::from(tail).max(super::TAIL_FLOOR) / others).ln() as f32;
    out.clear();
    out.resize(shared, even);
    for (&id, &log_prob) in ids.iter().zip(log_probs) {
        out[id as usize] = log_prob;
    }
}
