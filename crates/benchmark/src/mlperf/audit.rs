//! A directory held against the rules, and its files against each other.

use stillmark_evidence::audit::{Found, Open, Score, Verdict};

use super::look::{Look, Tree};
use super::place::{self, Place};
use super::rules::{Benchmark, find};
use super::{evidence, performance, system};

/// What an audit of a submission found.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// What it comes to.
    pub verdict: Verdict,
    /// What does not hold.
    pub findings: Vec<Found>,
    /// The accuracies.
    pub scores: Vec<Score>,
    /// What was not checked.
    pub not_checked: Vec<Open>,
    /// What no directory can show.
    pub cannot_show: Vec<String>,
}

const CANNOT_SHOW: [&str; 3] = [
    "That the model gave these answers: a log can be written by hand, with its hash.",
    "That the golds are the benchmark's, where they come from the submission itself.",
    "That the clock of the machine was right.",
];

/// Audits a submission; what is missing or cannot be read is a finding too.
pub fn audit(tree: &Tree<'_>) -> Audited {
    let mut look = Look::new(tree);
    let places = place::results(&tree.files);
    for place in &places {
        look.task = Some(place.benchmark.clone());
        result(&mut look, place);
    }
    look.task = None;
    if places.is_empty() {
        look.found(
            "mlperf-layout",
            "",
            "no DIVISION/SUBMITTER/results/SYSTEM/BENCHMARK/SCENARIO is there".to_owned(),
        );
    }
    traces(&mut look, tree);
    closed(look)
}

/// What all that was found comes to.
pub(super) fn closed(look: Look<'_>) -> Audited {
    let verdict = if !look.findings.is_empty() {
        Verdict::Altered
    } else if look.not_checked.is_empty() {
        Verdict::NothingFound
    } else {
        Verdict::Inconclusive
    };
    let Look { findings, scores, not_checked, .. } = look;
    Audited { verdict, findings, scores, not_checked, cannot_show: CANNOT_SHOW.map(str::to_owned).to_vec() }
}

fn result(look: &mut Look<'_>, place: &Place) {
    system::look(look, place);
    let rules = official(look, place);
    let run = performance::detail(look, &place.file("performance/run_1/mlperf_log_detail.txt"));
    if let Some(run) = &run {
        performance::either(look, place, ("performance/run_1", "PerformanceOnly"), run);
        performance::performance(look, place, rules, run);
    }
    let accuracy = performance::detail(look, &place.file("accuracy/mlperf_log_detail.txt"));
    if let Some(accuracy) = &accuracy {
        performance::either(look, place, ("accuracy", "AccuracyOnly"), accuracy);
    }
    evidence::look(look, place, rules, accuracy.as_ref());
    others(look, place);
}

/// What the official checker tests and this audit does not.
fn others(look: &mut Look<'_>, place: &Place) {
    if place.division != "open" {
        let why =
            "accuracy targets, compliance tests and sets of scenarios are the official checker's to test";
        look.left_open(&place.benchmark, "mlperf-accuracy", why);
    }
    if look.has_below(&place.file("performance/power/")) {
        look.left_open(&place.benchmark, "mlperf-result", "the power measurements are not looked at");
    }
}

/// The official benchmark of a folder: by its name, or in the open division by `model_mapping.json`.
fn official(look: &mut Look<'_>, place: &Place) -> Option<&'static Benchmark> {
    if let Some(benchmark) = find(&place.benchmark) {
        return Some(benchmark);
    }
    let file = format!("{}/model_mapping.json", place.submitter_folder());
    let mapped = system::object(look, &file)
        .filter(|_| place.division == "open")
        .and_then(|mapping| find(mapping.get(&place.benchmark)?.as_str()?));
    if mapped.is_none() {
        let said = format!(
            "`{}` is no benchmark of the round, and model_mapping.json names none for it",
            place.benchmark
        );
        look.found("mlperf-layout", &place.file(""), said);
    }
    mapped
}

fn traces(look: &mut Look<'_>, tree: &Tree<'_>) {
    let empty = |(path, bytes): (&String, &&[u8])| {
        (path.ends_with("mlperf_log_trace.json") && bytes.is_empty()).then(|| path.clone())
    };
    let paths: Vec<String> = tree.files.iter().filter_map(empty).collect();
    for path in paths {
        look.found("mlperf-layout", &path, "an empty trace: remove it".to_owned());
    }
}
