//! How alike two records are, and which records are worth comparing.

use std::collections::BTreeMap;

use crate::record::{Answer, Record, loose};

/// How alike rows must be to be one that was edited.
pub(super) const ALIKE: f64 = 0.3;

/// How alike they must be where they stand at the same place.
pub(super) const ALIKE_IN_PLACE: f64 = 0.2;

/// Letters a shingle.
const WIDTH: usize = 5;

/// Shingles that are kept of a record to find it by.
const KEPT: usize = 24;

/// A shingle that more records share than this finds nothing.
const COMMON: usize = 64;

/// Records that are compared in full.
const COMPARED: usize = 4;

/// The share of shingles that two records have in common: the larger of that of the whole and that of the question.
pub(super) fn likeness(a: &Record, b: &Record) -> f64 {
    let whole = jaccard(&shingles(a), &shingles(b));
    if whole >= ALIKE {
        return whole;
    }
    let question = jaccard(&cut(&loose(&a.question)), &cut(&loose(&b.question)));
    whole.max(question * 0.9)
}

fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0_usize);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => (i, j, both) = (i + 1, j + 1, both + 1),
        }
    }
    let either = a.len() + b.len() - both;
    if either == 0 { 0.0 } else { both as f64 / either as f64 }
}

/// All shingles of a record, sorted, each once.
fn shingles(record: &Record) -> Vec<u64> {
    let mut text = loose(&record.question).into_owned();
    let rest: Vec<&str> = match &record.answer {
        Answer::Choice { choices, .. } | Answer::Labels { choices, .. } => {
            choices.iter().map(String::as_str).collect()
        }
        Answer::Open { gold } => vec![gold],
        Answer::Code { test, .. } => vec![test],
    };
    for part in rest {
        text.push(' ');
        text.push_str(&loose(part));
    }
    cut(&text)
}

fn cut(text: &str) -> Vec<u64> {
    let lower = text.to_lowercase();
    let bytes = lower.as_bytes();
    let mut shingles: Vec<u64> =
        if bytes.len() < WIDTH { vec![mixed(bytes)] } else { bytes.windows(WIDTH).map(mixed).collect() };
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// A number for a few bytes in which all bits depend on all bytes.
fn mixed(bytes: &[u8]) -> u64 {
    let packed = bytes.iter().fold(bytes.len() as u64, |packed, byte| packed << 8 | u64::from(*byte));
    let once = (packed ^ (packed >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (once ^ (once >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Records by a few of their shingles: always the smallest ones, so that like records keep like ones.
pub(super) struct Sketches {
    holders: BTreeMap<u64, Vec<u32>>,
}

impl Sketches {
    pub(super) fn of(records: &[&Record]) -> Self {
        let mut holders: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        for (idx, record) in records.iter().enumerate() {
            for shingle in shingles(record).into_iter().take(KEPT) {
                let held = holders.entry(shingle).or_default();
                if held.len() <= COMMON {
                    held.push(idx as u32);
                }
            }
        }
        Self { holders }
    }

    /// The records that share most of the kept shingles.
    pub(super) fn candidates(&self, record: &Record) -> Vec<usize> {
        let mut shared: BTreeMap<u32, usize> = BTreeMap::new();
        for shingle in shingles(record).into_iter().take(KEPT * 2) {
            let held = self.holders.get(&shingle).filter(|held| held.len() <= COMMON);
            for idx in held.into_iter().flatten() {
                *shared.entry(*idx).or_default() += 1;
            }
        }
        let mut ranked: Vec<(usize, u32)> = shared.into_iter().map(|(idx, times)| (times, idx)).collect();
        ranked.sort_unstable_by(|(one, a), (other, b)| other.cmp(one).then(a.cmp(b)));
        ranked.into_iter().take(COMPARED).map(|(_, idx)| idx as usize).collect()
    }
}
