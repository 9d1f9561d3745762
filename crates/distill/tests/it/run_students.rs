//! Whole runs: students of every kind, broken off, resumed, replayed and exported.

use std::path::Path;

use stillmark_distill::course;
use stillmark_distill::metrics::{self, Entry};
use stillmark_distill::run::{Event, Run};
use stillmark_distill::train::{Checkpoint as Saved, Replayed, replay};
use stillmark_distill::{Error, Plan};
use stillmark_evidence::Digest;
use stillmark_model::{Checkpoint, Config, TensorSource};

use crate::tiny::{self, Model, TOKENS, config, write_model, write_prompts};

const TEACHER: &str = "model = \"teacher\"";

/// The digest of the exported weights, and the metrics.
fn outcome(folder: &Path) -> (Digest, Vec<u8>) {
    let weights = Digest::of_file(&folder.join("model/model.safetensors")).unwrap();
    (weights, std::fs::read(folder.join("metrics.jsonl")).unwrap())
}

/// Makes all steps after the second again.
fn replayed(run: &Run<'_>, folder: &Path) -> Replayed {
    let entries = metrics::read(&folder.join("metrics.jsonl")).unwrap();
    let records: Vec<_> = entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Step(record) => Some(record),
            Entry::Evaluation(_) => None,
        })
        .collect();
    run.with_course(|course, config| {
        let saved = course::checkpoints(course.plan, course.folder);
        let settings = course::settings(course.plan, course.shared_vocab);
        let start = Saved::load_unpinned(&saved.path(2), config)?;
        replay(start, settings, (&records, &saved), 6, &mut course.feed())
    })
    .unwrap()
}

/// Carries a plan out at one go and in pieces; the same comes of it, and its steps can be made again.
pub(crate) fn same_however_interrupted(plan: &Plan, base: &Path) {
    let model = Model::open(&base.join("teacher"), plan);
    let (whole, pieces) = (base.join("whole"), base.join("pieces"));
    tiny::carry_out(&model, plan, base, &whole, &mut |_| false);
    let mut left = vec![1, 3];
    tiny::carry_out(&model, plan, base, &pieces, &mut |event| match event {
        Event::Train(event) => match &**event {
            course::Event::Step { record, .. } if left.first() == Some(&record.step) => {
                left.remove(0);
                true
            }
            _ => false,
        },
        _ => false,
    });
    assert!(left.is_empty());
    assert_eq!(outcome(&whole), outcome(&pieces));
    let run = model.run(plan, base, &whole).unwrap();
    assert_eq!(replayed(&run, &whole), Replayed::Same { steps: 4 });
}

/// A teacher with some rows beyond its tokens, and prompts for it.
pub(crate) fn teacher(base: &Path) -> String {
    write_model(&base.join("teacher"), &config(TOKENS + 11), 1, "th");
    write_prompts(base, 10)
}

#[test]
fn a_student_of_random_weights_learns_and_is_exported() {
    // As many rows as tokens, rows between, and more rows than the teacher's.
    for rows in [TOKENS, TOKENS + 3, TOKENS + 40] {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        let prompts = teacher(base);
        std::fs::write(base.join("student.json"), config(rows).to_json().to_string()).unwrap();
        let init = "{ from = \"config\", path = \"student.json\" }";
        let plan = tiny::plan(init, TEACHER, &prompts, "temperature = 0", "lr = 0.02");
        same_however_interrupted(&plan, base);
        let exported = Checkpoint::open(&base.join("whole/model")).unwrap();
        assert_eq!(exported.config().vocab_size, rows);
        let entries = metrics::read(&base.join("whole/metrics.jsonl")).unwrap();
        let kl: Vec<f64> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Evaluation(found) => found.kl,
                Entry::Step(_) => None,
            })
            .collect();
        assert!(kl.len() == 2 && kl[1] < kl[0], "{kl:?}");
    }
}

#[test]
fn a_student_with_weights_of_its_own_begins_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let prompts = teacher(base);
    write_model(&base.join("begun"), &config(TOKENS + 3), 2, "th");
    let init = "{ from = \"checkpoint\", path = \"begun\", terms = [\"mit\"] }";
    let train = "losses = [{ name = \"jsd\", support = \"full\" }, { name = \"ce\", weight = 0.5 }]";
    let plan = tiny::plan(init, TEACHER, &prompts, "temperature = 0", train);
    same_however_interrupted(&plan, base);
    let (begun, model) =
        (Checkpoint::open(&base.join("begun")).unwrap(), Model::open(&base.join("teacher"), &plan));
    let untrained = model.run(&plan, base, &base.join("whole")).unwrap().untrained().unwrap();
    let name = "model.layers.1.mlp.up_proj.weight";
    assert_eq!(untrained.tensor(name).unwrap(), begun.tensor(name).unwrap());
}

#[test]
fn weights_are_exported_as_half_floats() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let prompts = teacher(base);
    let init = "{ from = \"teacher\", layers = 2 }";
    let plan = tiny::plan(init, TEACHER, &prompts, "temperature = 0", "");
    let text = plan_text(init, &prompts).replace("dtype = \"f32\"", "dtype = \"f16\"");
    let half = Plan::parse(&text).unwrap();
    let model = Model::open(&base.join("teacher"), &plan);
    for (name, plan) in [("full", &plan), ("half", &half)] {
        tiny::carry_out(&model, plan, base, &base.join(name), &mut |_| false);
    }
    let [full, half] = ["full", "half"].map(|name| Checkpoint::open(&base.join(name).join("model")).unwrap());
    let name = "model.layers.0.mlp.up_proj.weight";
    let (full, half) = (full.tensor(name).unwrap(), half.tensor(name).unwrap());
    let exact = full.iter().zip(&half).all(|(full, half)| (full - half).abs() <= full.abs() / 1024.0);
    assert!(exact && full != half);
}

fn plan_text(init: &str, prompts: &str) -> String {
    tiny::plan_text(init, TEACHER, prompts, "temperature = 0", "")
}

#[test]
fn students_that_cannot_learn_from_the_teacher_are_refused_before_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let prompts = teacher(base);
    write_model(&base.join("foreign"), &config(TOKENS), 2, "ab");
    let narrow = Config { eos: vec![0], ..config(TOKENS - 1) };
    std::fs::write(base.join("narrow.json"), narrow.to_json().to_string()).unwrap();
    let cases = [
        (
            "{ from = \"checkpoint\", path = \"foreign\", terms = [\"mit\"] }",
            "tokenizers differ at id 258: `th` and `ab`",
        ),
        ("{ from = \"config\", path = \"foreign/config.json\" }", "tokenizers differ"),
        (
            "{ from = \"config\", path = \"narrow.json\" }",
            "260 rows, but the teacher's tokenizer has 261 tokens",
        ),
        ("{ from = \"config\", path = \"nowhere.json\" }", "nowhere.json"),
    ];
    for (idx, (init, expected)) in cases.into_iter().enumerate() {
        let plan = tiny::plan(init, TEACHER, &prompts, "", "");
        let model = Model::open(&base.join("teacher"), &plan);
        let error = model.run(&plan, base, &base.join(idx.to_string())).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn a_student_is_not_trained_on_half_a_capture() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let prompts = teacher(base);
    let plan = tiny::plan("{ from = \"teacher\", layers = 2 }", TEACHER, &prompts, "", "");
    let model = Model::open(&base.join("teacher"), &plan);
    let run_folder = base.join("run");
    let run = model.run(&plan, base, &run_folder).unwrap();
    let mut events = 0;
    let mut stop = |event: Event| {
        events +=
            usize::from(matches!(event, Event::Capture(stillmark_distill::capture::Event::Shard { .. })));
        if events == 1 { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
    };
    run.capture(&tiny::permit(&plan), &mut model.teacher(&plan), &mut stop).unwrap();
    let error = run.train(&mut |_| std::ops::ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(&error, Error::Records { detail, .. } if detail.contains("broken off")), "{error}");
}

#[test]
fn a_student_learns_from_its_own_answers() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path();
    let prompts = teacher(base);
    let mut runs = Vec::new();
    for (name, on_policy, support) in
        [("none", "0", "full"), ("full", "0.5", "full"), ("top", "0.5", "top-k"), ("all", "1", "full")]
    {
        let train = format!(
            "on_policy = {on_policy}\nlosses = [{{ name = \"reverse-kl\", support = \"{support}\" }}]\nlr = 0.01"
        );
        let plan = tiny::plan(
            "{ from = \"teacher\", layers = 2 }",
            TEACHER,
            &prompts,
            "temperature = 0\ntop_logprobs = 16",
            &train,
        );
        for done in ["whole", "pieces"] {
            _ = std::fs::remove_dir_all(base.join(done));
        }
        same_however_interrupted(&plan, base);
        let entries = metrics::read(&base.join("whole/metrics.jsonl")).unwrap();
        let losses: Vec<f64> = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Step(record) => Some(record.loss),
                Entry::Evaluation(_) => None,
            })
            .collect();
        assert!(
            losses.len() == 6 && losses.iter().all(|loss| loss.is_finite() && *loss >= 0.0),
            "{name}: {losses:?}"
        );
        runs.push(losses);
    }
    assert!(runs.iter().enumerate().all(|(at, losses)| runs[..at].iter().all(|other| other != losses)));
}
