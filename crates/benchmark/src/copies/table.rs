//! Tables of text: which columns they have, and what their rows hold.

use std::borrow::Cow;

use super::csv::{Row, Shape, State, Table};
use super::doc;
use super::golds::{self, Votes};
use super::json::{Field, Json};
use super::layout::{self, Choices, Layout};
use super::rows::{told, told_spelling};
use super::text::malformed;
use super::{Contents, Item, NoteKind};
use crate::Error;

/// The columns of a table.
struct Columns<'a> {
    names: Vec<Cow<'a, str>>,
    layout: Layout,
    subject: Option<usize>,
}

/// What a table holds.
pub(super) fn contents(name: &str, text: &str) -> Result<Contents, Error> {
    let separator = separator(text);
    let (first, rest) = Table::new(text, separator).header();
    let (columns, mut table, is_headed) = match headed(&first) {
        Some(columns) => (columns, rest, true),
        None => (unheaded(name, &first)?, Table::new(text, separator), false),
    };
    let width = columns.names.len();
    let fits = |cells: &[Cow<'_, str>]| makes_sense(&columns.layout, cells);
    let is_telling = matches!(columns.layout, Layout::Choice { choices: Choices::Fields(_), .. });
    let shape = Shape { width, fits: &fits, is_telling };
    let mut rows = Vec::new();
    while let Some(row) = table.next(&shape) {
        rows.push(row);
    }
    let mut contents = items(name, &columns, rows)?;
    if !is_headed {
        contents.note =
            Some((1, "has no header: its columns were read as question, choices, answer".to_owned()));
    }
    Ok(contents)
}

/// The separator that the first line holds most of.
fn separator(text: &str) -> u8 {
    let line = text.trim_start().lines().next().unwrap_or_default();
    let count = |separator: u8| line.bytes().filter(|byte| *byte == separator).count();
    [b',', b'\t', b';'].into_iter().rev().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

fn headed<'a>(first: &[Cow<'a, str>]) -> Option<Columns<'a>> {
    if !first.iter().any(|cell| layout::is_column_name(cell)) {
        return None;
    }
    let keys: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
    let layout = layout::hellaswag(&keys).or_else(|| layout::of(&keys))?;
    Some(Columns { names: first.to_vec(), layout, subject: layout::subject(&keys) })
}

/// The columns of a table without a header, as MMLU's authors keep it: a question, choices, the letter of the right one.
fn unheaded<'a>(name: &str, first: &[Cow<'a, str>]) -> Result<Columns<'a>, Error> {
    let n_choices = first.len().saturating_sub(2);
    let choices: Vec<String> =
        first.iter().skip(1).take(n_choices).map(|cell| cell.as_ref().to_owned()).collect();
    let gold = first.last().map(|cell| Json::Text(Cow::Borrowed(cell.as_ref())));
    if n_choices < 2 || gold.is_none_or(|gold| golds::index(&gold, &choices).is_none()) {
        let found: Vec<String> = first.iter().take(8).map(|cell| format!("`{}`", shortened(cell))).collect();
        let problem = format!(
            "its first line, {}, is neither a header with `question` and `answer` nor a row of question, choices, answer",
            found.join(", ")
        );
        return Err(malformed("CSV", &format!("{name}, line 1"), problem));
    }
    let choice = |idx: usize| Cow::Owned(format!("choice{idx}"));
    let names: Vec<Cow<'_, str>> = std::iter::once(Cow::Borrowed("question"))
        .chain((0..n_choices).map(choice))
        .chain([Cow::Borrowed("answer")])
        .collect();
    let places = Choices::Fields((1..=n_choices).collect());
    let layout = Layout::Choice { question: 0, choices: places, gold: n_choices + 1, context: None };
    Ok(Columns { names, layout, subject: None })
}

fn shortened(text: &str) -> String {
    text.chars().take(30).collect()
}

/// Whether cells are a row: their gold names one of their choices, all of which say something.
fn makes_sense(layout: &Layout, cells: &[Cow<'_, str>]) -> bool {
    let Layout::Choice { choices: Choices::Fields(places), gold, question, .. } = layout else { return true };
    let cell = |idx: usize| cells.get(idx).map(AsRef::as_ref).unwrap_or_default();
    let choices: Vec<String> = places.iter().map(|idx| cell(*idx).to_owned()).collect();
    let gold = Json::Text(Cow::Borrowed(cell(*gold)));
    !cell(*question).trim().is_empty() && golds::index(&gold, &choices).is_some()
}

fn items(name: &str, columns: &Columns<'_>, rows: Vec<Row<'_>>) -> Result<Contents, Error> {
    let mut votes = Votes::default();
    let rows: Vec<(usize, State, Vec<Field<'_>>)> = rows
        .into_iter()
        .map(|row| {
            let names = columns.names.iter().map(|name| Cow::Borrowed(name.as_ref()));
            let fields: Vec<Field<'_>> = names.zip(row.cells.into_iter().map(Json::Text)).collect();
            doc::vote(&columns.layout, &fields, &mut votes);
            (row.line, row.state, fields)
        })
        .collect();
    let spelling = votes.winner();
    let mut contents = Contents { items: Vec::with_capacity(rows.len()), note: told_spelling(spelling) };
    let mut n_senseless = 0;
    for (line, state, fields) in rows {
        let subject = columns.subject.and_then(|idx| fields[idx].1.text()).unwrap_or_default().to_owned();
        let mut state = match state {
            State::Sound => None,
            State::Repaired(how) => Some((NoteKind::Repaired, how.to_owned())),
            State::Damaged(what) => Some((NoteKind::Damaged, what.to_owned())),
        };
        let records = match doc::records(&columns.layout, &fields, spelling) {
            Ok(records) => records,
            Err(fault) => {
                let wrong = || malformed("CSV", &format!("{name}, line {line}"), told(&fault));
                let record = doc::remains(&columns.layout, &fields).ok_or_else(wrong)?;
                state = state.or_else(|| Some((NoteKind::Damaged, told(&fault))));
                n_senseless += 1;
                vec![("", record)]
            }
        };
        for (part, record) in records {
            let subset = if part.is_empty() { subject.clone() } else { part.to_owned() };
            contents.items.push(Item { subset, record, line, state: state.clone() });
        }
    }
    if n_senseless > 0 && n_senseless == contents.items.len() {
        let problem = "no row names the right one of its choices".to_owned();
        return Err(malformed("CSV", name, problem));
    }
    Ok(contents)
}
