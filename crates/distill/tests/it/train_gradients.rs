//! Every gradient of the whole model against central differences of a plain f64 one.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

use stillmark_distill::train::loss::{Divergence, Loss, Missing, Term};
use stillmark_distill::train::{
    AdamW, Answers, Batch, Decayed, Decline, Layout, Schedule, Settings, Student, TopAnswers, Trainer,
};
use stillmark_kernels::gemm::Precision;
use stillmark_model::Config;

use crate::train_reference::{Plain, configs, documents, lively_weights, softmax};

pub(crate) fn settings(loss: Loss) -> Settings {
    Settings {
        precision: Precision::F32,
        loss,
        adamw: AdamW {
            lr: 1e-2,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.01,
            decayed: Decayed::All,
            clip_norm: None,
        },
        schedule: Schedule { warmup_steps: 0, then: Decline::Constant },
        max_tokens: 32,
        max_positions: 32,
        // Three rows of 19 logits at a time, so that chunks are crossed.
        chunk_bytes: 3 * 19 * 4,
        explosion: 1e9,
    }
}

pub(crate) fn plain_loss(config: &Config, divergence: Divergence) -> Loss {
    Loss { terms: vec![Term::plain(divergence)], missing: Missing::Bucket, shared_vocab: config.vocab_size }
}

/// Compares every entry of the gradient.
fn check(name: &str, config: &Config, batch: &Batch, loss: &Loss) {
    let weights = lively_weights(config);
    let layout = Layout::new(config);
    let student = Student::from_weights(config.clone(), weights.clone()).unwrap();
    let mut trainer = Trainer::new(student, settings(loss.clone())).unwrap();
    let (terms, grads) = trainer.gradients(batch, None).unwrap();
    let value: f64 = terms.iter().zip(&loss.terms).map(|(value, term)| value * f64::from(term.weight)).sum();

    let mut weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
    let expected = Plain { config, weights: &weights, layout: &layout }.loss(batch, loss, &Vec::new());
    assert!(
        (value - expected).abs() < 1e-5 * expected.abs().max(0.1),
        "{name}: loss {value}, expected {expected}"
    );
    let largest = grads.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
    for slot in layout.slots() {
        for index in slot.range.clone() {
            const STEP: f64 = 1e-5;
            let center = weights[index];
            let mut at = |shift: f64| {
                weights[index] = center + shift;
                Plain { config, weights: &weights, layout: &layout }.loss(batch, loss, &Vec::new())
            };
            let expected = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            weights[index] = center;
            let (found, tolerance) =
                (f64::from(grads[index]), 1e-3 * expected.abs() + 2e-5 * f64::from(largest));
            assert!(
                (found - expected).abs() < tolerance,
                "{name}: {} at {}: {found}, expected {expected}",
                slot.name,
                index - slot.range.start
            );
        }
    }
}

#[test]
fn every_family_has_the_gradients_of_finite_differences() {
    for (name, config) in configs() {
        let batch = Batch::of_documents(&documents(&config, &[7, 1, 4]));
        check(name, &config, &batch, &plain_loss(&config, Divergence::CrossEntropy));
    }
}

#[test]
fn captured_answers_and_row_weights_have_the_gradients_of_finite_differences() {
    let config = &configs()["llama"];
    let mut batch = Batch::of_documents(&documents(config, &[5, 4]));
    batch.weights.iter_mut().zip([0.0, 0.5, 2.0, 1.0]).for_each(|(weight, to)| *weight = to);
    batch.answers = Answers::Top(some_answers(config, batch.tokens.len(), 4));
    for divergence in [
        Divergence::ForwardKl,
        Divergence::ReverseKl,
        Divergence::JensenShannon { beta: 0.3 },
        Divergence::TotalVariation,
    ] {
        let kd = Term { divergence, weight: 0.7, temperature: 2.0 };
        let ce = Term { weight: 0.3, ..Term::plain(Divergence::CrossEntropy) };
        let loss = Loss { terms: vec![ce, kd], missing: Missing::Bucket, shared_vocab: config.vocab_size };
        check(divergence.name(), config, &batch, &loss);
    }
}

/// The `k` likeliest tokens of made-up distributions.
pub(crate) fn some_answers(config: &Config, rows: usize, k: usize) -> TopAnswers {
    let draws = stillmark_distill::train::Draws::new(5, 5);
    let mut top = TopAnswers { k, ..TopAnswers::default() };
    for row in 0..rows {
        let at = |id: usize| 1.5 * draws.normal((row * config.vocab_size + id) as u64);
        let probs = softmax(&(0..config.vocab_size).map(at).collect::<Vec<_>>());
        let mut ids: Vec<usize> = (0..config.vocab_size).collect();
        ids.sort_by(|&a, &b| probs[b].total_cmp(&probs[a]));
        top.ids.extend(ids[..k].iter().map(|&id| id as u32));
        top.log_probs.extend(ids[..k].iter().map(|&id| probs[id].ln() as f32));
        top.tails.push(ids[k..].iter().map(|&id| probs[id]).sum::<f64>() as f32);
    }
    top
}
