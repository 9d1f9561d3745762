//! Losses against a teacher's top k and what it left over: k + 1 outcomes.

use stillmark_kernels::softmax::{add_scaled, exp_in_place, max, scale};

use super::softmax::gradient_factor;
use super::{Divergence, Missing, TAIL_FLOOR, Term};

/// The teacher's distribution over its top k and the rest, at a temperature.
#[derive(Debug)]
pub(super) struct Target<'a> {
    ids: &'a [u32],
    /// Probabilities of the ids, then of the rest.
    probs: Vec<f64>,
    missing: Missing,
}

/// The student's distribution over the same outcomes.
struct Outcomes {
    log_probs: Vec<f64>,
    probs: Vec<f64>,
}

impl<'a> Target<'a> {
    pub(super) fn new(
        ids: &'a [u32],
        log_probs: &[f32],
        tail: f32,
        missing: Missing,
        temperature: f32,
    ) -> Self {
        let tail = match missing {
            Missing::Zero => f64::NEG_INFINITY,
            Missing::Bucket | Missing::Uniform => f64::from(tail).max(TAIL_FLOOR).ln(),
        };
        let logs = log_probs.iter().map(|&log_prob| f64::from(log_prob)).chain([tail]);
        let logs: Vec<f64> = logs.map(|log_prob| log_prob / f64::from(temperature)).collect();
        Self { ids, probs: Outcomes::of_logs(logs).probs, missing }
    }
}

impl Outcomes {
    /// Normalizes unnormalized log-probabilities.
    fn of_logs(mut logs: Vec<f64>) -> Self {
        let shift = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logs.iter().map(|log_prob| (log_prob - shift).exp()).sum();
        let log_sum = shift + sum.ln();
        for log_prob in &mut logs {
            *log_prob -= log_sum;
        }
        let probs = logs.iter().map(|log_prob| log_prob.exp()).collect();
        Self { log_probs: logs, probs }
    }
}

/// Adds the gradient of `factor` times the term and returns the term, `T^2` included.
pub(super) fn loss(
    term: Term,
    factor: f32,
    target: &Target<'_>,
    logits: &[f32],
    gradient: &mut [f32],
    room: &mut Vec<f32>,
) -> f32 {
    room.clear();
    room.extend_from_slice(logits);
    let slopes = Slopes::new(term, factor, target, room);
    add_scaled(gradient, slopes.rest, room);
    slopes.add_ids(target, gradient);
    slopes.value
}

/// As [`loss`], with the gradient in place of the logits.
pub(super) fn loss_in_place(term: Term, factor: f32, target: &Target<'_>, logits: &mut [f32]) -> f32 {
    let slopes = Slopes::new(term, factor, target, logits);
    scale(logits, slopes.rest);
    slopes.add_ids(target, logits);
    slopes.value
}

/// A term and its gradient: that in the logit of a token of the rest is `rest` times its exponential.
struct Slopes {
    value: f32,
    rest: f32,
    ids: Vec<f32>,
}

impl Slopes {
    /// Replaces the logits by exponentials, 0 for the target's ids.
    ///
    /// In the bucket mode the student's k + 1 probabilities are formed at temperature 1 and then bent, as the teacher's
    /// are, so that equal distributions have no loss; in the zero mode the student's full distribution is bent.
    fn new(term: Term, factor: f32, target: &Target<'_>, logits: &mut [f32]) -> Self {
        let (token_temperature, outcome_temperature) = match target.missing {
            Missing::Zero => (term.temperature, 1.0),
            Missing::Bucket | Missing::Uniform => (1.0, f64::from(term.temperature)),
        };
        let (shift, inverse) = (max(logits), 1.0 / token_temperature);
        let of_id = |&id: &u32| (f64::from(logits[id as usize]) - f64::from(shift)) * f64::from(inverse);
        let mut logs: Vec<f64> = target.ids.iter().map(of_id).collect();
        // The rest is summed by itself: one minus the top k would lose every digit of a small rest.
        for &id in target.ids {
            logits[id as usize] = f32::NEG_INFINITY;
        }
        let rest = exp_in_place(logits, shift, inverse).max(f32::MIN_POSITIVE);
        logs.push(f64::from(rest).ln());
        let outcomes =
            Outcomes::of_logs(logs.iter().map(|log_prob| log_prob / outcome_temperature).collect());
        let (value, mut slopes) = value_and_slopes(term.divergence.resolved(), &target.probs, &outcomes);
        let (factor, squared) = (gradient_factor(term, factor), term.temperature * term.temperature);
        let of_rest = slopes.pop().unwrap_or_default();
        Self {
            value: value as f32 * squared,
            rest: factor * of_rest as f32 / rest,
            ids: slopes.iter().map(|&slope| factor * slope as f32).collect(),
        }
    }

    fn add_ids(&self, target: &Target<'_>, gradient: &mut [f32]) {
        for (&id, slope) in target.ids.iter().zip(&self.ids) {
            gradient[id as usize] += slope;
        }
    }
}

/// The loss and, for each outcome `o`, `q_o (g_o - sum_i q_i g_i)`: its slope in the outcome's logit.
fn value_and_slopes(divergence: Divergence, target: &[f64], student: &Outcomes) -> (f64, Vec<f64>) {
    let outcomes = || target.iter().zip(student.probs.iter().zip(&student.log_probs));
    let mut value = 0.0;
    // First `q_o g_o`.
    let mut slopes: Vec<f64> = outcomes()
        .map(|(&p, (&q, &log_q))| {
            let (loss, slope) = match divergence {
                Divergence::ForwardKl => (relative(p, p.ln() - log_q), -p),
                Divergence::ReverseKl => {
                    let log_ratio = log_q - p.max(TAIL_FLOOR).ln();
                    (q * log_ratio, q * (log_ratio + 1.0))
                }
                Divergence::JensenShannon { beta } => {
                    let log_m = (beta_mix(f64::from(beta), p, q)).max(f64::MIN_POSITIVE).ln();
                    let of_q = (1.0 - f64::from(beta)) * q * (log_q - log_m);
                    (f64::from(beta) * relative(p, p.ln() - log_m) + of_q, of_q)
                }
                Divergence::TotalVariation => {
                    let sign = if q > p {
                        0.5
                    } else if q < p {
                        -0.5
                    } else {
                        0.0
                    };
                    (0.5 * (p - q).abs(), q * sign)
                }
                Divergence::CrossEntropy => (0.0, 0.0),
            };
            value += loss;
            slope
        })
        .collect();
    let inner: f64 = slopes.iter().sum();
    for (slope, q) in slopes.iter_mut().zip(&student.probs) {
        *slope -= q * inner;
    }
    (value, slopes)
}

fn beta_mix(beta: f64, p: f64, q: f64) -> f64 {
    beta * p + (1.0 - beta) * q
}

/// `p log_ratio`, 0 where `p` is.
fn relative(p: f64, log_ratio: f64) -> f64 {
    if p > 0.0 { p * log_ratio } else { 0.0 }
}
