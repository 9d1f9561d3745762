//! Training runs: the same bits with and without interruption; metrics; and the question a plan puts to the terms.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use stillmark_distill::course::{Course, Event, Outcome, train};
use stillmark_distill::feed::Batches;
use stillmark_distill::metrics::{self, Entry};
use stillmark_distill::train::{Bindings, Student};
use stillmark_distill::{Error, Plan};
use stillmark_evidence::Digest;
use stillmark_kernels::gemm::Precision;
use stillmark_model::{Config, Decoder};

use crate::data_feed::{Numbered, tiny};
use crate::data_records::record;

fn plan(train: &str) -> Plan {
    let text = format!(
        "[student]\nname = \"s\"\nlicense = \"mit\"\ninit = {{ from = \"teacher\", layers = 2 }}\n\
         [teacher]\nmodel = \"t\"\nterms = [\"apache-2.0\"]\n[[prompts]]\nbuiltin = \"quickstart\"\n[capture]\n\
         [train]\nsteps = 7\nseq_len = 32\nbatch = 2\ncheckpoint_every = 3\neval_every = 2\nheld_out = 0.1\n{train}\n"
    );
    Plan::parse(&text).unwrap()
}

fn config() -> Config {
    Config { vocab_size: 1000, layers: 2, full_attention_layers: 0, ..tiny() }
}

fn bindings() -> Bindings {
    BTreeMap::from([("plan".to_owned(), Digest::of(b"plan"))])
}

/// Trains until `stop` steps were made; the weights' bits at the end.
fn run(plan: &Plan, folder: &Path, teacher: Option<&Decoder>, stop: u64) -> Result<Option<Vec<u32>>, Error> {
    let records: Vec<_> = (0..30).map(|seed| record(seed, 6 + seed as usize % 20)).collect();
    let batches = Batches::new(&records, plan.train(), 1000)?;
    let bindings = bindings();
    let course = Course {
        plan: plan.train(),
        batches: &batches,
        teacher,
        shared_vocab: 1000,
        bindings: &bindings,
        folder,
    };
    let outcome = train(&course, Student::fresh(config(), 5), &mut |event| match event {
        Event::Step { record, .. } if record.step == stop => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })?;
    Ok(match outcome {
        Outcome::Done(student) => Some(student.weights().iter().map(|weight| weight.to_bits()).collect()),
        Outcome::Stopped { .. } => None,
    })
}

fn same_bits_however_interrupted(plan: &Plan, teacher: Option<&Decoder>) {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    std::fs::create_dir(&whole).unwrap();
    let expected = run(plan, &whole, teacher, 0).unwrap().unwrap();
    let expected_metrics = std::fs::read(whole.join("metrics.jsonl")).unwrap();
    for stop in [1, 4, 6] {
        let pieces = folder.path().join(format!("pieces-{stop}"));
        std::fs::create_dir(&pieces).unwrap();
        assert_eq!(run(plan, &pieces, teacher, stop).unwrap(), None);
        // A kill: lines beyond the checkpoint, the last one cut short.
        let metrics = pieces.join("metrics.jsonl");
        let mut text = std::fs::read(&metrics).unwrap();
        let beyond = expected_metrics.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
        text.extend(beyond);
        text.extend(&beyond[..20]);
        std::fs::write(&metrics, text).unwrap();
        assert_eq!(run(plan, &pieces, teacher, 0).unwrap(), Some(expected.clone()), "stopped after {stop}");
        assert_eq!(std::fs::read(&metrics).unwrap(), expected_metrics, "stopped after {stop}");
    }
}

#[test]
fn a_run_over_records_resumes_with_the_same_bits() {
    same_bits_however_interrupted(
        &plan("losses = [{ name = \"forward-kl\" }, { name = \"ce\", weight = 0.5 }]"),
        None,
    );
}

#[test]
fn a_run_beside_its_teacher_resumes_with_the_same_bits() {
    let source = Numbered(config());
    let teacher = Decoder::load(&config(), &source, Precision::F32).unwrap();
    let plan =
        plan("losses = [{ name = \"jsd\", support = \"full\", temperature = 2 }]\nprecision = \"bf16\"");
    same_bits_however_interrupted(&plan, Some(&teacher));
}

#[test]
fn training_lowers_the_held_out_divergence() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan("lr = 0.02\naccumulation = 2");
    run(&plan, folder.path(), None, 0).unwrap().unwrap();
    let entries = metrics::read(&folder.path().join("metrics.jsonl")).unwrap();
    let evaluations: Vec<(u64, f64)> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Evaluation(found) => Some((found.step, found.kl.unwrap())),
            Entry::Step(_) => None,
        })
        .collect();
    let steps: Vec<u64> = evaluations.iter().map(|(step, _)| *step).collect();
    assert_eq!(steps, [0, 2, 4, 6, 7]);
    assert!(evaluations.last().unwrap().1 < evaluations[0].1, "{evaluations:?}");
}

#[test]
fn metrics_vectors_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/metrics");
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("metrics.jsonl");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let vector: serde_json::Value = serde_json::from_str(&text).unwrap();
        std::fs::write(&path, vector["lines"].as_str().unwrap()).unwrap();
        let name = &vector["name"];
        match metrics::read(&path) {
            Ok(entries) => {
                let steps: Vec<u64> = entries.iter().map(Entry::step).collect();
                assert_eq!(serde_json::json!(steps), vector["steps"], "{name}");
            }
            Err(error) => {
                let says = vector["says"].as_str().unwrap_or("nothing");
                assert!(error.to_string().contains(says), "{name}: {error}");
            }
        }
    }
}

#[test]
fn a_plan_asks_about_its_teacher_its_sources_and_its_start() {
    let provenance = plan("").provenance().unwrap();
    let edges: Vec<String> =
        provenance.edges().iter().map(|edge| format!("{} {} {}", edge.from, edge.action, edge.to)).collect();
    assert_eq!(
        edges,
        [
            "teacher generate answers",
            "answers train-on-outputs student",
            "source quickstart train-on-outputs student",
            "teacher distill-logits student",
            "teacher init student",
        ]
    );
    assert_eq!(provenance.target(), "student");
}

#[test]
fn a_permit_is_good_for_its_own_plan_alone() {
    let pack = stillmark_agreement::Pack::shipped().unwrap();
    let asked = plan("");
    let on = "2026-11-23".parse().unwrap();
    let ruling = stillmark_agreement::evaluate(&pack, &asked.provenance().unwrap(), &on).unwrap();
    let permit = ruling.permit(&[]).unwrap();
    asked.check_permit(&permit).unwrap();
    // How long is trained is no question to the terms; what is begun from is.
    plan("seed = 4").check_permit(&permit).unwrap();
    let text = "[student]\nname = \"s\"\nlicense = \"mit\"\ninit = { from = \"checkpoint\", path = \"x\" }\n[teacher]\n\
                model = \"t\"\nterms = [\"apache-2.0\"]\n[[prompts]]\nbuiltin = \"quickstart\"\n[capture]\n[train]\nsteps = 1\n";
    let error = Plan::parse(text).unwrap().check_permit(&permit).unwrap_err();
    assert!(matches!(error, Error::Mismatch { .. }), "{error}");
}
