//! Captures whose answers carry a mark: what is marked, what is said of it, and what is refused.

use std::ops::ControlFlow;
use std::path::Path;

use serde_json::json;
use stillmark_distill::capture::{Journal, paths};
use stillmark_distill::records::Shard;
use stillmark_distill::run::{Event, Outcome};
use stillmark_distill::{Error, Marking, Plan, capture};
use stillmark_evidence::Digest;
use stillmark_evidence::manifest::Watermark;
use stillmark_evidence::signing::read_manifest;
use stillmark_model::mark::{Mark, MarkState, Place};

use crate::tiny::{Model, TOKENS, config, permit, plan, write_model, write_prompts};

/// Answers are even tokens only; where none is, whatever comes.
struct Even;

impl Mark for Even {
    fn start(&self, _: u64) -> Box<dyn MarkState + '_> {
        Box::new(Self)
    }
}

impl MarkState for Even {
    fn choose(&mut self, _: &Place<'_>, logits: &mut [f32]) -> Option<u32> {
        logits.iter_mut().skip(1).step_by(2).for_each(|logit| *logit = f32::NEG_INFINITY);
        None
    }
}

fn marking(key: &str) -> Marking {
    let parameters = [("residue".to_owned(), json!(0))].into();
    let key_commitment = Digest::of(key.as_bytes());
    Marking {
        mark: Box::new(Even),
        stated: Watermark { scheme: "even".to_owned(), parameters, key_commitment },
    }
}

/// A number of shards that is not reached.
const NEVER: usize = usize::MAX;
const KEY: &str = "[capture.watermark]\nkey = \"marks.toml\"";

struct Made {
    base: tempfile::TempDir,
    marked: Plan,
    plain: Plan,
    model: Model,
}

fn made() -> Made {
    let base = tempfile::tempdir().unwrap();
    write_model(&base.path().join("teacher"), &config(TOKENS + 11), 1, "th");
    let texts = "[[texts]]\nfile = \"texts.jsonl\"\nterms = [\"cc0-1.0\"]";
    let lines = (0..4)
        .map(|at| json!({ "id": at.to_string(), "text": format!("a text on {at}") }).to_string() + "\n");
    std::fs::write(base.path().join("texts.jsonl"), lines.collect::<String>()).unwrap();
    let sources = format!("{}\n{texts}", write_prompts(base.path(), 8));
    let of = |watermark: &str| {
        let init = "{ from = \"teacher\", layers = 1 }";
        plan(init, "model = \"teacher\"", &sources, &format!("seed = 5\ntop_logprobs = 4\n{watermark}"), "")
    };
    let (marked, plain) = (of(KEY), of(""));
    let model = Model::open(&base.path().join("teacher"), &marked);
    Made { base, marked, plain, model }
}

fn captured(made: &Made, plan: &Plan, name: &str, stop_after: usize) -> Result<Outcome, Error> {
    let folder = made.base.path().join(name);
    let run = made.model.run(plan, made.base.path(), &folder)?;
    let mut shards = 0;
    run.capture(&permit(plan), &mut made.model.teacher(plan), &mut |event| {
        shards += usize::from(matches!(event, Event::Capture(capture::Event::Shard { .. })));
        if shards == stop_after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

/// The answers' tokens, and what the footers say of the mark.
fn answers(folder: &Path, plan: &Plan) -> (Vec<Vec<u32>>, Option<String>) {
    let data = folder.join("data");
    let journal = Journal::open(&data, &plan.digest().to_string()).unwrap();
    let (mut answers, mut said) = (Vec::new(), Vec::new());
    for path in paths(&data, &journal.shards) {
        let shard = Shard::open(&path).unwrap();
        said.push(shard.meta().settings.get("watermark").cloned());
        for group in 0..shard.groups() {
            let records = shard.group(group).unwrap().into_iter().filter(|record| record.prompt_len > 0);
            answers.extend(records.map(|record| record.input_ids[record.prompt_len..].to_vec()));
        }
    }
    said.dedup();
    assert_eq!(said.len(), 1, "all files say the same");
    (answers, said.remove(0))
}

#[test]
fn answers_carry_the_mark_and_the_record_says_so() {
    let mut made = made();
    assert_eq!(captured(&made, &made.plain, "plain", NEVER).unwrap(), Outcome::Done);
    made.model.marking = Some(marking("secret"));
    assert_eq!(captured(&made, &made.marked, "marked", NEVER).unwrap(), Outcome::Done);

    let (plain, said) = answers(&made.base.path().join("plain"), &made.plain);
    assert_eq!(said, None);
    assert!(plain.iter().flatten().any(|token| token % 2 == 1), "without a mark there are odd tokens");
    let (marked, said) = answers(&made.base.path().join("marked"), &made.marked);
    assert_eq!(marked.len(), 8);
    assert!(marked.iter().flatten().all(|token| token % 2 == 0), "{marked:?}");
    let said: Watermark = serde_json::from_str(&said.unwrap()).unwrap();
    assert_eq!(said, marking("secret").stated);

    let of = |name: &str| read_manifest(&made.base.path().join(name)).unwrap().0.sources;
    let stated: Vec<_> = of("marked").into_iter().map(|source| (source.id, source.watermark)).collect();
    let expected = Some(marking("secret").stated);
    assert_eq!(stated, [("prompts.jsonl".to_owned(), expected), ("texts.jsonl".to_owned(), None)]);
    assert!(of("plain").iter().all(|source| source.watermark.is_none()));
}

#[test]
fn an_interrupted_capture_goes_on_under_the_same_mark_only() {
    let mut made = made();
    made.model.marking = Some(marking("secret"));
    captured(&made, &made.marked, "whole", NEVER).unwrap();
    assert_eq!(captured(&made, &made.marked, "pieces", 1).unwrap(), Outcome::Stopped);
    let refused = |made: &Made, words: &[&str]| {
        let error = captured(made, &made.marked, "pieces", NEVER).unwrap_err();
        assert!(matches!(error, Error::Mismatch { .. }), "{error}");
        let said = error.to_string();
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
    };
    made.model.marking = Some(marking("another"));
    let (first, other) = (Digest::of(b"secret").to_string(), Digest::of(b"another").to_string());
    refused(&made, &["captured answers", "even residue=0", &first, &other]);
    made.model.marking = None;
    refused(&made, &["teacher", "`marks.toml`", "found none"]);
    made.model.marking = Some(marking("secret"));
    assert_eq!(captured(&made, &made.marked, "pieces", NEVER).unwrap(), Outcome::Done);
    let of = |name: &str| answers(&made.base.path().join(name), &made.marked);
    assert_eq!(of("pieces"), of("whole"));
}

#[test]
fn a_mark_that_the_plan_does_not_ask_for_is_refused() {
    let mut made = made();
    made.model.marking = Some(marking("secret"));
    let error = captured(&made, &made.plain, "plain", NEVER).unwrap_err().to_string();
    assert!(error.contains("expected none") && error.contains("found even"), "{error}");
}

#[test]
fn what_is_shown_of_a_mark_is_what_is_stated() {
    let shown = format!("{:?}", marking("secret"));
    assert!(shown.contains("even") && !shown.contains("secret"), "{shown}");
}
