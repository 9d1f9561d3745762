//! Losses of the same student in PyTorch, from `tests/reference/losses.py`.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

use std::ops::ControlFlow;
use std::process::Command;

use serde_json::Value;
use stillmark_distill::train::loss::{Divergence, Loss, Missing, Row, Scratch, Teacher, Term, row_loss};
use stillmark_distill::train::{
    Answers, Batch, DecoderTeacher, Draws, Layout, Settings, Student, TeacherHead, TopAnswers, Trainer,
};
use stillmark_kernels::gemm::Precision;
use stillmark_model::{Config, Decoder, Family, Rope, RopeScaling, score};

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
fn weights(config: &Config, seed: u64, deviation: f64) -> Vec<f32> {
    let layout = Layout::new(config);
    let mut weights = vec![1.0; layout.len()];
    for (stream, slot) in layout.slots().iter().enumerate().filter(|(_, slot)| slot.shape.len() == 2) {
        for (index, weight) in (0..).zip(&mut weights[slot.range.clone()]) {
            *weight = ((Draws::new(seed, stream as u64).uniform(index) - 0.5) * (deviation * 12.0_f64.sqrt()))
                as f32;
        }
    }
    weights
}

/// One of the script's two batches.
fn batch(config: &Config, [rows, length]: [usize; 2], which: u64) -> Batch {
    let token = |at: usize| (Draws::new(2, which).bits(at as u64) >> 32) as u32 % config.vocab_size as u32;
    let documents: Vec<Vec<u32>> =
        (0..rows).map(|row| (row * length..(row + 1) * length).map(token).collect()).collect();
    Batch::of_documents(&documents)
}

/// Trains the script's student as the script does and compares the losses.
fn check(
    config: &Config,
    settings: Settings,
    batches: &[Batch; 2],
    teacher: Option<&Decoder>,
    expected: &Value,
) {
    let name = settings.loss.terms[0].divergence.name();
    let mut teacher = teacher.map(DecoderTeacher::new);
    let student = Student::from_weights(config.clone(), weights(config, 1, 0.02)).unwrap();
    let mut trainer = Trainer::new(student, settings).unwrap();
    let losses: Vec<f64> = expected.as_array().unwrap().iter().map(|loss| loss.as_f64().unwrap()).collect();
    assert_eq!(losses.len(), 20);
    for (step, expected) in losses.iter().enumerate() {
        let teacher = teacher.as_mut().map(|teacher| teacher as &mut dyn TeacherHead);
        let found = trainer.step(&batches[step % 2..=step % 2], teacher).unwrap().loss;
        assert!(
            (found - expected).abs() < 1e-4 * expected,
            "{name}, step {step}: {found}, PyTorch {expected}"
        );
    }
    // How far they fall in so few steps depends on how many tokens there are to learn.
    assert!(losses[19] < losses[0], "{name}: the losses do not fall: {losses:?}");
}

fn script_settings(config: &Config, divergence: Divergence, [rows, length]: [usize; 2]) -> Settings {
    let mut settings = settings(plain_loss(config, divergence));
    (settings.adamw.lr, settings.adamw.clip_norm) = (3e-3, Some(1.0));
    Settings { max_tokens: rows * length, max_positions: length, chunk_bytes: 32 << 20, ..settings }
}

#[test]
fn twenty_steps_lose_what_they_lose_in_pytorch() {
    let reference = reference();
    let config = config(&reference["shape"]);
    let size = [count(&reference["rows"]), count(&reference["length"])];
    let batches = [0, 1].map(|which| batch(&config, size, which));
    let settings = script_settings(&config, Divergence::CrossEntropy, size);
    // Three rows of logits at a time, so that chunks are crossed.
    let settings = Settings { chunk_bytes: 3 * 97 * 4, ..settings };
    check(&config, settings, &batches, None, &reference["losses"]);
}

/// The large student by each loss, against a file of the script's.
fn check_large(reference: &Value) {
    let (student, shape) = (config(&reference["shape"]), config(&reference["teacher"]));
    let size = [count(&reference["rows"]), count(&reference["length"])];
    let teacher = Student::from_weights(shape.clone(), weights(&shape, 4, 0.2)).unwrap();
    let teacher = Decoder::load(&shape, &teacher, Precision::F32).unwrap();
    let with = |answers: &dyn Fn(&Batch, usize) -> Answers| {
        [0, 1].map(|which| {
            let batch = batch(&student, size, which as u64);
            Batch { answers: answers(&batch, which), ..batch }
        })
    };
    let top = |batch: &Batch, which: usize| {
        let written = reference.get("top").map(|top| written(&top[which], size[1]));
        written.unwrap_or_else(|| captured(&teacher, batch))
    };
    for (loss, divergence, batches) in [
        ("cross-entropy", Divergence::CrossEntropy, with(&|_, _| Answers::None)),
        ("forward-kl, full", Divergence::ForwardKl, with(&|_, _| Answers::Asked)),
        ("forward-kl, top 64", Divergence::ForwardKl, with(&top)),
    ] {
        let mut settings = script_settings(&student, divergence, size);
        settings.adamw.lr = 1e-3;
        check(&student, settings, &batches, Some(&teacher), &reference["losses"][loss]);
    }
}

/// The top 64 and tails that the script's teacher gave: all rows but the last of each document, which teach nothing.
fn written(top: &Value, length: usize) -> Answers {
    let rows = |name: &str| top[name].as_array().unwrap();
    let mut all = TopAnswers { k: 64, ..TopAnswers::default() };
    for (row, tail) in rows("tails").iter().enumerate() {
        let one = |name: &str| rows(name)[row].as_array().unwrap();
        // The last row of a document is given what the one before it has.
        let times = if row % (length - 1) == length - 2 { 2 } else { 1 };
        for _ in 0..times {
            all.ids.extend(one("ids").iter().map(|id| count(id) as u32));
            all.log_probs.extend(one("log_probs").iter().map(|log_prob| log_prob.as_f64().unwrap() as f32));
            all.tails.push(tail.as_f64().unwrap() as f32);
        }
    }
    Answers::Top(all)
}

/// The teacher's top 64 and tail at every row.
fn captured(teacher: &Decoder, batch: &Batch) -> Answers {
    let mut all = TopAnswers { k: 64, ..TopAnswers::default() };
    score::score(teacher, &batch.tokens, &batch.segments, 64, &mut |scores| {
        all.ids.extend(&scores.top.ids);
        all.log_probs.extend(&scores.top.log_probs);
        all.tails.extend(&scores.top.tails);
        ControlFlow::Continue(())
    })
    .unwrap();
    Answers::Top(all)
}

#[test]
fn twenty_steps_of_the_large_student_lose_what_they_lose_in_pytorch() {
    check_large(&serde_json::from_str(include_str!("../reference/large.json")).unwrap());
}

/// The same with full batches, in the `PyTorch` at hand. Minutes long.
#[test]
fn long_twenty_full_batches_lose_what_they_lose_in_pytorch() {
    let Some(python) = long_python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (script, out) =
        (concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/losses.py"), folder.path().join("out"));
    let status = Command::new(python).args([script, "--large", "8", "256"]).arg(&out).status().unwrap();
    assert!(status.success(), "the script failed");
    check_large(&serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap());
}

/// The Python of `cargo xtask test --long`.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn long_python() -> Option<std::ffi::OsString> {
    let python = std::env::var_os("STILLMARK_TEST_TORCH");
    if python.is_none() {
        eprintln!("skipped: `cargo xtask test --long` sets STILLMARK_TEST_TORCH");
    }
    python
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
