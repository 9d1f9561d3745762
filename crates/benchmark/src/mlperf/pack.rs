//! Two LoadGen runs laid out as a submission to the open division.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use stillmark_evidence::Digest;

use crate::Error;

use super::accuracy;
use super::detail::Detail;
use super::golds::{Golds, Rule};
use super::place::Place;
use super::rules::{Benchmark, MEASUREMENT_FIELDS, ROUND, SYSTEM_MEANINGFUL, SYSTEM_OTHER, Tokens, find};
use super::system::says_something;

/// The `schema` of `src/BENCHMARK/stillmark.json`.
const SCHEMA: &str = "stillmark/mlperf-directory/v1";

/// What a run of LoadGen left.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// `mlperf_log_detail.txt`.
    pub detail: &'a [u8],
    /// `mlperf_log_summary.txt`.
    pub summary: &'a [u8],
    /// `mlperf_log_accuracy.json`, untruncated.
    pub accuracy: &'a [u8],
}

/// Whether a directory is meant to be submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// It is not: every description says SYNTHETIC.
    Synthetic,
    /// It is.
    Submission,
}

/// What is said of a submission, where LoadGen does not say it.
#[derive(Debug, Clone)]
pub struct About {
    /// Who submits.
    pub submitter: String,
    /// The system, as its folder is named.
    pub system: String,
    /// What is run, as its folder is named.
    pub name: String,
    /// The official benchmark under whose rules it is run.
    pub benchmark: String,
    /// Whether it is meant to be submitted.
    pub label: Label,
    /// The description of the system; `submitter` and `division` are filled in.
    pub description: Map<String, Value>,
    /// The five fields of `measurements.json`.
    pub measurements: Map<String, Value>,
}

/// All that goes into a directory.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// What is said of it.
    pub about: About,
    /// The accuracy run.
    pub accuracy: Run<'a>,
    /// The performance run.
    pub performance: Run<'a>,
    /// The `user.conf` that LoadGen read.
    pub user_conf: &'a [u8],
    /// What is right.
    pub golds: &'a [u8],
    /// How answers are held against it.
    pub rule: Rule,
}

/// A directory, not yet written.
#[derive(Debug, Clone, Default)]
pub struct Packed<'a> {
    /// The files of the submission, by path.
    pub files: BTreeMap<String, Cow<'a, [u8]>>,
    /// The untruncated accuracy log, which stays outside of it.
    pub untruncated: BTreeMap<String, Cow<'a, [u8]>>,
}

/// Lays a directory out; the accuracy in it is the one that follows from the log and the golds.
pub fn pack<'a>(inputs: &Inputs<'a>) -> Result<Packed<'a>, Error> {
    let about = &inputs.about;
    let rules = find(&about.benchmark)
        .ok_or_else(|| wrong("benchmark", format!("`{}` is no benchmark of {ROUND}", about.benchmark)))?;
    let detail = Detail::read(inputs.performance.detail)?;
    let scenario = detail
        .text("effective_scenario")
        .ok_or_else(|| wrong("the performance log", "it holds no `effective_scenario`".to_owned()))?;
    described(about)?;
    let place = place(about, scenario)?;
    let claims = claims(inputs, rules)?;
    let mut packed = Packed::default();
    let mut add = |path: String, bytes: Cow<'a, [u8]>| drop(packed.files.insert(path, bytes));
    let mut text = |path: String, text: String| add(path, Cow::Owned(text.into_bytes()));
    text(place.system_file(), pretty(&Value::Object(system(about))));
    text(place.file("measurements.json"), pretty(&Value::Object(about.measurements.clone())));
    text(place.file("README.md"), readme(about, scenario));
    text(place.file("mlperf.conf"), MLPERF_CONF.to_owned());
    text(place.file("accuracy/accuracy.txt"), claims);
    text(place.source("README.md"), source_readme(about));
    text(place.source("stillmark.json"), pretty(&sources(inputs)));
    if about.name != about.benchmark {
        let mapping = json!({ about.name.as_str(): about.benchmark });
        text(format!("{}/model_mapping.json", place.submitter_folder()), pretty(&mapping));
    }
    add(place.source("golds.jsonl"), Cow::Borrowed(inputs.golds));
    add(place.file("user.conf"), Cow::Borrowed(inputs.user_conf));
    add(place.file("accuracy/mlperf_log_detail.txt"), Cow::Borrowed(inputs.accuracy.detail));
    add(place.file("accuracy/mlperf_log_summary.txt"), Cow::Borrowed(inputs.accuracy.summary));
    let kept = accuracy::truncated(inputs.accuracy.accuracy);
    add(place.file("accuracy/mlperf_log_accuracy.json"), Cow::Owned(kept));
    add(place.file("performance/run_1/mlperf_log_detail.txt"), Cow::Borrowed(inputs.performance.detail));
    add(place.file("performance/run_1/mlperf_log_summary.txt"), Cow::Borrowed(inputs.performance.summary));
    let kept = accuracy::truncated(inputs.performance.accuracy);
    add(place.file("performance/run_1/mlperf_log_accuracy.json"), Cow::Owned(kept));
    packed.untruncated.insert(place.untruncated(), Cow::Borrowed(inputs.accuracy.accuracy));
    Ok(packed)
}

fn wrong(at: &str, problem: String) -> Error {
    Error::Malformed { format: "MLPerf directory", at: at.to_owned(), problem }
}

const MLPERF_CONF: &str = "# LoadGen 6 carries its mlperf.conf within itself; nothing in it was overridden but by user.conf beside this file.\n";

fn place(about: &About, scenario: &str) -> Result<Place, Error> {
    for (name, value) in [("submitter", &about.submitter), ("system", &about.system), ("name", &about.name)] {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        if value.is_empty() || value.starts_with('.') || !value.chars().all(plain) {
            return Err(wrong(
                name,
                format!("`{value}` is no name of a folder: letters, digits, `-`, `_` and `.`"),
            ));
        }
    }
    Ok(Place {
        division: "open".to_owned(),
        submitter: about.submitter.clone(),
        system: about.system.clone(),
        benchmark: about.name.clone(),
        scenario: scenario.to_owned(),
    })
}

/// Whether all that must be said is said.
fn described(about: &About) -> Result<(), Error> {
    let filled = ["submitter", "division"];
    let says = |fields: &Map<String, Value>, name: &str| fields.get(name).is_some_and(says_something);
    let system = SYSTEM_MEANINGFUL.into_iter().filter(|name| !filled.contains(name));
    let missing: Vec<&str> = system
        .filter(|name| !says(&about.description, name))
        .chain(MEASUREMENT_FIELDS.into_iter().filter(|name| !says(&about.measurements, name)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(wrong("the description", format!("these fields must say something: {}", missing.join(", "))))
}

/// The system's description, with the fields that may be empty and the label.
fn system(about: &About) -> Map<String, Value> {
    let mut fields = about.description.clone();
    for name in SYSTEM_OTHER {
        fields.entry(name.to_owned()).or_insert_with(|| json!(""));
    }
    fields.insert("submitter".to_owned(), json!(about.submitter));
    fields.insert("division".to_owned(), json!("open"));
    if about.label == Label::Synthetic {
        let notes = fields.get("sw_notes").and_then(Value::as_str).unwrap_or_default();
        let notes = format!("{SYNTHETIC} {notes}").trim_end().to_owned();
        fields.insert("sw_notes".to_owned(), json!(notes));
    }
    fields
}

const SYNTHETIC: &str = "SYNTHETIC test run, not a submission.";

/// The text of `accuracy.txt`: the accuracy that follows, and the hash of the log it follows from.
fn claims(inputs: &Inputs<'_>, rules: &Benchmark) -> Result<String, Error> {
    let golds = Golds::read(inputs.golds, inputs.rule)?;
    let (mut good, mut total, mut tokens, mut foreign) = (0_u64, 0_u64, 0_u64, None);
    accuracy::read(inputs.accuracy.accuracy, &mut |entry| {
        total += 1;
        tokens += entry.token_count.unwrap_or(0);
        match golds.is_right(entry.qsl_idx, &entry.data) {
            Some(right) => good += u64::from(right),
            None => foreign = foreign.or(Some(entry.qsl_idx)),
        }
    })?;
    if let Some(index) = foreign {
        return Err(wrong(
            "the golds",
            format!("they hold no sample {index}, which the accuracy log answers"),
        ));
    }
    if total == 0 {
        return Err(wrong(
            "the accuracy log",
            "it holds no answers: was LoadGen run in accuracy mode?".to_owned(),
        ));
    }
    let percent = good as f64 * 100.0 / total as f64;
    let mut text = format!("accuracy={percent:.4}%, good={good}, total={total}\n");
    if rules.tokens == Tokens::Counted {
        let tokens = tokens as f64 / total as f64;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{{'exact_match': {percent:.4}, 'tokens_per_sample': {tokens:.4}, 'num-samples': {total}}}"
        );
    }
    let _ = writeln!(text, "hash={}", Digest::of(inputs.accuracy.accuracy));
    Ok(text)
}

fn sources(inputs: &Inputs<'_>) -> Value {
    json!({
        "schema": SCHEMA,
        "round": ROUND,
        "benchmark": inputs.about.benchmark,
        "rule": inputs.rule.name(),
        "golds_sha256": Digest::of(inputs.golds).to_string(),
        "synthetic": inputs.about.label == Label::Synthetic,
    })
}

fn label(about: &About) -> &'static str {
    match about.label {
        Label::Synthetic => "**SYNTHETIC test run, not a submission.** ",
        Label::Submission => "",
    }
}

fn readme(about: &About, scenario: &str) -> String {
    format!(
        "# {} on {}, {scenario}\n\n{}MLPerf-format evidence of an open-division run under the rules of `{}` ({ROUND}). The model and the data\nare not the official ones; nothing here is a result that MLCommons has verified.\n\nTo run: see `src/{}/README.md`.\n",
        about.name,
        about.system,
        label(about),
        about.benchmark,
        about.name
    )
}

fn source_readme(about: &About) -> String {
    format!(
        "# {}\n\n{}LoadGen was driven by Stillmark's `bench/mlperf/sut.py`, which asks the model through `stillmark model answer`.\n`golds.jsonl` holds what is right for each sample index, `stillmark.json` the rule that answers are held against it by.\nThe accuracy is recomputed by `stillmark benchmark audit` from the untruncated accuracy log, whose SHA-256 is `hash=` in `accuracy.txt`.\n",
        about.name,
        label(about)
    )
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
