//! What became of every row of a benchmark between two copies.
//!
//! Rows are paired first by their hashes, then by what was left alone (all but the gold, the question, the choices), then by likeness; every
//! pair is classed by what differs in it, and what is left over was dropped, added or duplicated.

mod class;
mod matching;
mod order;
mod similar;
mod units;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::copies::{Copy, NoteKind};
use crate::digest::{self, Roots, SubsetDigest};
use crate::record::Record;

pub use class::Class;

/// A row of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The place of its subset in the copy.
    pub subset: usize,
    /// Its place in the subset.
    pub index: usize,
}

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the first copy.
    pub a: Option<Place>,
    /// Where it stands in the second copy.
    pub b: Option<Place>,
    /// What became of it, the worst first.
    pub classes: Vec<Class>,
    /// What was said when it was read.
    pub note: Option<String>,
}

/// What became of every row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// The digests of the first copy.
    pub a: Roots,
    /// The digests of the second copy, its subsets named as in the first where they were paired.
    pub b: Roots,
    /// How many rows each class has; a row of several classes counts in each.
    pub counts: BTreeMap<Class, usize>,
    /// All rows: those of the first copy in its order, then those that only the second has.
    pub rows: Vec<Row>,
}

impl Diff {
    /// Whether every row is the same, at the same place.
    pub fn is_identical(&self) -> bool {
        self.rows.iter().all(|row| row.classes == [Class::Identical])
    }
}

/// Says what became of every row.
pub fn diff(a: &Copy, b: &Copy) -> Diff {
    let (digests_a, mut digests_b) = (digests(a), digests(b));
    let units = units::pair(&digests_a, &digests_b);
    // A pair bears the number of its subset in the first copy.
    for (digest, unit) in digests_b.iter_mut().zip(&units.of_b) {
        if let Some(twin) = unit.and_then(|unit| digests_a.get(unit)) {
            digest.name.clone_from(&twin.name);
            digest.split.clone_from(&twin.split);
        }
    }
    let sides = [side(a, &digests_a, &units.of_a), side(b, &digests_b, &units.of_b)];
    let matched = matching::pair(&sides[0], &sides[1]);
    let moved = order::moved(&sides[0], &sides[1], &matched.pairs);
    let rows = rows(&sides, &matched, &moved, &[oddly_read(a), oddly_read(b)]);
    let mut counts: BTreeMap<Class, usize> = Class::ALL.iter().map(|class| (*class, 0)).collect();
    for class in rows.iter().flat_map(|row| &row.classes) {
        *counts.entry(*class).or_default() += 1;
    }
    let roots = |digests: &[SubsetDigest]| digest::bench(digests.iter().map(SubsetDigest::part));
    Diff { a: roots(&digests_a), b: roots(&digests_b), counts, rows }
}

/// One copy, its rows in one list.
struct Side<'a> {
    rows: Vec<SideRow<'a>>,
}

/// A row of a copy with what it is paired by.
struct SideRow<'a> {
    place: Place,
    /// Which pair of subsets it belongs to; none where its subset has no twin.
    unit: Option<usize>,
    record: &'a Record,
    strict: [u8; 16],
}

fn digests(copy: &Copy) -> Vec<SubsetDigest> {
    copy.subsets.iter().map(digest::subset).collect()
}

fn side<'a>(copy: &'a Copy, digests: &[SubsetDigest], units: &[Option<usize>]) -> Side<'a> {
    let subsets = copy.subsets.iter().zip(digests).zip(units).enumerate();
    let rows = subsets.flat_map(|(subset, ((held, digest), unit))| {
        held.records.iter().zip(&digest.leaves).enumerate().map(move |(index, (record, leaf))| {
            let mut strict = [0; 16];
            strict.copy_from_slice(&leaf.strict.as_bytes()[..16]);
            SideRow { place: Place { subset, index }, unit: *unit, record, strict }
        })
    });
    Side { rows: rows.collect() }
}

/// What was said of rows when they were read.
type Oddly = BTreeMap<Place, String>;

fn oddly_read(copy: &Copy) -> Oddly {
    let notes = copy.notes.iter().filter(|note| note.kind != NoteKind::File);
    let names: BTreeMap<&str, usize> =
        copy.subsets.iter().enumerate().rev().map(|(idx, subset)| (subset.name.as_str(), idx)).collect();
    let placed = notes.filter_map(|note| {
        let subset = *names.get(note.subset.as_deref()?)?;
        let word = if note.kind == NoteKind::Repaired { "repaired" } else { "damaged" };
        let place = Place { subset, index: note.index? };
        Some((place, format!("{}, line {}: {word}: {}", note.file, note.line, note.detail)))
    });
    placed.collect()
}

fn rows(
    sides: &[Side<'_>; 2],
    matched: &matching::Matched,
    moved: &BTreeSet<usize>,
    oddly: &[Oddly; 2],
) -> Vec<Row> {
    let [side_a, side_b] = sides;
    let mut rows = Vec::with_capacity(side_a.rows.len());
    for (idx, a) in side_a.rows.iter().enumerate() {
        let Some(b) = matched.pairs[idx].map(|place| &side_b.rows[place]) else {
            let note = oddly[0].get(&a.place).cloned();
            rows.push(Row { a: Some(a.place), b: None, classes: vec![Class::Dropped], note });
            continue;
        };
        let note = oddly[1].get(&b.place).or_else(|| oddly[0].get(&a.place)).cloned();
        let mut classes = if a.strict == b.strict { Vec::new() } else { class::of(a.record, b.record) };
        if classes.is_empty() && note.is_some() {
            classes.push(Class::Reencoded);
        }
        if moved.contains(&idx) {
            classes.push(Class::Reordered);
        }
        if classes.is_empty() {
            classes.push(Class::Identical);
        }
        classes.sort_unstable();
        rows.push(Row { a: Some(a.place), b: Some(b.place), classes, note });
    }
    for (idx, b) in side_b.rows.iter().enumerate() {
        let class = match matched.of_b[idx] {
            matching::Fate::Paired => continue,
            matching::Fate::Duplicate => Class::Duplicated,
            matching::Fate::Alone => Class::Added,
        };
        rows.push(Row {
            a: None,
            b: Some(b.place),
            classes: vec![class],
            note: oddly[1].get(&b.place).cloned(),
        });
    }
    rows
}

impl Serialize for Class {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}
