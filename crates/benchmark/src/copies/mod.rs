//! Benchmarks as they lie about: JSON Lines, CSV, Parquet, one file a subset.
//!
//! [`read`] takes the files of a copy and gives its subsets; [`record_of_doc`] gives the record of one document as harnesses log it. What is
//! damaged is read as far as it makes sense, and a note says so: nothing is guessed in silence.

mod csv;
pub(crate) mod details;
mod doc;
mod golds;
mod hellaswag;
pub mod json;
mod layout;
mod literal;
mod names;
mod parquet;
mod rows;
mod table;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::Error;
use crate::record::{Record, Subset};

pub use doc::{Fault, record_of_doc};
pub use golds::Spelling;
pub use hellaswag::{capitalized, shown};
pub use json::Json;
pub use text::LARGEST_BYTES;

/// One file of a copy.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its path with the folders that matter: `mmlu/test/anatomy_test.csv`.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// A copy of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Its subsets, in the order of their first rows.
    pub subsets: Vec<Subset>,
    /// What had to be read in another way than its format says.
    pub notes: Vec<Note>,
}

/// Something that had to be read in another way than its format says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The file.
    pub file: String,
    /// The line, from 1; in Parquet the row.
    pub line: usize,
    /// The subset, where it is about one row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subset: Option<String>,
    /// The place of the row's record in its subset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// What kind of note it is.
    pub kind: NoteKind,
    /// What was found.
    pub detail: String,
}

/// Kinds of notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// About a whole file: an encoding, a missing header.
    File,
    /// A row was read in another way than the format says, and makes sense so.
    #[serde(rename = "repaired-row")]
    Repaired,
    /// A row makes no sense in any way; its record holds what could be read.
    #[serde(rename = "damaged-row")]
    Damaged,
}

/// A record on its way into a subset.
#[derive(Debug)]
struct Item {
    subset: String,
    record: Record,
    line: usize,
    state: Option<(NoteKind, String)>,
}

/// What one file holds.
#[derive(Debug, Default)]
struct Contents {
    items: Vec<Item>,
    note: Option<(usize, String)>,
}

/// Reads the files of a copy, in their order.
pub fn read(sources: &[Source<'_>]) -> Result<Copy, Error> {
    let mut copy = Copy { subsets: Vec::new(), notes: Vec::new() };
    let mut places: BTreeMap<(String, String), usize> = BTreeMap::new();
    for source in sources {
        let contents = contents(source)?;
        let (name, split) = names::of(source.name);
        let file = || source.name.to_owned();
        if let Some((line, detail)) = contents.note {
            copy.notes.push(Note {
                file: file(),
                line,
                subset: None,
                index: None,
                kind: NoteKind::File,
                detail,
            });
        }
        for item in contents.items {
            let named = if item.subset.is_empty() { name.clone() } else { item.subset };
            let subset = subset_of(&mut copy.subsets, &mut places, &named, &split);
            if let Some((kind, detail)) = item.state {
                let (subset, index) = (Some(named), Some(subset.records.len()));
                copy.notes.push(Note { file: file(), line: item.line, subset, index, kind, detail });
            }
            subset.records.push(item.record);
        }
    }
    if copy.subsets.is_empty() {
        let at = sources.first().map_or("it", |source| source.name);
        return Err(text::malformed("benchmark copy", at, "holds no rows".to_owned()));
    }
    Ok(copy)
}

fn subset_of<'s>(
    subsets: &'s mut Vec<Subset>,
    places: &mut BTreeMap<(String, String), usize>,
    name: &str,
    split: &str,
) -> &'s mut Subset {
    let key = (name.to_owned(), split.to_owned());
    let idx = *places.entry(key).or_insert_with(|| {
        subsets.push(Subset { name: name.to_owned(), split: split.to_owned(), records: Vec::new() });
        subsets.len() - 1
    });
    &mut subsets[idx]
}

fn contents(source: &Source<'_>) -> Result<Contents, Error> {
    let bytes = text::inflated(source.name, source.bytes)?;
    if bytes.starts_with(b"PAR1") {
        return parquet::contents(source.name, &bytes);
    }
    let decoded = text::decoded(source.name, &bytes)?;
    let start = decoded.text.trim_start().as_bytes().first();
    let mut contents = match start {
        None => return Err(text::malformed("benchmark copy", source.name, "is empty".to_owned())),
        Some(b'{' | b'[') => rows::json(source.name, &decoded.text)?,
        Some(_) if rows::is_six_lines(&decoded.text) => rows::six_lines(source.name, &decoded.text)?,
        Some(_) => table::contents(source.name, &decoded.text)?,
    };
    if let Some((line, what)) = decoded.note {
        contents.note = Some((line, what.to_owned()));
    }
    Ok(contents)
}
