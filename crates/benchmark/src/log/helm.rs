//! HELM: `scenario_state.json`, with `run_spec.json`, `per_instance_stats.json` and `stats.json` of the same folder where they are.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{
    About, BETWEEN_TARGETS, Claim, File, Harness, Hashes, Log, Request, Response, Rows, Run, Sample, Score,
};
use crate::json::{Text, Value};
use crate::{Answer, Error, Record};

/// What this reader calls itself in errors.
const FORMAT: &str = "HELM scenario state";

/// The means that HELM states of single instances and that are read here.
const METRICS: [&str; 4] =
    ["exact_match", "quasi_exact_match", "prefix_exact_match", "quasi_prefix_exact_match"];

/// Scores of one instance in one trial, by metric.
type Stats<'a> = BTreeMap<(String, u64), Vec<(Cow<'a, str>, Score<'a>)>>;

/// The files of a run that are read here.
const FILES: [&str; 4] = ["scenario_state.json", "run_spec.json", "per_instance_stats.json", "stats.json"];

/// Whether a file is named like one of HELM's.
pub fn is_ours(file: &File<'_>) -> bool {
    file.name.rsplit('/').next().is_some_and(|name| FILES.contains(&name))
}

/// The run that lies in some files; those beside the scenario state are told apart by their names.
pub fn read<'a>(files: &[File<'a>]) -> Result<Vec<Run<'a>>, Error> {
    let named = |file: &File<'_>, name: &str| file.name.rsplit('/').next() == Some(name);
    let folder = |file: &File<'a>| file.name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let mut runs = Vec::new();
    for state in files.iter().filter(|file| named(file, "scenario_state.json")) {
        let beside = |name: &str| {
            let found = files.iter().find(|file| named(file, name) && folder(file) == folder(state));
            found.map(|file| file.parsed(FORMAT)).transpose()
        };
        let (spec, stats, totals) =
            (beside("run_spec.json")?, beside("per_instance_stats.json")?, beside("stats.json")?);
        runs.push(run(state, spec.as_ref(), stats.as_ref(), totals.as_ref())?);
    }
    Ok(runs)
}

fn run<'a>(
    file: &File<'a>,
    spec: Option<&Value<'a>>,
    stats: Option<&Value<'a>>,
    totals: Option<&Value<'a>>,
) -> Result<Run<'a>, Error> {
    let value = file.parsed(FORMAT)?;
    let adapter = value.get("adapter_spec");
    let words = |value: Option<&Value<'a>>| value.and_then(Value::string).map(Cow::into_owned);
    let name = words(spec.and_then(|spec| spec.get("name")));
    let mut about = About::new(Harness::Helm, name.unwrap_or_else(|| file.name.to_owned()));
    about.model = words(adapter.and_then(|adapter| adapter.get("model")));
    about.samples_file = Some(file.name.to_owned());
    about.setup.shots = adapter.and_then(|adapter| adapter.get("max_train_instances")).and_then(whole);
    about.setup.config = adapter.cloned();
    about.claims = totals.map(claims).unwrap_or_default();
    let states = value.get("request_states").map(Value::items).unwrap_or_default().to_vec();
    let stats = stats.map(of_instances).unwrap_or_default();
    let rows = rows(file, states, stats);
    Ok(Run { logs: vec![Log { about, rows: Some(rows) }], groups: Vec::new() })
}

fn whole(value: &Value<'_>) -> Option<u64> {
    value.raw.parse().ok()
}

/// The name of a statistic, where it is one of an unperturbed test.
fn metric<'a>(stat: &Value<'a>) -> Option<Cow<'a, str>> {
    let name = stat.get("name")?;
    let is_test =
        name.get("split").and_then(Value::text).is_none_or(|split| split.is("test") || split.is("valid"));
    let is_plain = name.get("perturbation").is_none_or(|perturbation| perturbation.raw == "null");
    let word = name.get("name").and_then(Value::string)?;
    (is_test && is_plain && METRICS.contains(&word.as_ref())).then_some(word)
}

fn claims(totals: &Value<'_>) -> Vec<Claim> {
    let claim = |stat: &Value<'_>| {
        let metric = metric(stat)?.into_owned();
        let value = stat.get("mean").and_then(Value::number)?;
        Some(Claim { metric, filter: "none".to_owned(), value, stderr: None })
    };
    totals.items().iter().filter_map(claim).collect()
}

fn of_instances<'a>(stats: &Value<'a>) -> Stats<'a> {
    let mut by_instance = Stats::new();
    for entry in
        stats.items().iter().filter(|entry| entry.get("perturbation").is_none_or(|value| value.raw == "null"))
    {
        let id = entry.get("instance_id").and_then(Value::string).map(Cow::into_owned).unwrap_or_default();
        let trial = entry.get("train_trial_index").and_then(whole).unwrap_or(0);
        let scores = by_instance.entry((id, trial)).or_default();
        for stat in entry.get("stats").map(Value::items).unwrap_or_default() {
            if let (Some(metric), Some(mean)) = (metric(stat), stat.get("mean").and_then(Value::number)) {
                scores.push((metric, Score::Number(mean)));
            }
        }
    }
    by_instance
}

fn rows<'a>(file: &File<'_>, states: Vec<Value<'a>>, stats: Stats<'a>) -> Rows<'a> {
    let name = file.name.to_owned();
    // One row for each reference of the separate method; only the joint and generating methods are scored by one text.
    let numbered = states.into_iter().zip(1..);
    Box::new(numbered.map(move |(state, line)| {
        sample(&state, line, &stats).map_err(|problem| Error::Malformed {
            format: FORMAT,
            at: format!("{name}, request {line}"),
            problem: problem.to_owned(),
        })
    }))
}

fn sample<'a>(state: &Value<'a>, line: u64, stats: &Stats<'a>) -> Result<Sample<'a>, &'static str> {
    let instance = state.get("instance").ok_or("it has no `instance`")?;
    let id = instance.get("id").and_then(Value::string).ok_or("its instance has no `id`")?;
    let trial = state.get("train_trial_index").and_then(whole).unwrap_or(0);
    let scores = stats.get(&(id.clone().into_owned(), trial)).cloned().unwrap_or_default();
    let result = state.get("result").ok_or("it has no `result`")?;
    let completions = result.get("completions").map(Value::items).unwrap_or_default();
    let texts = completions.iter().filter_map(|completion| completion.get("text").and_then(Value::text));
    let responses: Vec<Response<'a>> = texts.cloned().map(Response::Text).collect();
    let mapping = state.get("output_mapping").map(Value::members).unwrap_or_default();
    let mapped = responses.first().map(|response| mapped(response, mapping));
    let (choices, gold) = references(instance);
    let target: Vec<&str> = gold.iter().map(|&at| choices[at].as_str()).collect();
    let target = target.join(&BETWEEN_TARGETS.to_string());
    let request = state.get("request");
    let prompt = request.and_then(|request| request.get("prompt")).and_then(Value::text).cloned();
    let question = instance
        .get("input")
        .and_then(|input| input.get("text").and_then(Value::string).or_else(|| input.string()));
    let item = question.map(|question| Record {
        context: None,
        question: question.into_owned(),
        answer: if choices.len() > 1 {
            Answer::Choice { choices, gold }
        } else {
            Answer::Open { gold: target.clone() }
        },
    });
    let id = if trial == 0 { id } else { Cow::Owned(format!("{id} (trial {trial})")) };
    Ok(Sample {
        line,
        id,
        filter: Cow::Borrowed("none"),
        doc: None,
        item,
        target: Some(Text::from(target)),
        requests: vec![Request {
            prompt: prompt.unwrap_or_else(|| Text::from("")),
            continuation: None,
            generation: None,
            responses,
        }],
        filtered: mapped.into_iter().collect(),
        scores,
        hashes: Hashes::default(),
    })
}

/// A completion without white space around it; a letter becomes the text of its choice.
fn mapped<'a>(response: &Response<'a>, mapping: &[(Text<'a>, Value<'a>)]) -> Response<'a> {
    let Response::Text(text) = response else { return response.clone() };
    let said = text.get().trim().to_owned();
    let choice = mapping.iter().find(|(letter, _)| letter.is(&said)).and_then(|(_, choice)| choice.text());
    Response::Text(match choice {
        Some(choice) => choice.clone(),
        None if mapping.is_empty() => Text::from(said),
        None => Text::from(""),
    })
}

/// The references' texts, and which of them are right.
fn references(instance: &Value<'_>) -> (Vec<String>, Vec<usize>) {
    let (mut texts, mut right) = (Vec::new(), Vec::new());
    for reference in instance.get("references").map(Value::items).unwrap_or_default() {
        let output = reference.get("output");
        let text =
            output.and_then(|output| output.get("text").and_then(Value::string).or_else(|| output.string()));
        let tags = reference.get("tags").map(Value::items).unwrap_or_default();
        if tags.iter().any(|tag| tag.text().is_some_and(|tag| tag.is("correct"))) {
            right.push(texts.len());
        }
        texts.push(text.map(Cow::into_owned).unwrap_or_default());
    }
    (texts, right)
}
