//! Losses of the same student in PyTorch, from `tests/reference/losses.py`.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

use serde_json::Value;
use stillmark_distill::train::loss::{Divergence, Loss, Missing, Row, Scratch, Teacher, Term, row_loss};
use stillmark_distill::train::{Batch, Draws, Layout, Settings, Student, Trainer};
use stillmark_model::{Config, Family, Rope, RopeScaling};

use crate::train_gradients::{plain_loss, settings};

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/losses.json")).unwrap()
}

fn count(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn config(shape: &Value) -> Config {
    let (hidden_size, heads) = (count(&shape["hidden_size"]), count(&shape["heads"]));
    Config {
        family: Family::Llama,
        vocab_size: count(&shape["vocab_size"]),
        hidden_size,
        layers: count(&shape["layers"]),
        heads,
        kv_heads: count(&shape["kv_heads"]),
        head_dim: hidden_size / heads,
        intermediate_size: count(&shape["intermediate_size"]),
        rms_norm_eps: 1e-5,
        rope: Rope { theta: 10_000.0, scaling: RopeScaling::None },
        max_positions: 2048,
        tied_embeddings: true,
        qkv_bias: false,
        qk_norm: false,
        sliding_window: None,
        full_attention_layers: 0,
        bos: None,
        eos: Vec::new(),
    }
}

/// The weights that the script computes.
fn weights(config: &Config) -> Vec<f32> {
    let layout = Layout::new(config);
    let mut weights = vec![1.0; layout.len()];
    for (stream, slot) in layout.slots().iter().enumerate().filter(|(_, slot)| slot.shape.len() == 2) {
        for (index, weight) in (0..).zip(&mut weights[slot.range.clone()]) {
            *weight = ((Draws::new(1, stream as u64).uniform(index) - 0.5) * (0.02 * 12.0_f64.sqrt())) as f32;
        }
    }
    weights
}

#[test]
fn twenty_steps_lose_what_they_lose_in_pytorch() {
    let reference = reference();
    let config = config(&reference["shape"]);
    let (rows, length) = (count(&reference["rows"]), count(&reference["length"]));
    let mut settings =
        Settings { max_tokens: rows * length, ..settings(plain_loss(&config, Divergence::CrossEntropy)) };
    (settings.adamw.lr, settings.adamw.clip_norm) = (3e-3, Some(1.0));
    let student = Student::from_weights(config.clone(), weights(&config)).unwrap();
    let mut trainer = Trainer::new(student, settings).unwrap();
    let losses = reference["losses"].as_array().unwrap();
    assert_eq!(losses.len(), 20);
    for (step, expected) in (0_u64..).zip(losses) {
        let token =
            |at: usize| (Draws::new(2, step % 2).bits(at as u64) >> 32) as u32 % config.vocab_size as u32;
        let documents: Vec<Vec<u32>> =
            (0..rows).map(|row| (row * length..(row + 1) * length).map(token).collect()).collect();
        let found = trainer.step(&[Batch::of_documents(&documents)], None).unwrap().loss;
        let expected = expected.as_f64().unwrap();
        assert!((found - expected).abs() < 1e-4 * expected, "step {step}: {found}, PyTorch {expected}");
    }
    assert!(losses[19].as_f64() < losses[0].as_f64().map(|first| 0.85 * first), "the losses fall");
}

#[test]
fn row_losses_and_gradients_are_those_of_pytorch() {
    let row =
        |stream| (0..16).map(|at| (Draws::new(3, stream).uniform(at) * 6.0 - 3.0) as f32).collect::<Vec<_>>();
    let (teacher, student) = (row(0), row(1));
    for case in reference()["divergences"].as_array().unwrap() {
        let number = |name: &str| case[name].as_f64().unwrap();
        let divergence = match case["divergence"].as_str().unwrap() {
            "forward-kl" => Divergence::ForwardKl,
            "reverse-kl" => Divergence::ReverseKl,
            "jensen-shannon" => Divergence::JensenShannon { beta: number("beta") as f32 },
            _ => Divergence::TotalVariation,
        };
        let term = Term { divergence, weight: 1.0, temperature: number("temperature") as f32 };
        let loss = Loss { terms: vec![term], missing: Missing::Bucket, shared_vocab: 16 };
        let (mut gradient, mut value) = (student.clone(), [0.0]);
        let target = Row { next: None, teacher: Teacher::Logits(&teacher), weight: 1.0 };
        row_loss(&loss, &target, &mut gradient, &mut value, &mut Scratch::default());
        let close =
            |found: f32, expected: f64| (f64::from(found) - expected).abs() < 1e-5 * expected.abs() + 1e-6;
        assert!(close(value[0], number("value")), "{term:?}: {}, PyTorch {}", value[0], number("value"));
        for (found, expected) in gradient.iter().zip(case["gradient"].as_array().unwrap()) {
            assert!(close(*found, expected.as_f64().unwrap()), "{term:?}: slope {found}, PyTorch {expected}");
        }
    }
}
