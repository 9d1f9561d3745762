//! JSON Lines of questions and answers: the records of openai/evals, and what scripts around chat interfaces write.

use std::borrow::Cow;

use super::{About, Claim, File, Harness, Hashes, Log, Request, Response, Rows, Run, Sample, Score};
use crate::json::{Kind, Text, Value};
use crate::{Answer, Error, Record};

/// What this reader calls itself in errors.
const FORMAT: &str = "OpenAI-style log";

/// Names under which scripts keep what was asked, said and right.
const PROMPT: [&str; 5] = ["prompt", "question", "input", "messages", "problem"];
const SAID: [&str; 8] =
    ["response", "completion", "sampled", "output", "answer", "generation", "prediction", "model_output"];
const RIGHT: [&str; 8] =
    ["expected", "target", "gold", "ideal", "correct_answer", "reference", "label", "ground_truth"];
const SCORE: [&str; 5] = ["score", "correct", "is_correct", "accuracy", "passed"];
const NAME: [&str; 5] = ["id", "sample_id", "custom_id", "task_id", "index"];

/// Whether the first line of a file is one of such a log.
pub fn is_ours(file: &File<'_>) -> bool {
    let is_one = |value: &Value<'_>| {
        is_record(value) || (first(value, &SAID).is_some() && first(value, &RIGHT).is_some())
    };
    file.is_json_lines() && matches!(file.lines(FORMAT).next(), Some(Ok((_, value))) if is_one(&value))
}

/// Whether it is a record of openai/evals.
fn is_record(value: &Value<'_>) -> bool {
    value.get("spec").is_some_and(|spec| spec.get("eval_name").is_some() || spec.get("run_id").is_some())
        || (value.get("run_id").is_some() && value.get("event_id").is_some())
}

fn first<'v, 'a>(value: &'v Value<'a>, names: &[&str]) -> Option<&'v Value<'a>> {
    names.iter().find_map(|name| value.get(name)).filter(|value| value.raw != "null")
}

/// Reads a log.
pub fn read(file: File<'_>) -> Result<Run<'_>, Error> {
    let mut about = About::new(Harness::OpenAi, stem(file.name));
    about.samples_file = Some(file.name.to_owned());
    let mut is_records = false;
    for line in file.lines(FORMAT) {
        let (_, value) = line?;
        is_records |= is_record(&value);
        if let Some(spec) = value.get("spec") {
            let words = |key: &str| spec.get(key).and_then(Value::string).map(Cow::into_owned);
            about.task = words("eval_name").or_else(|| words("base_eval")).unwrap_or(about.task);
            let model = spec.get("completion_fns").and_then(|all| all.items().first()?.string());
            about.model = model.map(Cow::into_owned);
        }
        if let Some(report) = value.get("final_report") {
            about.results_file = Some(file.name.to_owned());
            about.claims = claims(report);
        }
        if !is_records {
            break;
        }
    }
    let kind = if is_records { of_record } else { of_line };
    Ok(Run { logs: vec![Log { about, rows: Some(rows(file, kind)) }], groups: Vec::new() })
}

fn stem(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.strip_suffix(".jsonl").unwrap_or(base).to_owned()
}

fn claims(report: &Value<'_>) -> Vec<Claim> {
    let value = report.get("accuracy").or_else(|| report.get("score")).and_then(Value::number);
    let claim =
        |value| Claim { metric: "accuracy".to_owned(), filter: "none".to_owned(), value, stderr: None };
    value.map(claim).into_iter().collect()
}

/// What of a line becomes a sample; `None` where it is none.
type Reading = for<'a> fn(&Value<'a>, u64) -> Result<Option<Sample<'a>>, &'static str>;

fn rows(file: File<'_>, reading: Reading) -> Rows<'_> {
    let name = file.name.to_owned();
    Box::new(file.lines(FORMAT).filter_map(move |line| {
        let (line, value) = match line {
            Ok(read) => read,
            Err(err) => return Some(Err(err)),
        };
        reading(&value, line).transpose().map(|read| {
            read.map_err(|problem| Error::Malformed {
                format: FORMAT,
                at: format!("{name}, line {line}"),
                problem: problem.to_owned(),
            })
        })
    }))
}

/// A `match` event of openai/evals; other events are passed over.
fn of_record<'a>(value: &Value<'a>, line: u64) -> Result<Option<Sample<'a>>, &'static str> {
    if !value.get("type").and_then(Value::text).is_some_and(|kind| kind.is("match")) {
        return Ok(None);
    }
    let data = value.get("data").ok_or("the event has no `data`")?;
    let id = value.get("sample_id").and_then(Value::string).ok_or("the event has no `sample_id`")?;
    let said = data.get("sampled").or_else(|| data.get("picked")).ok_or("the event has no `sampled`")?;
    let right = data.get("expected").ok_or("the event has no `expected`")?;
    Ok(Some(sample((line, id), None, (said, right), data.get("correct"))))
}

fn of_line<'a>(value: &Value<'a>, line: u64) -> Result<Option<Sample<'a>>, &'static str> {
    if !matches!(value.kind, Kind::Object(_)) {
        return Err("it is no object");
    }
    let said = first(value, &SAID).ok_or("it holds no answer: `response`, `completion`, `output` …")?;
    let right = first(value, &RIGHT)
        .ok_or("it does not say what is right: `expected`, `target`, `gold`, `ideal` …")?;
    let id = first(value, &NAME).map_or_else(|| Cow::Owned((line - 1).to_string()), plain);
    Ok(Some(sample((line, id), first(value, &PROMPT), (said, right), first(value, &SCORE))))
}

/// A string itself, anything else as it is spelled.
fn plain<'a>(value: &Value<'a>) -> Cow<'a, str> {
    value.string().unwrap_or(Cow::Borrowed(value.raw))
}

/// A text, or the one text of a list.
fn text<'a>(value: &Value<'a>) -> Text<'a> {
    match value.items() {
        [one] => Text::Plain(plain(one)),
        _ => value.text().cloned().unwrap_or(Text::Plain(Cow::Borrowed(value.raw))),
    }
}

fn sample<'a>(
    (line, id): (u64, Cow<'a, str>),
    prompt: Option<&Value<'a>>,
    (said, right): (&Value<'a>, &Value<'a>),
    score: Option<&Value<'a>>,
) -> Sample<'a> {
    let target = text(right);
    let value = score.map(|score| match score.kind {
        Kind::Bool(truth) => Score::Number(f64::from(u8::from(truth))),
        _ => score.number().map_or_else(|| Score::Other(score.clone()), Score::Number),
    });
    let item = prompt.map(|prompt| Record {
        context: None,
        question: asked(prompt).into_owned(),
        answer: Answer::Open { gold: target.get().into_owned() },
    });
    Sample {
        line,
        id,
        filter: Cow::Borrowed("none"),
        doc: None,
        item,
        target: Some(target),
        requests: vec![Request {
            prompt: Text::Plain(prompt.map(asked).unwrap_or_default()),
            continuation: None,
            generation: None,
            responses: vec![Response::Text(text(said))],
        }],
        filtered: Vec::new(),
        scores: value.map(|value| (Cow::Borrowed("accuracy"), value)).into_iter().collect(),
        hashes: Hashes::default(),
    }
}

/// The question: a text, or the content of the last message of a list.
fn asked<'a>(prompt: &Value<'a>) -> Cow<'a, str> {
    let last = prompt.items().last().and_then(|message| message.get("content")).and_then(Value::string);
    last.unwrap_or_else(|| plain(prompt))
}
