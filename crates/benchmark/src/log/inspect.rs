//! Inspect's logs: the JSON form, and the `.eval` archive, which [`unpack`] turns into it.

use std::borrow::Cow;

use super::{
    About, BETWEEN_TARGETS, Claim, Counts, File, Harness, Hashes, Log, Request, Response, Rows, Run, Sample,
    Score,
};
use crate::json::{Kind, Text, Value};
use crate::{Answer, Error, Record};

mod archive;

pub use archive::{is_archive, unpack};

/// What this reader calls itself in errors.
pub(super) const FORMAT: &str = "inspect log";

/// Whether a file begins like a log of Inspect; an archive is to be unpacked first.
pub fn is_ours(file: &File<'_>) -> bool {
    let start = &file.bytes[..file.bytes.len().min(4096)];
    let has = |needle: &[u8]| memchr::memmem::find(start, needle).is_some();
    file.first_byte() == Some(b'{') && !file.is_json_lines() && has(b"\"status\"") && has(b"\"eval\"")
}

/// Whether a parsed file is a log of Inspect.
pub fn is_log(value: &Value<'_>) -> bool {
    let task = value.get("eval").and_then(|eval| eval.get("task"));
    task.is_some() && value.get("status").is_some()
}

/// Reads a log in its JSON form.
pub fn read(file: File<'_>) -> Result<Run<'_>, Error> {
    let value = file.parsed(FORMAT)?;
    if !is_log(&value) {
        return Err(wrong(&file, "it has no `eval.task` and no `status`"));
    }
    let about = about(&file, &value);
    let rows = match value.get("samples").map(|samples| &samples.kind) {
        Some(Kind::List(samples)) => Some(rows(&file, samples.clone(), &about)),
        Some(Kind::Null) | None => None,
        Some(_) => return Err(wrong(&file, "`samples` is no list")),
    };
    Ok(Run { logs: vec![Log { about, rows }], groups: Vec::new() })
}

fn wrong(file: &File<'_>, problem: &str) -> Error {
    Error::Malformed { format: FORMAT, at: file.name.to_owned(), problem: problem.to_owned() }
}

fn about<'a>(file: &File<'_>, value: &Value<'a>) -> About<'a> {
    let eval = value.get("eval");
    let of_eval = |key: &str| eval.and_then(|eval| eval.get(key));
    let words = |value: Option<&Value<'a>>| value.and_then(Value::string).map(Cow::into_owned);
    let task = words(of_eval("task")).unwrap_or_default();
    let mut about = About::new(Harness::Inspect, task);
    about.version = words(of_eval("packages").and_then(|packages| packages.get("inspect_ai")));
    about.model = words(of_eval("model"));
    about.samples_file = Some(file.name.to_owned());
    about.results_file = Some(file.name.to_owned());
    about.setup.limit = of_eval("config").and_then(|config| config.get("limit")).and_then(Value::number);
    about.setup.generation = of_eval("model_generate_config").cloned();
    about.setup.config = of_eval("scorers").cloned();
    let results = value.get("results");
    let total = results.and_then(|results| results.get("total_samples")).and_then(whole);
    let epochs =
        of_eval("config").and_then(|config| config.get("epochs")).and_then(whole).unwrap_or(1).max(1);
    let held = of_eval("dataset").and_then(|dataset| dataset.get("samples")).and_then(whole);
    about.counts = held.zip(total).map(|(original, total)| Counts { original, effective: total / epochs });
    about.claims = results.and_then(|results| results.get("scores")).map(claims).unwrap_or_default();
    if epochs > 1 {
        // Then they are of the means over epochs, not of the rows.
        about.claims.iter_mut().for_each(|claim| claim.stderr = None);
    }
    about
}

fn whole(value: &Value<'_>) -> Option<u64> {
    value.raw.parse().ok()
}

/// The means that a log states; standard errors go with them, other statistics are left out.
fn claims(scores: &Value<'_>) -> Vec<Claim> {
    let mut claims = Vec::new();
    for score in scores.items() {
        let Some(filter) = score.get("name").and_then(Value::string) else { continue };
        // Epochs that were reduced otherwise than by their mean do not come out as a mean of rows.
        let reducer = score.get("reducer").and_then(Value::string).filter(|reducer| reducer != "mean");
        let metric = |name: &str| score.get("metrics")?.get(name)?.get("value").and_then(Value::number);
        for name in ["accuracy", "mean"] {
            if let Some(value) = metric(name) {
                let filter = filter.clone().into_owned();
                let metric_name = match &reducer {
                    Some(reducer) => format!("{name} ({reducer})"),
                    None => name.to_owned(),
                };
                claims.push(Claim { metric: metric_name, filter, value, stderr: metric("stderr") });
            }
        }
    }
    claims
}

/// The samples, each once a scorer.
fn rows<'a>(file: &File<'_>, samples: Vec<Value<'a>>, about: &About<'_>) -> Rows<'a> {
    let name = file.name.to_owned();
    let of_rows = about.claims.iter().filter(|claim| !claim.metric.ends_with(')'));
    let metrics: Vec<(String, String)> =
        of_rows.map(|claim| (claim.filter.clone(), claim.metric.clone())).collect();
    let numbered = samples.into_iter().zip(1..);
    Box::new(numbered.flat_map(move |(value, line)| match sample(&value, line, &metrics) {
        Ok(samples) => samples.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(problem) => {
            let at = format!("{name}, sample {line}");
            vec![Err(Error::Malformed { format: FORMAT, at, problem: problem.to_owned() })]
        }
    }))
}

fn sample<'a>(
    value: &Value<'a>,
    line: u64,
    metrics: &[(String, String)],
) -> Result<Vec<Sample<'a>>, &'static str> {
    let id = value.get("id").ok_or("it has no `id`")?;
    let id = id.string().unwrap_or_else(|| Cow::Owned(id.raw.to_owned()));
    let id = match value.get("epoch").and_then(whole) {
        Some(epoch) if epoch > 1 => Cow::Owned(format!("{id} (epoch {epoch})")),
        _ => id,
    };
    let target = value.get("target").ok_or("it has no `target`")?;
    let target = targets(target).ok_or("its `target` is no text and no list of texts")?;
    let completion = value.get("output").and_then(completion).ok_or("it has no `output.completion`")?;
    let request = Request {
        prompt: prompt(value).unwrap_or_else(|| Text::from("")),
        continuation: None,
        generation: None,
        responses: vec![Response::Text(completion)],
    };
    let whole = Sample {
        line,
        id,
        filter: Cow::Borrowed(""),
        doc: None,
        item: item(value, &target),
        target: Some(Text::from(target)),
        requests: vec![request],
        filtered: Vec::new(),
        scores: Vec::new(),
        hashes: Hashes::default(),
    };
    let scores = value.get("scores").map(Value::members).unwrap_or_default();
    Ok(scores.iter().map(|(name, score)| scored(&whole, name.get(), score, metrics)).collect())
}

/// The sample as one scorer saw it.
fn scored<'a>(
    whole: &Sample<'a>,
    scorer: Cow<'a, str>,
    score: &Value<'a>,
    metrics: &[(String, String)],
) -> Sample<'a> {
    let value = score.get("value").map(number);
    let named = metrics.iter().filter(|(filter, _)| *filter == scorer).map(|(_, metric)| metric.clone());
    let mut named: Vec<String> = named.collect();
    if named.is_empty() {
        named.push("accuracy".to_owned());
    }
    let answer = score.get("answer").and_then(Value::text).cloned();
    Sample {
        filter: scorer,
        filtered: answer.map(Response::Text).into_iter().collect(),
        scores: value
            .into_iter()
            .flat_map(|value| named.iter().map(move |name| (Cow::Owned(name.clone()), value.clone())))
            .collect(),
        ..whole.clone()
    }
}

/// A score as a number: Inspect writes C, P, I and N for right, partly, wrong and no answer.
fn number<'a>(value: &Value<'a>) -> Score<'a> {
    let of_word = value.string().and_then(|word| match word.as_ref() {
        "C" => Some(1.0),
        "P" => Some(0.5),
        "I" | "N" => Some(0.0),
        other => other.parse().ok(),
    });
    let known = match value.kind {
        Kind::Bool(truth) => Some(f64::from(u8::from(truth))),
        _ => value.number().or(of_word),
    };
    known.map_or_else(|| Score::Other(value.clone()), Score::Number)
}

fn targets(value: &Value<'_>) -> Option<String> {
    match &value.kind {
        Kind::Text(text) => Some(text.get().into_owned()),
        Kind::List(items) => {
            let texts: Option<Vec<_>> = items.iter().map(Value::string).collect();
            Some(texts?.join(&BETWEEN_TARGETS.to_string()))
        }
        _ => None,
    }
}

/// What the model said: the completion, or the first choice's message where old logs leave it out.
fn completion<'a>(output: &Value<'a>) -> Option<Text<'a>> {
    let message = || content(output.get("choices")?.items().first()?.get("message")?);
    output.get("completion").and_then(Value::text).cloned().or_else(message)
}

/// The text of a message: its content, or the texts among its parts.
fn content<'a>(message: &Value<'a>) -> Option<Text<'a>> {
    let content = message.get("content")?;
    if let Some(text) = content.text() {
        return Some(text.clone());
    }
    let parts = content.items().iter().filter_map(|part| part.get("text").and_then(Value::string));
    Some(Text::from(parts.collect::<Vec<_>>().join("\n")))
}

/// What the model was asked last.
fn prompt<'a>(value: &Value<'a>) -> Option<Text<'a>> {
    let is_user =
        |message: &&Value<'a>| message.get("role").and_then(Value::text).is_some_and(|role| role.is("user"));
    content(value.get("messages")?.items().iter().rfind(is_user)?)
}

fn item(value: &Value<'_>, target: &str) -> Option<Record> {
    let input = value.get("input")?;
    let question = input.string().map(Cow::into_owned);
    let question = question.or_else(|| Some(content(input.items().last()?)?.get().into_owned()))?;
    let choices = value.get("choices").map(Value::items).unwrap_or_default();
    let choices: Vec<String> = choices.iter().filter_map(Value::string).map(Cow::into_owned).collect();
    let answer = if choices.is_empty() {
        Answer::Open { gold: target.to_owned() }
    } else {
        let letters = target.split(BETWEEN_TARGETS).filter_map(|letter| letter.chars().next());
        let gold = letters.filter_map(|letter| (letter as usize).checked_sub('A' as usize)).collect();
        Answer::Choice { choices, gold }
    };
    Some(Record { context: None, question, answer })
}
