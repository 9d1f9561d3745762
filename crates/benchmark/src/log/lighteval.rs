//! Lighteval: `details_*.parquet` (or the same rows as JSON Lines), with `results_*.json` where it is.
//!
//! Since version 0.10 a row is `{doc, metric, model_response}`; before, it is flat (`full_prompt`, `predictions`, `gold`, `metrics` …), and in
//! version 0.6 every field is the text of a Python literal. [`unpack`] makes JSON Lines of a Parquet file, and of such literals values.

use std::borrow::Cow;

use super::file::base;
use super::{
    About, BETWEEN_TARGETS, Claim, File, Harness, Hashes, Log, Request, Response, Rows, Run, Sample, Score,
};
use crate::Error;
use crate::copies::details;
use crate::json::{Kind, Text, Value};
use crate::task::{argmax, strip};

/// What this reader calls itself in errors.
const FORMAT: &str = "lighteval details";

/// How far into a file one looks for what tells it apart.
const HEAD_BYTES: usize = 16 << 10;

/// A file of means, and what it holds.
type Totals<'a> = (File<'a>, Value<'a>);

/// Whether a file is lighteval's.
pub fn is_ours(file: &File<'_>) -> bool {
    let name = base(file.name);
    let holds = |word: &str| {
        memchr::memmem::find(&file.bytes[..file.bytes.len().min(HEAD_BYTES)], word.as_bytes()).is_some()
    };
    let is_object = file.first_byte() == Some(b'{');
    if name.starts_with("results_") {
        return is_object && holds("\"config_general\"");
    }
    let is_row = holds("\"model_response\"") && holds("\"doc\"")
        || holds("\"full_prompt\"") && holds("\"predictions\"");
    name.starts_with("details_") && is_object && is_row
}

/// Whether a file is to be [unpacked](unpack) first.
pub fn is_packed(name: &str, bytes: &[u8]) -> bool {
    base(name).starts_with("details_") && bytes.starts_with(b"PAR1")
}

/// The rows of a Parquet file as JSON Lines.
pub fn unpack(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    details::json_lines(name, bytes)
}

/// The runs that lie in some files: details belong to the results whose name holds the same time.
pub fn read<'a>(files: &[File<'a>]) -> Result<Vec<Run<'a>>, Error> {
    let (totals, details): (Vec<File<'a>>, Vec<File<'a>>) =
        files.iter().copied().partition(|file| base(file.name).starts_with("results_"));
    let mut runs: Vec<(&str, Option<Totals<'a>>, Run<'a>)> = Vec::new();
    for file in totals {
        let value = file.parsed(FORMAT)?;
        runs.push((stamp(file.name), Some((file, value)), Run::default()));
    }
    for file in details {
        let at = runs.iter().position(|(time, ..)| *time == stamp(file.name)).unwrap_or_else(|| {
            runs.push((stamp(file.name), None, Run::default()));
            runs.len() - 1
        });
        let log = log(file, runs[at].1.as_ref())?;
        runs[at].2.logs.push(log);
    }
    for (_, totals, run) in &mut runs {
        if let Some((file, totals)) = totals {
            run.logs.extend(without_rows(file, totals, &run.logs));
        }
        run.logs.sort_by(|one, other| one.about.task.cmp(&other.about.task));
    }
    Ok(runs.into_iter().map(|(_, _, run)| run).collect())
}

/// The time in a name: `details_suite|task|0_2026-11-27T19-57-42.043318.parquet`.
fn stamp(path: &str) -> &str {
    let name = base(path);
    let stem =
        [".parquet", ".jsonl", ".json"].iter().find_map(|kind| name.strip_suffix(kind)).unwrap_or(name);
    stem.rsplit_once('_').map_or(stem, |(_, stamp)| stamp)
}

fn log<'a>(file: File<'a>, totals: Option<&Totals<'a>>) -> Result<Log<'a>, Error> {
    let first = file.lines(FORMAT).next().transpose()?;
    let named = base(file.name).strip_prefix("details_").and_then(|rest| rest.rsplit_once('_'));
    let named = named.map_or(base(file.name), |(task, _)| task).to_owned();
    let said = first.as_ref().and_then(|(_, row)| row.get("doc")?.get("task_name")?.string());
    let results = totals.and_then(|(_, totals)| totals.get("results"));
    let tasks =
        results.map(Value::members).unwrap_or_default().iter().map(|(task, _)| task.get().into_owned());
    let is_this = |task: &String| match &said {
        Some(said) => task == said.as_ref() || task.rsplit_once('|').is_some_and(|(head, _)| head == said),
        None => *task == named,
    };
    let found: Vec<String> = tasks.filter(is_this).collect();
    let task = match found.as_slice() {
        _ if found.contains(&named) => named,
        [one] => one.clone(),
        _ => said.map_or(named, Cow::into_owned),
    };
    let mut about = about(task, totals);
    about.samples_file = Some(file.name.to_owned());
    Ok(Log { about, rows: Some(rows(file)) })
}

fn about<'a>(task: String, totals: Option<&Totals<'a>>) -> About<'a> {
    let mut about = About::new(Harness::Lighteval, task);
    let Some((file, totals)) = totals else { return about };
    about.results_file = Some(file.name.to_owned());
    let general = totals.get("config_general");
    about.model =
        general.and_then(|general| general.get("model_name")).and_then(Value::string).map(Cow::into_owned);
    about.setup.shots = about.task.rsplit_once('|').and_then(|(_, shots)| shots.parse().ok());
    let stated = totals.get("results").and_then(|results| results.get(&about.task));
    about.claims = stated.map(claims).unwrap_or_default();
    about
}

fn claims(stated: &Value<'_>) -> Vec<Claim> {
    let members = stated.members();
    let claim = |(metric, value): &(Text<'_>, Value<'_>)| {
        let metric = metric.get();
        let stderr = stated.get(&format!("{metric}_stderr")).and_then(Value::number);
        let is_stderr = metric.strip_suffix("_stderr").is_some_and(|of| stated.get(of).is_some());
        let value = value.number().filter(|_| !is_stderr)?;
        Some(Claim { metric: metric.into_owned(), filter: "none".to_owned(), value, stderr })
    };
    members.iter().filter_map(claim).collect()
}

/// Tasks of a results file whose details are not at hand; averages over tasks are no tasks.
fn without_rows<'a>(file: &File<'a>, totals: &Value<'a>, have: &[Log<'a>]) -> Vec<Log<'a>> {
    let results = totals.get("results").map(Value::members).unwrap_or_default();
    let names = results.iter().map(|(task, _)| task.get().into_owned());
    let is_task = |task: &String| {
        task != "all" && !task.contains("_average|") && have.iter().all(|log| log.about.task != *task)
    };
    let both = (*file, totals.clone());
    names.filter(is_task).map(|task| Log { about: about(task, Some(&both)), rows: None }).collect()
}

fn rows(file: File<'_>) -> Rows<'_> {
    let name = file.name.to_owned();
    Box::new(file.lines(FORMAT).map(move |line| {
        let (line, value) = line?;
        let read = if value.get("doc").is_some() { nested(&value, line) } else { flat(&value, line) };
        read.map_err(|problem| Error::Malformed {
            format: FORMAT,
            at: format!("{name}, row {line}"),
            problem: problem.to_owned(),
        })
    }))
}

/// What of a row becomes a sample, in whichever layout.
struct Parts<'v, 'a> {
    prompt: Option<&'v Value<'a>>,
    choices: &'v [Value<'a>],
    /// Which choices are right, or what texts are.
    golds: Vec<String>,
    /// Log-likelihoods, one a choice, and whether each is greedy.
    likelihoods: Vec<(f64, Option<bool>)>,
    texts: &'v [Value<'a>],
    scores: Option<&'v Value<'a>>,
}

fn nested<'a>(row: &Value<'a>, line: u64) -> Result<Sample<'a>, &'static str> {
    let (doc, said) = (
        row.get("doc").ok_or("it has no `doc`")?,
        row.get("model_response").ok_or("it has no `model_response`")?,
    );
    let choices = doc.get("choices").map(Value::items).unwrap_or_default();
    let gold = doc.get("gold_index").map(indices).unwrap_or_default();
    let all = said.get("logprobs").map(Value::items).unwrap_or_default();
    let greedy = said.get("argmax_logits_eq_gold").map(Value::items).unwrap_or_default();
    let numbers: Option<Vec<f64>> = all.iter().take(choices.len()).map(Value::number).collect();
    let likelihoods = numbers.unwrap_or_default().into_iter().enumerate();
    let likelihoods: Vec<_> =
        likelihoods.map(|(at, ln)| (ln, greedy.get(at).and_then(Value::truth))).collect();
    let finished = said.get("text_post_processed").filter(|texts| !texts.items().is_empty());
    let texts = finished.or_else(|| said.get("text")).map(Value::items).unwrap_or_default();
    let golds = if likelihoods.is_empty() {
        let right = gold.iter().map(|at| choices.get(*at).and_then(Value::string).map(Cow::into_owned));
        right.collect::<Option<Vec<_>>>().ok_or("`gold_index` names no choice")?
    } else {
        gold.iter().map(usize::to_string).collect()
    };
    let prompt = said.get("input").filter(|input| input.text().is_some()).or_else(|| doc.get("query"));
    Ok(sample(line, &Parts { prompt, choices, golds, likelihoods, texts, scores: row.get("metric") }))
}

/// A row of a version before 0.10.
fn flat<'a>(row: &Value<'a>, line: u64) -> Result<Sample<'a>, &'static str> {
    let list = |key: &str| row.get(key).map(Value::items).unwrap_or_default();
    let predictions = row.get("predictions").ok_or("it has no `predictions`")?.items();
    // A prediction is a number, a pair of a number and a truth value, or a text, or a list of texts.
    let likelihood = |value: &Value<'a>| match value.items() {
        [ln, greedy] => Some((ln.number()?, greedy.truth())),
        _ => Some((value.number()?, None)),
    };
    let numbers: Option<Vec<_>> = predictions.iter().map(likelihood).collect();
    let likelihoods =
        numbers.filter(|all| !all.is_empty() && all.len() == list("choices").len()).unwrap_or_default();
    let texts = match predictions {
        [one] if !one.items().is_empty() => one.items(),
        all => all,
    };
    let golds = if likelihoods.is_empty() {
        list("gold").iter().filter_map(Value::string).map(Cow::into_owned).collect()
    } else {
        row.get("gold_index").map(indices).unwrap_or_default().iter().map(usize::to_string).collect()
    };
    let scores = row.get("metrics").or_else(|| row.get("metric"));
    let choices = row.get("choices").map(Value::items).unwrap_or_default();
    Ok(sample(line, &Parts { prompt: row.get("full_prompt"), choices, golds, likelihoods, texts, scores }))
}

/// One number or a list of numbers.
fn indices(value: &Value<'_>) -> Vec<usize> {
    let whole = |value: &Value<'_>| value.whole_number().and_then(|number| usize::try_from(number).ok());
    match value.kind {
        Kind::List(_) => value.items().iter().filter_map(whole).collect(),
        _ => whole(value).into_iter().collect(),
    }
}

fn sample<'a>(line: u64, parts: &Parts<'_, 'a>) -> Sample<'a> {
    let prompt = parts.prompt.and_then(Value::text).cloned().unwrap_or_else(|| Text::from(""));
    let request = |continuation: Option<Text<'a>>, responses: Vec<Response<'a>>| Request {
        prompt: prompt.clone(),
        continuation,
        generation: None,
        responses,
    };
    let requests = if parts.likelihoods.is_empty() {
        let texts = parts.texts.iter().filter_map(Value::text).cloned().map(Response::Text).collect();
        vec![request(None, texts)]
    } else {
        let each = parts.likelihoods.iter().zip(parts.choices);
        let one = |((ln, greedy), choice): (&(f64, Option<bool>), &Value<'a>)| {
            request(choice.text().cloned(), vec![Response::Likelihood { ln: *ln, greedy: *greedy }])
        };
        each.map(one).collect()
    };
    let scores = parts.scores.map(Value::members).unwrap_or_default().iter().map(|(metric, value)| {
        let score = match value.truth() {
            Some(truth) => Score::Number(f64::from(u8::from(truth))),
            None => value.number().map_or_else(|| Score::Other(value.clone()), Score::Number),
        };
        (metric.get(), score)
    });
    Sample {
        line,
        id: Cow::Owned((line - 1).to_string()),
        filter: Cow::Borrowed("none"),
        doc: None,
        item: None,
        target: Some(Text::from(parts.golds.join(&BETWEEN_TARGETS.to_string()))),
        requests,
        filtered: Vec::new(),
        scores: scores.collect(),
        hashes: Hashes::default(),
    }
}

/// Whether a sample is right under a metric whose meaning no task changes; none where it is in doubt.
pub(super) fn is_right(sample: &Sample<'_>, metric: &str, targets: &[&str]) -> Option<bool> {
    let likelihood = |request: &Request<'_>| match request.responses.first() {
        Some(Response::Likelihood { ln, .. }) => Some(*ln),
        _ => None,
    };
    let numbers: Option<Vec<f64>> = sample.requests.iter().map(likelihood).collect();
    let best = |all: &[f64]| argmax(all).map(|at| targets.contains(&at.to_string().as_str()));
    match (metric, numbers) {
        ("acc", Some(all)) => best(&all),
        ("acc_norm", Some(all)) => {
            // The name stands for two metrics: by letters, with or without a space before the choice.
            let divided = |length: &dyn Fn(&str) -> usize| {
                let each = all.iter().zip(&sample.requests);
                let one = |(ln, request): (&f64, &Request<'_>)| {
                    Some(ln / length(&request.continuation.as_ref()?.get()) as f64)
                };
                best(&each.map(one).collect::<Option<Vec<f64>>>()?)
            };
            let whole = divided(&|choice| choice.chars().count())?;
            let bare = divided(&|choice| choice.strip_prefix(' ').unwrap_or(choice).chars().count())?;
            (whole == bare).then_some(whole)
        }
        // Under DROP `em` is another metric, which stands beside `f1`.
        ("em", None) if sample.score("f1").is_none() => {
            let said = &sample.requests.first()?.responses;
            let words = said.iter().map(|response| match response {
                Response::Text(text) => Some(text.get()),
                Response::Likelihood { .. } | Response::Other(_) => None,
            });
            let words = words.collect::<Option<Vec<_>>>().filter(|words| !words.is_empty())?;
            let is_one = |word: &Cow<'_, str>| {
                !word.is_empty() && targets.iter().any(|target| strip(target) == strip(word))
            };
            Some(words.iter().any(is_one))
        }
        _ => None,
    }
}
