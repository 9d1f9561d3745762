//! What the teacher is asked: the rows of the plan's sources, in an order that follows from the seed.

use std::path::Path;

use serde::Deserialize;

use stillmark_evidence::Digest;

use crate::plan::{Source, SourceAt, SourceKind};
use crate::{Error, Plan};

const QUICKSTART: &str = include_str!("../../prompts/quickstart.jsonl");
const HELD_OUT: &str = include_str!("../../prompts/held-out.jsonl");

/// One prompt or text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name in the dataset.
    pub id: String,
    /// The source it comes from.
    pub source: String,
    /// What it is.
    pub kind: SourceKind,
    /// Its text.
    pub text: String,
    /// Its place in the capture, which with the seed decides the draws.
    pub number: u64,
}

/// A source's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Digest of its bytes.
    pub sha256: String,
    /// Each row's id and text.
    pub rows: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    text: String,
}

/// The text of a file of prompts shipped with this crate.
pub fn built_in(name: &str) -> Option<&'static str> {
    match name {
        "quickstart" => Some(QUICKSTART),
        "held-out" => Some(HELD_OUT),
        _ => None,
    }
}

/// Reads every source of the plan; its files lie relative to `base`.
pub fn load(plan: &Plan, base: &Path) -> Result<Vec<Loaded>, Error> {
    plan.sources().iter().map(|source| load_one(source, base)).collect()
}

fn load_one(source: &Source, base: &Path) -> Result<Loaded, Error> {
    let (path, text) = match &source.at {
        SourceAt::BuiltIn(name) => (name.into(), built_in(name).unwrap_or_default().to_owned()),
        SourceAt::File(name) => {
            let path = base.join(name);
            let text = read_text(&path)?;
            (path, text)
        }
    };
    let mut rows = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fault = |detail: String| Error::Input { path: path.clone(), line: idx + 1, detail };
        let row: Row = serde_json::from_str(line).map_err(|error| fault(in_line(&error)))?;
        if row.text.trim().is_empty() {
            return Err(fault("the text is blank".to_owned()));
        }
        if !seen.insert(row.id.clone()) {
            return Err(fault(format!("the id `{}` stands twice", row.id)));
        }
        rows.push((row.id, row.text));
    }
    if rows.is_empty() {
        return Err(Error::Input { path, line: 0, detail: "holds no rows".to_owned() });
    }
    Ok(Loaded { sha256: Digest::of(text.as_bytes()).to_string(), rows })
}

/// What is wrong with one line of JSON: its number is said elsewhere.
fn in_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(what) => format!("{what} at column {}", error.column()),
        None => text,
    }
}

/// Reads a text file; the line is named where it is not UTF-8.
fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(Error::io(path))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].split(|byte| *byte == b'\n').count();
        Error::Input { path: path.to_owned(), line, detail: "is not UTF-8".to_owned() }
    })
}

/// What the teacher is asked, in order. Prompts that are asked for more often than they are there come again, to be answered
/// anew; texts do not.
pub fn items(plan: &Plan, loaded: &[Loaded]) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    for ((source, loaded), count) in plan.sources().iter().zip(loaded).zip(counts(plan, loaded)) {
        if source.kind == SourceKind::Texts && count > loaded.rows.len() {
            let detail =
                format!("source `{}` has {} texts, of {count} asked for", source.id, loaded.rows.len());
            return Err(Error::Plan { line: 0, detail });
        }
        let order = shuffled(loaded.rows.len(), plan.capture().seed);
        for nth in 0..count {
            let (id, text) = &loaded.rows[order[nth % order.len()]];
            let id = match nth / order.len() {
                0 => format!("{}/{id}", source.id),
                again => format!("{}/{id}#{}", source.id, again + 1),
            };
            items.push(Item {
                id,
                source: source.id.clone(),
                kind: source.kind,
                text: text.clone(),
                number: 0,
            });
        }
    }
    let order = shuffled(items.len(), plan.capture().seed ^ 0x5EED);
    let mut ordered: Vec<Item> = order.into_iter().map(|at| items[at].clone()).collect();
    for (number, item) in ordered.iter_mut().enumerate() {
        item.number = number as u64;
    }
    Ok(ordered)
}

/// How many records each source gives: its share of them, rounded by the largest remainder.
fn counts(plan: &Plan, loaded: &[Loaded]) -> Vec<usize> {
    let Some(records) = plan.capture().records else {
        return loaded.iter().map(|loaded| loaded.rows.len()).collect();
    };
    let exact: Vec<f64> = plan.sources().iter().map(|source| source.share * records as f64).collect();
    let mut counts: Vec<usize> = exact.iter().map(|count| count.floor() as usize).collect();
    let mut by_remainder: Vec<usize> = (0..exact.len()).collect();
    by_remainder.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
    let missing = records.saturating_sub(counts.iter().sum());
    for at in by_remainder.into_iter().cycle().take(missing) {
        counts[at] += 1;
    }
    counts
}

/// The numbers below `n` in an order that follows from the seed (Fisher and Yates, by splitmix64).
fn shuffled(n: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut state = seed;
    for idx in (1..n).rev() {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        let at = ((u128::from(bits) * (idx as u128 + 1)) >> 64) as usize;
        order.swap(idx, at);
    }
    order
}
