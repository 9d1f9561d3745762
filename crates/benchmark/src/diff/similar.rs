//! How alike two records are, and which records are worth comparing.

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

/// The shingles of a record, taken once and compared often.
#[derive(Debug)]
pub(super) struct Shape {
    /// Of the question and what may be answered.
    whole: Vec<u32>,
    /// Of the question alone.
    question: Vec<u32>,
}

impl Shape {
    pub(super) fn of(record: &Record) -> Self {
        Self { whole: shingles(record), question: cut(&loose(&record.question)) }
    }

    /// The share of shingles that two records have in common: the larger of that of the whole and that of the question.
    pub(super) fn likeness(&self, other: &Self) -> f64 {
        let whole = jaccard(&self.whole, &other.whole);
        if whole >= ALIKE { whole } else { whole.max(jaccard(&self.question, &other.question) * 0.9) }
    }
}

fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0_usize);
    while i < a.len() && j < b.len() {
        // Which list goes on hangs on chance: without branches nothing is guessed wrong.
        let (one, other) = (a[i], b[j]);
        both += usize::from(one == other);
        i += usize::from(one <= other);
        j += usize::from(other <= one);
    }
    let either = a.len() + b.len() - both;
    if either == 0 { 0.0 } else { both as f64 / either as f64 }
}

/// All shingles of a record, sorted, each once.
fn shingles(record: &Record) -> Vec<u32> {
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

fn cut(text: &str) -> Vec<u32> {
    let lower = text.to_lowercase();
    let bytes = lower.as_bytes();
    let mut shingles: Vec<u32> =
        if bytes.len() < WIDTH { vec![mixed(bytes)] } else { bytes.windows(WIDTH).map(mixed).collect() };
    shingles.sort_unstable();
    shingles.dedup();
    shingles
}

/// A number for a few bytes in which all bits depend on all bytes.
fn mixed(bytes: &[u8]) -> u32 {
    let packed = bytes.iter().fold(bytes.len() as u64, |packed, byte| packed << 8 | u64::from(*byte));
    let once = (packed ^ (packed >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((once ^ (once >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as u32
}

/// Records by a few of their shingles: always the smallest ones, so that like records keep like ones.
pub(super) struct Sketches {
    /// Each shingle that is kept, with the number of a record that holds it; sorted.
    holders: Vec<(u32, u32)>,
}

impl Sketches {
    pub(super) fn of(shapes: &[Shape]) -> Self {
        let mut holders = Vec::new();
        for (shape, idx) in shapes.iter().zip(0..) {
            holders.extend(shape.whole.iter().take(KEPT).map(|shingle| (*shingle, idx)));
        }
        holders.sort_unstable();
        Self { holders }
    }

    /// The records that share most of the kept shingles.
    pub(super) fn candidates(&self, shape: &Shape) -> Vec<usize> {
        let mut shared: Vec<u32> = Vec::new();
        for shingle in shape.whole.iter().take(KEPT * 2) {
            let from = self.holders.partition_point(|(known, _)| known < shingle);
            let held = self.holders[from..].iter().take_while(|(known, _)| known == shingle);
            let few = held.clone().nth(COMMON).is_none();
            shared.extend(held.filter(|_| few).map(|(_, idx)| *idx));
        }
        shared.sort_unstable();
        let mut ranked: Vec<(usize, u32)> =
            shared.chunk_by(|one, next| one == next).map(|same| (same.len(), same[0])).collect();
        ranked.sort_unstable_by(|(one, a), (other, b)| other.cmp(one).then(a.cmp(b)));
        ranked.into_iter().take(COMPARED).map(|(_, idx)| idx as usize).collect()
    }
}
