//! The rows of `samples_*.jsonl`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::super::{File, Hashes, Request, Response, Rows, Sample, Score};
use super::SAMPLES;
use crate::Error;
use crate::json::{Kind, Text, Value};

/// The rows of a file: JSON Lines, or one list as the first 0.4 versions wrote.
pub(super) fn of_file(file: File<'_>, filters: Vec<String>) -> Rows<'_> {
    let mut filters = Filters::new(filters);
    if file.first_byte() == Some(b'[') {
        return match file.parsed(SAMPLES) {
            Ok(Value { kind: Kind::List(items), .. }) => of_values(items, file.name, filters.names),
            Ok(_) => Box::new(std::iter::empty()),
            Err(err) => Box::new(std::iter::once(Err(err))),
        };
    }
    Box::new(file.lines(SAMPLES).map(move |line| {
        let (line, value) = line?;
        let is_named = filters.is_named(&value);
        let sample = sample(value, line).map_err(|problem| malformed(file.name, line, problem))?;
        Ok(if is_named { sample } else { filters.named(sample) })
    }))
}

/// Rows of the first 0.4 versions name no filter: an item that comes again stands under the next one that the task lists.
struct Filters {
    names: Vec<String>,
    seen: BTreeMap<String, usize>,
}

impl Filters {
    fn new(names: Vec<String>) -> Self {
        Self { names, seen: BTreeMap::new() }
    }

    /// Whether a row needs no name from here.
    fn is_named(&self, row: &Value<'_>) -> bool {
        self.names.is_empty() || row.get("filter").is_some()
    }

    fn named<'a>(&mut self, sample: Sample<'a>) -> Sample<'a> {
        let turn = self.seen.entry(sample.id.to_string()).or_default();
        let name = self.names.get(*turn).cloned();
        *turn += 1;
        Sample { filter: name.map_or(sample.filter, Cow::Owned), ..sample }
    }
}

/// Whether the first row names an item.
pub(super) fn reads_like(file: &File<'_>) -> bool {
    const FIRST_BYTES: usize = 1 << 20;
    let start = &file.bytes[..file.bytes.len().min(FIRST_BYTES)];
    let line = if file.first_byte() == Some(b'[') {
        start
    } else {
        start.split(|byte| *byte == b'\n').next().unwrap_or(start)
    };
    memchr::memmem::find(line, b"\"doc_id\"").is_some()
}

/// Rows that were read already.
pub(super) fn of_values<'a>(values: Vec<Value<'a>>, name: &'a str, filters: Vec<String>) -> Rows<'a> {
    let mut filters = Filters::new(filters);
    Box::new(values.into_iter().zip(1..).map(move |(value, row)| {
        let is_named = filters.is_named(&value);
        let sample = sample(value, row).map_err(|problem| malformed(name, row, problem))?;
        Ok(if is_named { sample } else { filters.named(sample) })
    }))
}

fn malformed(name: &str, line: u64, problem: &str) -> Error {
    Error::Malformed { format: SAMPLES, at: format!("{name}, line {line}"), problem: problem.to_owned() }
}

/// Every key that is no metric.
const KNOWN: [&str; 12] = [
    "doc_id",
    "doc",
    "target",
    "arguments",
    "resps",
    "filtered_resps",
    "filter",
    "metrics",
    "doc_hash",
    "prompt_hash",
    "target_hash",
    "task_name",
];

fn sample(mut value: Value<'_>, line: u64) -> Result<Sample<'_>, &'static str> {
    if !matches!(value.kind, Kind::Object(_)) {
        return Err("a sample must be one JSON object");
    }
    let doc = value.take("doc");
    let id = value.get("doc_id").ok_or("no field `doc_id`")?;
    let id = id.string().unwrap_or(Cow::Borrowed(id.raw));
    let hash = |key: &str| value.get(key).and_then(Value::string);
    let mut hashes =
        Hashes { doc: hash("doc_hash"), prompt: hash("prompt_hash"), target: hash("target_hash") };
    let target = value.get("target").map(|target| match (&target.kind, target.raw) {
        (Kind::Text(text), _) => text.clone(),
        (Kind::Number, raw) => Text::from(raw),
        (_, raw) => {
            // Hashed as Python prints it, which the log does not hold.
            hashes.target = None;
            Text::from(raw)
        }
    });
    let responses = value.get("resps").map_or(&[][..], Value::items);
    let requests = match value.get("arguments") {
        Some(arguments) => requests(arguments, responses)?,
        None => Vec::new(),
    };
    let filtered = value.get("filtered_resps").map_or(&[][..], Value::items).iter().map(response).collect();
    let filter = value.get("filter").and_then(Value::string).unwrap_or(Cow::Borrowed("none"));
    Ok(Sample {
        line,
        id,
        filter,
        doc,
        item: None,
        target,
        requests,
        filtered,
        scores: scores(&value),
        hashes,
    })
}

fn scores<'a>(value: &Value<'a>) -> Vec<(Cow<'a, str>, Score<'a>)> {
    let score = |value: &Value<'a>| match (value.number(), value.truth()) {
        (Some(number), _) => Score::Number(number),
        (None, Some(truth)) => Score::Number(f64::from(u8::from(truth))),
        (None, None) => Score::Other(value.clone()),
    };
    if let Some(metrics) = value.get("metrics") {
        let named = metrics.items().iter().filter_map(Value::string);
        return named.filter_map(|name| Some((name.clone(), score(value.get(&name)?)))).collect();
    }
    let others = value.members().iter().filter(|(key, _)| !KNOWN.iter().any(|known| key.is(known)));
    others.map(|(key, value)| (key.get(), score(value))).collect()
}

fn requests<'a>(arguments: &Value<'a>, responses: &[Value<'a>]) -> Result<Vec<Request<'a>>, &'static str> {
    let said = |idx: usize| {
        let given = responses.get(idx).map_or(&[][..], Value::items);
        given.iter().map(response).collect::<Vec<_>>()
    };
    match &arguments.kind {
        Kind::Object(calls) => {
            let argument =
                |call: &'_ Value<'a>, at: usize| call.members().get(at).map(|(_, value)| value.clone());
            let each = calls.iter().enumerate();
            each.map(|(idx, (_, call))| request(argument(call, 0), argument(call, 1), said(idx))).collect()
        }
        Kind::List(calls) => {
            let argument = |call: &'_ Value<'a>, at: usize| call.items().get(at).cloned();
            let each = calls.iter().enumerate();
            each.map(|(idx, call)| request(argument(call, 0), argument(call, 1), said(idx))).collect()
        }
        _ => Err("`arguments` must be an object or a list"),
    }
}

fn request<'a>(
    prompt: Option<Value<'a>>,
    second: Option<Value<'a>>,
    responses: Vec<Response<'a>>,
) -> Result<Request<'a>, &'static str> {
    let prompt = prompt.ok_or("a request without arguments")?;
    let prompt = match &prompt.kind {
        Kind::Text(text) => text.clone(),
        // A conversation is dumped as a list of one string.
        Kind::List(items) => match items.as_slice() {
            [Value { kind: Kind::Text(text), .. }] => text.clone(),
            _ => Text::from(prompt.raw),
        },
        _ => Text::from(prompt.raw),
    };
    let continuation = second.as_ref().and_then(|value| value.text().cloned());
    let generation = second.filter(|value| matches!(value.kind, Kind::Object(_)));
    Ok(Request { prompt, continuation, generation, responses })
}

/// A text, or a log-likelihood with its word on greediness, both as numbers or as Python prints them.
fn response<'a>(value: &Value<'a>) -> Response<'a> {
    match &value.kind {
        Kind::Text(text) => Response::Text(text.clone()),
        Kind::List(items) => likelihood(items).unwrap_or_else(|| Response::Other(value.clone())),
        _ => Response::Other(value.clone()),
    }
}

fn likelihood<'a>(items: &[Value<'a>]) -> Option<Response<'a>> {
    let [ln, greedy] = items else { return None };
    let ln = match ln.text() {
        Some(text) => text.get().parse().ok()?,
        None => ln.number()?,
    };
    let greedy = match (greedy.truth(), greedy.text()) {
        (Some(truth), _) => truth,
        (None, Some(text)) if text.is("True") => true,
        (None, Some(text)) if text.is("False") => false,
        _ => return None,
    };
    Some(Response::Likelihood { ln, greedy: Some(greedy) })
}
