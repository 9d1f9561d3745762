//! `stillmark benchmark diff A B`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use stillmark_benchmark::Record;
use stillmark_benchmark::copies::{Copy, Note};
use stillmark_benchmark::diff::{self as compared, Class, Diff, Place};
use stillmark_evidence::Digest;

use super::{columns, copies};
use crate::exit::ExitStatus;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `benchmark diff` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark benchmark diff mmlu/test downloaded.parquet\n\n\
                        Exit code 0 where every row is identical, 1 where one is not.")]
pub(crate) struct Args {
    /// The copy that is known
    a: PathBuf,
    /// The copy that is compared with it
    b: PathBuf,
    /// How many rows are shown (all are in the JSON answer)
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit: usize,
    /// List identical rows too
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: &'static str,
    verdict: &'static str,
    digests: Digests,
    counts: BTreeMap<&'static str, usize>,
    rows: Vec<Row<'a>>,
    notes: Notes<'a>,
}

#[derive(Serialize)]
struct Digests {
    strict: Both,
    loose: Both,
    order_free: Both,
    gold_free: Both,
}

#[derive(Serialize)]
struct Both {
    a: Digest,
    b: Digest,
    equal: bool,
}

#[derive(Serialize)]
struct Notes<'a> {
    a: &'a [Note],
    b: &'a [Note],
}

#[derive(Serialize)]
struct Row<'a> {
    class: Class,
    classes: &'a [Class],
    subset: &'a str,
    index_a: Option<usize>,
    index_b: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subset_b: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    text_a: Option<Value>,
    text_b: Option<Value>,
}

/// Compares two copies.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let a = copies::read(std::slice::from_ref(&args.a), session.talk)?;
    let b = copies::read(std::slice::from_ref(&args.b), session.talk)?;
    let found = compared::diff(&a, &b);
    let shown = |row: &&compared::Row| args.all || row.classes != [Class::Identical];
    if session.is_json() {
        let rows = found.rows.iter().filter(shown).map(|row| row_of(row, &a, &b));
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        session.answer(&answer(&found, rows, [&a, &b]), String::new)?;
    } else {
        session.answer(&(), || told(&found, [&a, &b], args))?;
    }
    Ok(if found.is_identical() { ExitStatus::Done } else { ExitStatus::Negative })
}

fn answer<'a>(found: &Diff, rows: Vec<Row<'a>>, [a, b]: [&'a Copy; 2]) -> Answer<'a> {
    let both = |a: Digest, b: Digest| Both { a, b, equal: a == b };
    Answer {
        schema: "stillmark/benchmark-diff/v1",
        verdict: verdict(found),
        digests: Digests {
            strict: both(found.a.strict, found.b.strict),
            loose: both(found.a.loose, found.b.loose),
            order_free: both(found.a.order_free, found.b.order_free),
            gold_free: both(found.a.gold_free, found.b.gold_free),
        },
        counts: found.counts.iter().map(|(class, count)| (class.code(), *count)).collect(),
        rows,
        notes: Notes { a: &a.notes, b: &b.notes },
    }
}

fn verdict(found: &Diff) -> &'static str {
    if found.is_identical() { "identical" } else { "differs" }
}

fn record(copy: &Copy, place: Option<Place>) -> Option<&Record> {
    let place = place?;
    copy.subsets.get(place.subset)?.records.get(place.index)
}

fn subset(copy: &Copy, place: Option<Place>) -> Option<&str> {
    copy.subsets.get(place?.subset).map(|subset| subset.name.as_str())
}

fn row_of<'a>(row: &'a compared::Row, a: &'a Copy, b: &'a Copy) -> Result<Row<'a>, Problem> {
    let (named_a, named_b) = (subset(a, row.a), subset(b, row.b));
    let class = row.classes.first().copied().unwrap_or(Class::Identical);
    let text = |record: Option<&Record>| record.filter(|_| class != Class::Identical).map(json).transpose();
    Ok(Row {
        class,
        classes: &row.classes,
        subset: named_a.or(named_b).unwrap_or_default(),
        index_a: row.a.map(|place| place.index),
        index_b: row.b.map(|place| place.index),
        subset_b: named_b.filter(|name| named_a.is_some_and(|other| other != *name)),
        note: row.note.as_deref(),
        text_a: text(record(a, row.a))?,
        text_b: text(record(b, row.b))?,
    })
}

/// The canonical JSON of a record.
fn json(record: &Record) -> Result<Value, Problem> {
    serde_json::from_slice(&record.canonical())
        .map_err(|err| Problem::new("a record could not be written").cause(err.to_string()))
}

fn told(found: &Diff, [a, b]: [&Copy; 2], args: &Args) -> String {
    let (n_a, n_b) = (rows_of(a), rows_of(b));
    let mut lines = vec![format!("{}: {n_a} rows, {n_b} rows", verdict(found))];
    let counts = found.counts.iter().filter(|(_, count)| **count > 0);
    lines.extend(counts.map(|(class, count)| format!("  {:<17} {count:>7}", class.code())));
    for (name, a, b) in [
        ("strict", found.a.strict, found.b.strict),
        ("loose", found.a.loose, found.b.loose),
        ("order-free", found.a.order_free, found.b.order_free),
        ("gold-free", found.a.gold_free, found.b.gold_free),
    ] {
        let word = if a == b { "equal" } else { "differs" };
        lines.push(format!("  {name:<11} {word:<8} {:.16}…  {:.16}…", a.to_string(), b.to_string()));
    }
    let mut rows: Vec<&compared::Row> =
        found.rows.iter().filter(|row| args.all || row.classes != [Class::Identical]).collect();
    rows.sort_by_key(|row| row.classes.first().copied());
    for row in rows.iter().take(args.limit) {
        lines.push(String::new());
        lines.push(heading(row, a, b));
        lines.extend(columns::beside(record(a, row.a), record(b, row.b)));
    }
    if rows.len() > args.limit {
        lines.push(format!("\n… {} more: --limit shows more, --format json all", rows.len() - args.limit));
    }
    lines.join("\n")
}

fn rows_of(copy: &Copy) -> usize {
    copy.subsets.iter().map(|subset| subset.records.len()).sum()
}

fn heading(row: &compared::Row, a: &Copy, b: &Copy) -> String {
    let classes: Vec<&str> = row.classes.iter().map(|class| class.code()).collect();
    let place = |copy: &Copy, place: Option<Place>| match (subset(copy, place), place) {
        (Some(""), Some(place)) => format!("row {}", place.index),
        (Some(name), Some(place)) => format!("{name} row {}", place.index),
        _ => "nowhere".to_owned(),
    };
    let note = row.note.as_deref().map(|note| format!("\n  {note}")).unwrap_or_default();
    format!("{}: {} -> {}{note}", classes.join(", "), place(a, row.a), place(b, row.b))
}
