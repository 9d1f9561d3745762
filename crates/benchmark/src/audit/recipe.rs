//! How a log says that it was asked and scored, against the pinned recipe.

use std::borrow::Cow;

use serde_json::Value as Listed;

use super::Class;
use super::findings::{Contrast, Findings};
use crate::json::{Kind, Value};
use crate::log::{About, Contradiction, Matter};
use crate::task::{HARNESS_VERSION, Output, Task};

/// Compares the configuration that a log states with the recipe of that name.
pub(super) fn check(about: &About<'_>, task: &Task, findings: &mut Findings<'_, '_>) {
    let Some(config) = &about.setup.config else {
        findings.unchecked(
            Class::MetricChanged,
            "the log holds no configuration: its answers are scored by the pinned recipe",
        );
        return;
    };
    let is_same_version = config
        .get("metadata")
        .and_then(|metadata| metadata.get("version"))
        .and_then(Value::number)
        .is_none_or(|version| task.version.parse() == Ok(version));
    // The harness whose recipes are pinned has this version of the task and no other.
    let is_pinned = about.version.as_deref() == Some(HARNESS_VERSION);
    let mut told = Told { is_same_version: is_same_version || is_pinned, findings };
    if !is_same_version {
        let found = config
            .get("metadata")
            .and_then(|metadata| metadata.get("version"))
            .map_or("", |version| version.raw);
        let detail = format!(
            "version {found} of the task; lm-evaluation-harness {HARNESS_VERSION} has {}",
            task.version
        );
        told.findings.departs(detail, Contrast::default());
    }
    scoring(config, task, &mut told);
    generation(about, config, task, &mut told);
    if let Some(answers) = config.get("repeats").and_then(Value::whole_number).filter(|answers| *answers != 1)
    {
        let detail = "asked several times for each answer".to_owned();
        told.findings.departs(detail, Contrast::of(&1, &answers));
    }
    if let Some(shots) = about.setup.shots.filter(|shots| *shots != task.default_shots as u64) {
        let detail = "asked with another number of worked examples than the task's usual".to_owned();
        told.findings.departs(detail, Contrast::of(&task.default_shots, &shots));
    }
    if about.setup.system.is_some() {
        told.findings.departs("asked under a system message".to_owned(), Contrast::default());
    }
    if about.setup.chat_template.is_some() {
        told.findings.departs("asked through a chat template".to_owned(), Contrast::default());
    }
}

/// Where differences go: another version of a task may well differ.
struct Told<'t, 'l, 'a> {
    is_same_version: bool,
    findings: &'t mut Findings<'l, 'a>,
}

impl Told<'_, '_, '_> {
    fn differs(&mut self, class: Class, detail: String, contrast: Contrast) {
        if self.is_same_version {
            self.findings.task(class, detail, contrast);
        } else {
            self.findings.departs(detail, contrast);
        }
    }
}

fn name_of<'a>(metric: &Value<'a>) -> Option<Cow<'a, str>> {
    metric.get("metric").and_then(Value::string)
}

/// Whether a metric has this name; one that is a program has it in its source.
fn is_named(metric: &Value<'_>, wanted: &str) -> bool {
    name_of(metric).is_some_and(|name| name == wanted || name.contains(wanted) && wanted == "pass_at_k")
}

fn scoring(config: &Value<'_>, task: &Task, told: &mut Told<'_, '_, '_>) {
    let metrics = config.get("metric_list").map_or(&[][..], Value::items);
    if !metrics.is_empty() && metrics.iter().all(|metric| name_of(metric).as_deref() == Some("bypass")) {
        told.findings.unchecked(
            Class::MetricChanged,
            "the run was to leave answers only (`--predict_only`): it claims no score",
        );
        return;
    }
    let (filters, expected): (Vec<Listed>, Vec<Listed>) = match &task.output {
        Output::Choices { metrics } => {
            (Vec::new(), metrics.iter().map(crate::task::Metric::as_listed).collect())
        }
        Output::Text { filters, metric, .. } => {
            (filters.iter().map(crate::task::Filter::as_listed).collect(), vec![metric.as_listed()])
        }
    };
    for expected in &expected {
        let Some(wanted) = expected["metric"].as_str() else { continue };
        let wanted = if wanted == "pass@1" { "pass_at_k" } else { wanted };
        let Some(found) = metrics.iter().find(|metric| is_named(metric, wanted)) else {
            told.differs(
                Class::MetricChanged,
                format!("the task's metric `{wanted}` is not among the log's"),
                Contrast::default(),
            );
            continue;
        };
        for key in ["ignore_case", "ignore_punctuation", "ignore_numbers", "regexes_to_ignore"] {
            differs(key, &expected[key], found.get(key), Class::MetricChanged, told);
        }
    }
    let listed = config.get("filter_list").map_or(&[][..], Value::items);
    for expected in &filters {
        let wanted = expected["name"].as_str().unwrap_or_default();
        let found = listed
            .iter()
            .find(|filter| filter.get("name").and_then(Value::text).is_some_and(|name| name.is(wanted)));
        match found {
            Some(found) => steps(wanted, &expected["filter"], found.get("filter"), told),
            // A task that lists no filter has the harness's own: `none`, which takes the first answer.
            None if listed.is_empty() && wanted == "none" => {}
            None => told.differs(
                Class::MetricChanged,
                format!("the task's filter `{wanted}` is not among the log's"),
                Contrast::default(),
            ),
        }
    }
}

fn steps(name: &str, expected: &Listed, found: Option<&Value<'_>>, told: &mut Told<'_, '_, '_>) {
    let expected = expected.as_array().map_or(&[][..], Vec::as_slice);
    let found = found.map_or(&[][..], Value::items);
    if expected.len() != found.len() {
        let detail = format!("the filter `{name}` has another number of steps than the task's");
        told.differs(Class::MetricChanged, detail, Contrast::of(&expected.len(), &found.len()));
        return;
    }
    for (expected, found) in expected.iter().zip(found) {
        let function = expected["function"].as_str().unwrap_or_default();
        let is_same =
            found.get("function").and_then(Value::string).is_some_and(|found| found.contains(function));
        if !is_same {
            let detail = format!("the filter `{name}` does something else than the task's");
            let found = found.get("function").map_or("", |found| found.raw);
            told.differs(Class::MetricChanged, detail, Contrast::of(function, found));
            return;
        }
        for key in [
            "regex_pattern",
            "group_select",
            "fallback",
            "ignore_case",
            "ignore_punctuation",
            "regex_pattern_to_value",
        ] {
            differs(key, &expected[key], found.get(key), Class::MetricChanged, told);
        }
    }
}

fn generation(about: &About<'_>, config: &Value<'_>, task: &Task, told: &mut Told<'_, '_, '_>) {
    const USUAL: [&str; 6] = ["until", "do_sample", "temperature", "top_p", "top_k", "max_gen_toks"];
    let Output::Text { generation, .. } = &task.output else { return };
    let expected = generation.as_listed();
    let Some(found) = config.get("generation_kwargs") else { return };
    let others = found.members().iter().map(|(key, _)| key.get());
    let others = others.filter(|key| !USUAL.contains(&key.as_ref()));
    for key in USUAL.into_iter().map(Cow::Borrowed).chain(others) {
        let key = key.as_ref();
        let at_zero = key == "temperature" && found.get(key).and_then(Value::number) == Some(0.0);
        if equal(&expected[key], found.get(key)) || at_zero {
            continue;
        }
        let is_declared = about.setup.generation.as_ref().is_some_and(|declared| {
            declared.get(key).is_some()
                || declared.string().is_some_and(|text| text.contains(&format!("{key}=")))
        });
        let detail = format!("generated with another `{key}` than the task's");
        let contrast = Contrast::of(&expected[key], found.get(key).map_or("nothing", |found| found.raw));
        if is_declared {
            told.findings.departs(format!("{detail}, as the command line said"), contrast);
        } else {
            told.differs(Class::SettingsChanged, detail, contrast);
        }
    }
}

/// What the results say twice, and not alike.
pub(super) fn contradictions(about: &About<'_>, findings: &mut Findings<'_, '_>) {
    for Contradiction { of, one, other } in &about.contradictions {
        let (class, what) = match of {
            Matter::Version => {
                (Class::MetricChanged, "`versions` has another version of the task than its configuration")
            }
            Matter::Shots => (
                Class::ShotsChanged,
                "`n-shot` has another number of worked examples than the task's configuration",
            ),
            Matter::Direction => {
                (Class::MetricChanged, "`higher_is_better` is another than in the task's configuration")
            }
            Matter::Count => {
                (Class::AggregateForged, "`n-samples` has another number of items than `sample_len`")
            }
            Matter::StandardError => (
                Class::AggregateForged,
                "a standard error is left out, which the harness states for this metric",
            ),
        };
        findings.task(class, what.to_owned(), Contrast::of(other, one));
    }
}

fn differs(
    key: &str,
    expected: &Listed,
    found: Option<&Value<'_>>,
    class: Class,
    told: &mut Told<'_, '_, '_>,
) {
    if !equal(expected, found) {
        let found = found.map_or("nothing", |found| found.raw);
        told.differs(class, format!("`{key}` is another than the task's"), Contrast::of(expected, found));
    }
}

/// Whether what is listed and what is stated mean the same; what is left out is off, empty or 0.
fn equal(expected: &Listed, found: Option<&Value<'_>>) -> bool {
    let Some(found) = found.filter(|found| !found.is_null()) else {
        return match expected {
            Listed::Null | Listed::Bool(false) => true,
            Listed::Number(number) => number.as_f64() == Some(0.0),
            Listed::Array(items) => items.is_empty(),
            _ => false,
        };
    };
    match (expected, &found.kind) {
        (Listed::Null, Kind::Bool(false)) => true,
        (Listed::Null, Kind::List(items)) => items.is_empty(),
        (Listed::Null, Kind::Number) => found.number() == Some(0.0),
        (Listed::Bool(one), Kind::Bool(other)) => one == other,
        (Listed::Number(one), Kind::Number) => one.as_f64() == found.number(),
        (Listed::String(one), Kind::Text(other)) => other.is(one),
        (Listed::Array(items), Kind::List(others)) => {
            items.len() == others.len()
                && items.iter().zip(others).all(|(one, other)| equal(one, Some(other)))
        }
        (Listed::Object(members), Kind::Object(others)) => {
            members.len() == others.len()
                && members
                    .iter()
                    .all(|(key, one)| found.get(key).is_some_and(|other| equal(one, Some(other))))
        }
        _ => false,
    }
}
