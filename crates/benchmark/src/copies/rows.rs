//! Rows of JSON, and HellaSwag's six lines an item.

use super::doc;
use super::golds::{Spelling, Votes};
use super::json::{Field, Json};
use super::layout::{self, Layout};
use super::text::malformed;
use super::{Contents, Item, NoteKind};
use crate::Error;
use crate::record::{Answer, Record};

/// The keys under which whole documents keep their rows.
const WRAPPERS: [&str; 6] = ["examples", "data", "rows", "questions", "instances", "items"];

/// A row, and the line or the place at which it stands.
pub(super) type Placed<'a> = (usize, Vec<Field<'a>>);

/// The rows of a JSON document or of JSON Lines.
pub(super) fn json(name: &str, text: &str) -> Result<Contents, Error> {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let is_lines =
        first.starts_with('{') && Json::parse(first).is_ok() && text.trim().len() > first.trim().len();
    let rows = if is_lines { lines(name, text)? } else { document(name, text)? };
    items(name, "JSON", rows)
}

fn lines<'a>(name: &str, text: &'a str) -> Result<Vec<Placed<'a>>, Error> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let rows = lines.map(|(idx, line)| {
        let at = || format!("{name}, line {}", idx + 1);
        let row = Json::parse(line).map_err(|err| malformed("JSON Lines", &at(), without_line(&err)))?;
        row_of(row).map(|fields| (idx + 1, fields)).map_err(|problem| malformed("JSON Lines", &at(), problem))
    });
    rows.collect()
}

fn without_line(err: &serde_json::Error) -> String {
    let message = err.to_string();
    let what = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
    format!("{what}, at column {}", err.column())
}

fn document<'a>(name: &str, text: &'a str) -> Result<Vec<Placed<'a>>, Error> {
    let value = Json::parse(text).map_err(|err| malformed("JSON", name, err.to_string()))?;
    let items = match value {
        Json::List(items) => items,
        Json::Object(mut fields) => {
            let wrapper = fields.iter().position(|(key, value)| {
                WRAPPERS.contains(&key.as_ref()) && matches!(value.items(), Some([Json::Object(_), ..]))
            });
            match wrapper.map(|idx| fields.swap_remove(idx).1) {
                Some(Json::List(items)) => items,
                _ => vec![Json::Object(fields)],
            }
        }
        other => return Err(malformed("JSON", name, format!("holds {}, no rows", other.kind()))),
    };
    let rows = items.into_iter().enumerate().map(|(idx, item)| {
        let at = || format!("{name}, row {}", idx + 1);
        row_of(item).map(|fields| (idx + 1, fields)).map_err(|problem| malformed("JSON", &at(), problem))
    });
    rows.collect()
}

/// The fields of a row; a row may be wrapped as `row` (a dataset's viewer) or `doc` (a harness's samples).
fn row_of(value: Json<'_>) -> Result<Vec<Field<'_>>, String> {
    let kind = value.kind();
    let Json::Object(mut fields) = value else { return Err(format!("must be an object, it is {kind}")) };
    let has = |name: &str| fields.iter().any(|(key, _)| key == name);
    let wrapper = match () {
        () if has("row_idx") => "row",
        () if has("doc_id") => "doc",
        () => return Ok(fields),
    };
    let inner = fields.iter().position(|(key, value)| key == wrapper && value.fields().is_some());
    match inner.map(|idx| fields.swap_remove(idx).1) {
        Some(Json::Object(inner)) => Ok(inner),
        _ => Ok(fields),
    }
}

/// The layouts of rows, found once for rows that have the same fields.
#[derive(Default)]
struct Layouts {
    keys: Vec<String>,
    found: Option<(Layout, Option<usize>)>,
}

impl Layouts {
    fn of(&mut self, fields: &[Field<'_>]) -> Result<(&Layout, Option<usize>), doc::Fault> {
        let is_same = self.keys.len() == fields.len()
            && self.keys.iter().zip(fields).all(|(known, (key, _))| known.as_str() == key.as_ref());
        let known = self.found.take().filter(|_| is_same);
        let found = if let Some(found) = known {
            found
        } else {
            self.keys = fields.iter().map(|(key, _)| key.as_ref().to_owned()).collect();
            let keys: Vec<&str> = self.keys.iter().map(String::as_str).collect();
            (doc::layout_of(fields)?, layout::subject(&keys))
        };
        let (layout, subject) = self.found.insert(found);
        Ok((layout, *subject))
    }
}

/// Makes items of rows.
pub(super) fn items(name: &str, format: &'static str, rows: Vec<Placed<'_>>) -> Result<Contents, Error> {
    let mut layouts = Layouts::default();
    let mut votes = Votes::default();
    let wrong = |line: usize, fault: &doc::Fault| {
        let field = if fault.field.is_empty() { String::new() } else { format!(", `{}`", fault.field) };
        malformed(format, &format!("{name}, row {line}{field}"), fault.problem.clone())
    };
    for (line, fields) in &rows {
        let (layout, _) = layouts.of(fields).map_err(|fault| wrong(*line, &fault))?;
        doc::vote(layout, fields, &mut votes);
    }
    let spelling = votes.winner();
    let mut contents = Contents::default();
    let mut first_fault = None;
    for (line, fields) in rows {
        let (layout, subject) = layouts.of(&fields).map_err(|fault| wrong(line, &fault))?;
        let subject = subject.and_then(|idx| fields[idx].1.text()).unwrap_or_default().to_owned();
        match doc::records(layout, &fields, spelling) {
            Ok(records) => contents.items.extend(records.into_iter().map(|(part, record)| Item {
                subset: if part.is_empty() { subject.clone() } else { part.to_owned() },
                record,
                line,
                state: None,
            })),
            Err(fault) => {
                let record = doc::remains(layout, &fields).ok_or_else(|| wrong(line, &fault))?;
                let state = Some((NoteKind::Damaged, told(&fault)));
                contents.items.push(Item { subset: subject, record, line, state });
                first_fault.get_or_insert((line, fault));
            }
        }
    }
    match first_fault {
        Some((line, fault)) if contents.items.iter().all(|item| item.state.is_some()) => {
            Err(wrong(line, &fault))
        }
        _ => {
            contents.note = told_spelling(spelling);
            Ok(contents)
        }
    }
}

/// What a fault says of a row.
pub(super) fn told(fault: &doc::Fault) -> String {
    if fault.field.is_empty() {
        fault.problem.clone()
    } else {
        format!("`{}`: {}", fault.field, fault.problem)
    }
}

/// Only a spelling that could be mistaken for another is told.
pub(super) fn told_spelling(spelling: Option<Spelling>) -> Option<(usize, String)> {
    let is_odd = spelling == Some(Spelling::FromOne);
    is_odd.then(|| (1, "its answers were read as counted from 1".to_owned()))
}

/// Whether a text is HellaSwag's: a context, the number of the right ending, four endings, and so on.
pub(super) fn is_six_lines(text: &str) -> bool {
    let mut lines = text.lines();
    let (_, second) = (lines.next(), lines.next());
    second.is_some_and(|line| matches!(line.trim(), "0" | "1" | "2" | "3"))
        && text.lines().nth(7).is_none_or(|line| matches!(line.trim(), "0" | "1" | "2" | "3"))
        && text.lines().nth(5).is_some()
}

/// The items of HellaSwag's text.
pub(super) fn six_lines(name: &str, text: &str) -> Result<Contents, Error> {
    let lines: Vec<&str> = text.lines().collect();
    let mut contents = Contents::default();
    for (idx, group) in lines.chunks(6).enumerate() {
        let line = idx * 6 + 1;
        let wrong = |line: usize, problem: &str| {
            malformed("HellaSwag text", &format!("{name}, line {line}"), problem.to_owned())
        };
        let [question, gold, endings @ ..] = group else {
            return Err(wrong(line, "an item has six lines, this one has one"));
        };
        if endings.len() != 4 {
            return Err(wrong(
                line,
                "an item has six lines: a context, the right ending's number, four endings",
            ));
        }
        let gold = match gold.trim() {
            "0" => 0,
            "1" => 1,
            "2" => 2,
            "3" => 3,
            _ => return Err(wrong(line + 1, "the number of the right ending must be 0, 1, 2 or 3")),
        };
        let choices = endings.iter().map(|ending| (*ending).to_owned()).collect();
        let answer = Answer::Choice { choices, gold: vec![gold] };
        let record = Record { context: None, question: (*question).to_owned(), answer };
        contents.items.push(Item { subset: String::new(), record, line, state: None });
    }
    Ok(contents)
}
