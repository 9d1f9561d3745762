//! What a search says of each item.

use std::collections::BTreeSet;

use super::index::Index;
use super::reader::{Place, Tally};

/// How many places are named for an item.
const PLACES: usize = 3;

/// What was found of one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The item, in the order in which they were put in.
    pub item: usize,
    /// Its words.
    pub words: usize,
    /// Its runs.
    pub runs: usize,
    /// How many of them the corpus holds.
    pub runs_found: usize,
    /// How many of its words lie in a run that the corpus holds.
    pub words_covered: usize,
    /// The longest stretch of such words, one behind the other.
    pub longest: usize,
    /// How often its most frequent run was seen.
    pub most_seen: u64,
    /// Where its runs were first seen, one place a line.
    pub places: Vec<Place>,
}

impl Found {
    /// Whether the corpus holds any run of the item.
    pub fn is_hit(&self) -> bool {
        self.runs_found > 0
    }

    /// The share of its runs that the corpus holds.
    pub fn share(&self) -> f64 {
        if self.runs == 0 { 0.0 } else { self.runs_found as f64 / self.runs as f64 }
    }
}

/// What was found of every item, in their order.
pub fn found<'a>(index: &'a Index, tally: &'a Tally) -> impl Iterator<Item = Found> + 'a {
    let tags = Tags::of(index, tally);
    (0..index.items()).map(move |item| of_item(index, tally, &tags, item))
}

/// Which tags the runs found may have: most items have none of them, and are done with by that.
struct Tags {
    bits: Vec<u64>,
}

impl Tags {
    /// Tags are told apart by so many of their upper bits.
    const BITS: u32 = 22;

    fn of(index: &Index, tally: &Tally) -> Self {
        let mut bits = vec![0; 1 << (Self::BITS - 6)];
        for number in tally.runs.keys() {
            let tag = index.tag(*number as usize) >> (u32::BITS - Self::BITS);
            bits[tag as usize / 64] |= 1 << (tag % 64);
        }
        Self { bits }
    }

    fn may_hold(&self, tag: u32) -> bool {
        let tag = tag >> (u32::BITS - Self::BITS);
        self.bits[tag as usize / 64] >> (tag % 64) & 1 == 1
    }
}

fn of_item(index: &Index, tally: &Tally, tags: &Tags, item: usize) -> Found {
    let runs = index.grams_of(item, &|tag| tags.may_hold(tag));
    let words = index.words_of(item);
    let mut found = Found {
        item,
        words,
        runs: runs.as_ref().map_or_else(|count| *count, Vec::len),
        runs_found: 0,
        words_covered: 0,
        longest: 0,
        most_seen: 0,
        places: Vec::new(),
    };
    let Ok(runs) = runs else { return found };
    let mut covered = vec![false; words];
    let mut places = BTreeSet::new();
    for run in runs {
        if let Some(&(count, place)) = tally.runs.get(&(run.number as u32)) {
            found.runs_found += 1;
            found.most_seen = found.most_seen.max(count);
            covered[run.first..run.first + run.length].fill(true);
            places.insert(place);
        }
    }
    found.words_covered = covered.iter().filter(|&&word| word).count();
    found.longest = covered.split(|&word| !word).map(<[bool]>::len).max().unwrap_or(0);
    let mut lines = BTreeSet::new();
    found.places =
        places.into_iter().filter(|place| lines.insert((place.file, place.line))).take(PLACES).collect();
    found
}
