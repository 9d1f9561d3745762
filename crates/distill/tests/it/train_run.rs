//! Steps in a row: packing, resuming, replay, evaluation, and stops.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

use std::collections::BTreeMap;
use std::fs;

use stillmark_distill::Error;
use stillmark_distill::train::loss::{Divergence, Loss, Missing, Term};
use stillmark_distill::train::{
    Answers, Batch, Bindings, Chain, Checkpoint, Checkpoints, DecoderTeacher, Feed, Replayed, Sampler,
    Settings, StepRecord, Student, TeacherHead, Trainer, advance, pack, replay,
};
use stillmark_evidence::Digest;
use stillmark_kernels::gemm::Precision;
use stillmark_model::{Config, Decoder};

use crate::train_gradients::{plain_loss, settings, some_answers};
use crate::train_reference::{Plain, configs, documents, lively_weights};

fn student(config: &Config) -> Student {
    Student::from_weights(config.clone(), lively_weights(config)).unwrap()
}

/// Two documents a step, in the sampler's order.
struct Documents {
    documents: Vec<Vec<u32>>,
    sampler: Sampler,
}

impl Documents {
    fn new(config: &Config) -> Self {
        let documents = documents(config, &[5, 7, 3, 9, 6, 4, 8]);
        let sampler = Sampler::new(3, documents.len(), 2);
        Self { documents, sampler }
    }
}

impl Feed for Documents {
    fn batches(&mut self, step: u64, _: &Student) -> Result<Vec<Batch>, Error> {
        let rows = self.sampler.rows_of_step(step);
        Ok(rows.iter().map(|&row| Batch::of_documents(&self.documents[row..=row])).collect())
    }

    fn teacher(&mut self) -> Option<&mut dyn TeacherHead> {
        None
    }
}

fn bindings() -> Bindings {
    ["config", "data", "teacher"].map(|name| (name.to_owned(), Digest::of(name.as_bytes()))).into()
}

fn run_settings(config: &Config, precision: Precision) -> Settings {
    Settings { precision, ..settings(plain_loss(config, Divergence::CrossEntropy)) }
}

fn steps(trainer: &mut Trainer, chain: &mut Chain, feed: &mut dyn Feed, until: u64) -> Vec<StepRecord> {
    let mut records = Vec::new();
    while trainer.step_number() < until {
        records.push(advance(trainer, feed, chain).unwrap());
    }
    records
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one_bit_for_bit() {
    for precision in [Precision::F32, Precision::Bf16] {
        let config = &configs()["qwen3"];
        let settings = run_settings(config, precision);
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints { folder: folder.path().into(), keep: 1, keep_every: 0 };
        let mut feed = Documents::new(config);
        let (mut trainer, mut chain) =
            (Trainer::new(student(config), settings.clone()).unwrap(), Chain::new(&bindings()));
        steps(&mut trainer, &mut chain, &mut feed, 4);
        checkpoints.save(&trainer, &chain, &bindings()).unwrap();
        let whole = steps(&mut trainer, &mut chain, &mut feed, 12);

        let checkpoint = Checkpoint::load(&checkpoints.path(4), config, &bindings()).unwrap();
        let (mut resumed, mut chain) = checkpoint.into_trainer(settings).unwrap();
        let rest = steps(&mut resumed, &mut chain, &mut feed, 12);
        assert_eq!(whole, rest);
        let bits =
            |trainer: &Trainer| trainer.student().weights().iter().map(|w| w.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&trainer), bits(&resumed));
        assert!(whole[7].loss < whole[0].loss, "it learns");
    }
}

#[test]
fn replay_gives_the_same_bits_and_names_the_first_step_after_an_alteration() {
    let config = &configs()["llama"];
    let settings = run_settings(config, Precision::F32);
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints { folder: folder.path().into(), keep: 0, keep_every: 0 };
    let mut feed = Documents::new(config);
    let (mut trainer, mut chain) =
        (Trainer::new(student(config), settings.clone()).unwrap(), Chain::new(&bindings()));
    let mut records = steps(&mut trainer, &mut chain, &mut feed, 3);
    checkpoints.save(&trainer, &chain, &bindings()).unwrap();
    records.extend(steps(&mut trainer, &mut chain, &mut feed, 9));
    // What was read back from text is what was written.
    let text: Vec<String> = records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    let read: Vec<StepRecord> = text.iter().map(|line| serde_json::from_str(line).unwrap()).collect();

    let again = |records: &[StepRecord], feed: &mut dyn Feed| {
        let checkpoint = Checkpoint::load_unpinned(&checkpoints.path(3), config).unwrap();
        replay(checkpoint, settings.clone(), (records, &checkpoints), 9, feed).unwrap()
    };
    assert_eq!(again(&read, &mut feed), Replayed::Same { steps: 6 });
    assert_eq!(again(&read[..6], &mut feed), Replayed::Missing { step: 7 });
    let mut forged = records.clone();
    forged[6].loss_bits = "3ff0000000000000".into();
    assert!(matches!(again(&forged, &mut feed), Replayed::Differs { step: 7, what: "loss", .. }));

    let alter = |step: u64, file: &str, from_end: usize, bits: u8| {
        let path = checkpoints.path(step).join(file);
        let mut bytes = fs::read(&path).unwrap();
        let place = bytes.len() - from_end;
        bytes[place] ^= bits;
        fs::write(&path, bytes).unwrap();
    };
    // A checkpoint at the end or within is compared with what the steps lead to.
    checkpoints.save(&trainer, &chain, &bindings()).unwrap();
    assert_eq!(again(&read, &mut feed), Replayed::Same { steps: 6 });
    for (file, shown) in [("weights.safetensors", "a weight"), ("moments.safetensors", "a second moment")] {
        alter(9, file, 4, 1);
        let found = again(&records, &mut feed);
        assert!(
            matches!(found, Replayed::Differs { step: 9, what, .. } if what.starts_with(shown)),
            "{found:?}"
        );
        alter(9, file, 4, 1);
    }
    // The least bit of one weight may be too little for any step to show.
    alter(3, "weights.safetensors", 4, 1);
    assert!(matches!(again(&records, &mut feed), Replayed::Differs { .. }));
    alter(3, "weights.safetensors", 4, 1);

    alter(3, "weights.safetensors", 2, 0x10);
    assert!(matches!(again(&records, &mut feed), Replayed::Differs { step: 4, .. }));
    let refused = Checkpoint::load(&checkpoints.path(3), config, &bindings()).unwrap_err();
    assert!(refused.to_string().contains("weights.safetensors"), "{refused}");
}

#[test]
fn checkpoints_of_other_runs_and_damaged_ones_are_refused() {
    let config = &configs()["llama"];
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints { folder: folder.path().into(), keep: 2, keep_every: 4 };
    let mut feed = Documents::new(config);
    let settings = run_settings(config, Precision::F32);
    let (mut trainer, mut chain) =
        (Trainer::new(student(config), settings).unwrap(), Chain::new(&bindings()));
    for step in 2..=8 {
        steps(&mut trainer, &mut chain, &mut feed, step);
        checkpoints.save(&trainer, &chain, &bindings()).unwrap();
    }
    assert_eq!(checkpoints.steps().unwrap(), [4, 7, 8]);
    let newest = checkpoints.path(8);
    let mut other = bindings();
    other.insert("teacher".into(), Digest::of(b"another"));
    let refused = Checkpoint::load(&newest, config, &other).unwrap_err();
    assert!(refused.to_string().contains("`teacher`"), "{refused}");
    for (file, expect) in [("moments.safetensors", "moments.safetensors"), ("state.json", "state.json")] {
        let path = newest.join(file);
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
        let refused = Checkpoint::load(&newest, config, &bindings()).unwrap_err();
        assert!(refused.to_string().contains(expect), "{refused}");
        fs::write(&path, bytes).unwrap();
    }
    Checkpoint::load(&newest, config, &bindings()).unwrap();
}

#[test]
fn packed_documents_learn_what_they_learn_alone() {
    for (name, config) in configs() {
        let documents = documents(&config, &[6, 3, 5]);
        let loss = plain_loss(&config, Divergence::CrossEntropy);
        let mut trainer = Trainer::new(student(&config), settings(loss)).unwrap();
        let together = Batch::of_documents(&documents);
        let packed = trainer.gradients(&together, None).unwrap().1.to_vec();
        let mut alone = vec![0.0; packed.len()];
        for document in &documents {
            let batch = Batch::of_documents(std::slice::from_ref(document));
            let share = (batch.total_weight() / together.total_weight()) as f32;
            for (sum, grad) in alone.iter_mut().zip(trainer.gradients(&batch, None).unwrap().1) {
                *sum += share * grad;
            }
        }
        let largest = packed.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
        for (packed, alone) in packed.iter().zip(&alone) {
            assert!((packed - alone).abs() < 1e-5 * largest, "{name}: {packed} packed, {alone} alone");
        }
    }
}

/// The logits of every row in the training pass.
fn training_logits(config: &Config, documents: &[Vec<u32>]) -> Vec<f32> {
    let loss = plain_loss(config, Divergence::CrossEntropy);
    let settings = Settings { max_tokens: 80, max_positions: 80, ..settings(loss) };
    let mut trainer = Trainer::new(student(config), settings).unwrap();
    let mut batch = Batch::of_documents(documents);
    batch.weights.fill(1.0);
    let (mut rows, mut logits) = (0, Vec::new());
    let mut visit = |at: &[usize], some: &[f32]| {
        assert_eq!(at, (rows..rows + at.len()).collect::<Vec<_>>());
        rows += at.len();
        logits.extend_from_slice(some);
    };
    trainer.logits(&batch, &mut visit).unwrap();
    assert_eq!(logits.len(), batch.tokens.len() * config.vocab_size);
    logits
}

#[test]
fn the_training_pass_has_the_decoders_logits() {
    for (name, config) in configs() {
        // Longer than a block of queries, so that windows cross one.
        let config = Config { max_positions: 80, ..config };
        let documents = documents(&config, &[70, 1, 9]);
        let trained = training_logits(&config, &documents);
        let decoder = Decoder::load(&config, &student(&config), Precision::F32).unwrap();
        let batch = Batch::of_documents(&documents);
        let hidden = decoder.hidden(&batch.tokens, &batch.segments).unwrap();
        let mut decoded = vec![0.0; trained.len()];
        decoder.logits(&hidden, &mut decoded);
        let alone =
            documents.iter().flat_map(|document| training_logits(&config, std::slice::from_ref(document)));
        for ((trained, decoded), alone) in trained.iter().zip(&decoded).zip(alone) {
            let tolerance = 2e-5 * decoded.abs().max(1.0);
            assert!(
                (trained - decoded).abs() < tolerance,
                "{name}: {trained} in training, {decoded} decoded"
            );
            assert!((trained - alone).abs() < tolerance, "{name}: {trained} packed, {alone} alone");
        }
    }
}

#[test]
fn the_student_decodes_as_it_trains() {
    for (name, config) in configs() {
        let weights = lively_weights(&config);
        let student = student(&config);
        let decoder = Decoder::load(&config, &student, Precision::F32).unwrap();
        let batch = Batch::of_documents(&documents(&config, &[6, 4]));
        let hidden = decoder.hidden(&batch.tokens, &batch.segments).unwrap();
        let mut logits = vec![0.0; batch.tokens.len() * config.vocab_size];
        decoder.logits(&hidden, &mut logits);
        let wide: Vec<f64> = weights.iter().map(|&w| f64::from(w)).collect();
        let plain = Plain { config: &config, weights: &wide, layout: student.layout() }.batch_logits(&batch);
        for (found, expected) in logits.iter().zip(plain.iter().flatten()) {
            assert!((f64::from(*found) - expected).abs() < 1e-3, "{name}: {found}, expected {expected}");
        }
    }
}

#[test]
fn a_student_that_is_its_teacher_agrees_with_it() {
    let config = &configs()["grouped"];
    let decoder = Decoder::load(config, &student(config), Precision::F32).unwrap();
    let mut teacher = DecoderTeacher::new(&decoder);
    let kd = Term { divergence: Divergence::ForwardKl, weight: 1.0, temperature: 2.0 };
    let loss = Loss { terms: vec![kd], missing: Missing::Bucket, shared_vocab: config.vocab_size };
    let mut trainer = Trainer::new(student(config), settings(loss.clone())).unwrap();
    let mut batch = Batch::of_documents(&documents(config, &[6, 9]));
    batch.answers = Answers::Asked;
    let same = trainer.evaluate(std::slice::from_ref(&batch), Some(&mut teacher)).unwrap();
    assert_eq!(same.rows, 13);
    assert!(same.kl.unwrap().abs() < 1e-5 && same.agreement == Some(1.0), "{same:?}");
    assert!((same.perplexity.unwrap() - same.teacher_perplexity.unwrap()).abs() < 1e-3, "{same:?}");

    // Another student comes closer to it with every step.
    let mut trainer = Trainer::new(Student::fresh(config.clone(), 1), settings(loss)).unwrap();
    let before = trainer.evaluate(std::slice::from_ref(&batch), Some(&mut teacher)).unwrap();
    for _ in 0..30 {
        trainer.step(std::slice::from_ref(&batch), Some(&mut teacher)).unwrap();
    }
    let after = trainer.evaluate(std::slice::from_ref(&batch), Some(&mut teacher)).unwrap();
    assert!(after.kl.unwrap() < 0.5 * before.kl.unwrap(), "{before:?} {after:?}");

    // What was captured of it gives nearly the same figures.
    batch.answers = Answers::Top(some_answers(config, batch.tokens.len(), 4));
    let captured = trainer.evaluate(std::slice::from_ref(&batch), None).unwrap();
    assert!(captured.kl.unwrap() > 0.0 && captured.teacher_perplexity.is_none());
}

#[test]
fn a_run_that_leaves_the_rails_stops_at_its_step() {
    let config = &configs()["llama"];
    let mut weights = lively_weights(config);
    weights[5] = f32::NAN;
    let broken = Student::from_weights(config.clone(), weights).unwrap();
    let batch = [Batch {
        tokens: vec![0, 1, 2],
        segments: vec![0..3],
        weights: vec![1.0, 1.0, 0.0],
        answers: Answers::None,
    }];
    let loss = plain_loss(config, Divergence::CrossEntropy);
    let mut trainer = Trainer::new(broken, settings(loss.clone())).unwrap();
    assert!(matches!(trainer.step(&batch, None), Err(Error::Diverged { step: 1, .. })));

    let mut wild = settings(loss.clone());
    (wild.adamw.lr, wild.explosion) = (0.02, 3.0);
    let mut trainer = Trainer::new(student(config), wild).unwrap();
    let documents = documents(config, &[9]);
    let easy = [Batch::of_documents(&documents)];
    for _ in 0..40 {
        trainer.step(&easy, None).unwrap();
    }
    let weights = trainer.student().weights().to_vec();
    let hard: Vec<u32> = documents[0].iter().map(|token| (token + 7) % config.vocab_size as u32).collect();
    let stopped = trainer.step(&[Batch::of_documents(&[hard])], None);
    assert!(matches!(stopped, Err(Error::Diverged { step: 41, .. })), "{stopped:?}");
    assert_eq!(trainer.student().weights(), weights, "the weights are those of the last good step");
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let config = &configs()["llama"];
    let mut trainer =
        Trainer::new(student(config), settings(plain_loss(config, Divergence::ForwardKl))).unwrap();
    let good = Batch::of_documents(&documents(config, &[4]));
    let cases: BTreeMap<&str, Batch> = [
        ("teacher's answers", good.clone()),
        ("tokens that the teacher", Batch { answers: Answers::Asked, ..good.clone() }),
        ("token ids outside", Batch { tokens: vec![0, 1, 99, 2], ..good.clone() }),
        ("row weights", Batch { weights: vec![1.0], ..good.clone() }),
        ("rows covered", Batch { segments: vec![0..2], ..good.clone() }),
        ("captured tails", {
            let mut top = some_answers(config, 4, 3);
            top.tails.pop();
            Batch { answers: Answers::Top(top), ..good.clone() }
        }),
        (
            "tokens of a batch",
            Batch {
                answers: Answers::Top(some_answers(config, 40, 3)),
                ..Batch::of_documents(&documents(config, &[20, 20]))
            },
        ),
    ]
    .into();
    for (expect, batch) in cases {
        let refused = trainer.step(&[batch], None).unwrap_err().to_string();
        assert!(refused.contains(expect), "{expect}: {refused}");
    }
}

#[test]
fn every_epoch_reads_every_row_once() {
    let sampler = Sampler::new(1, 10, 3);
    let rows: Vec<usize> = (1..=10).flat_map(|step| sampler.rows_of_step(step)).collect();
    for epoch in rows.chunks(10) {
        let mut sorted = epoch.to_vec();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<_>>());
    }
    assert_ne!(rows[..10], rows[10..20]);
    assert_eq!(sampler.cursor(5), 12);
    let packed = pack(&[6, 5, 4, 0, 11, 3, 10], 10);
    assert_eq!(packed, [vec![0, 2], vec![1, 5], vec![6]]);
}
