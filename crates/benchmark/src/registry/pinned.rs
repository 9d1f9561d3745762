//! A pinned benchmark, and what it says about rows.

use crate::digest::{self, Roots};
use crate::record::{Record, View};

/// The bytes of one mark.
pub(super) const MARK_BYTES: usize = 40;

/// Shortened hashes of one record: enough to know it again, not enough to learn it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Of the record as it is.
    pub strict: [u8; 16],
    /// Of the record without what differs between encodings.
    pub loose: [u8; 8],
    /// The same without what is right.
    pub gold_free: [u8; 8],
    /// The same with its choices in any order.
    pub unordered: [u8; 8],
}

impl Mark {
    /// The mark of a record.
    pub fn of(record: &Record) -> Self {
        Self {
            strict: shortened(record, View::Strict),
            loose: shortened(record, View::Loose),
            gold_free: shortened(record, View::LooseGoldFree),
            unordered: shortened(record, View::Unordered),
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.strict);
        for part in [self.loose, self.gold_free, self.unordered] {
            out.extend_from_slice(&part);
        }
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let part = |from: usize| bytes.get(from..)?.first_chunk::<8>().copied();
        Some(Self {
            strict: *bytes.first_chunk()?,
            loose: part(16)?,
            gold_free: part(24)?,
            unordered: part(32)?,
        })
    }
}

fn shortened<const N: usize>(record: &Record, view: View) -> [u8; N] {
    let hash = digest::leaf(record, view);
    let mut out = [0; N];
    out.copy_from_slice(&hash.as_bytes()[..N]);
    out
}

/// What a pin is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The name by which it is found.
    pub name: String,
    /// Its full name, with version and part.
    pub title: String,
}

/// A benchmark by its hashes.
#[derive(Debug)]
pub struct Pinned {
    naming: Naming,
    subsets: Vec<PinnedSubset>,
    roots: Roots,
    strict: Index<16>,
    loose: Index<8>,
    gold_free: Index<8>,
    unordered: Index<8>,
}

/// One subset of a pinned benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedSubset {
    /// Its name.
    pub name: String,
    /// Which part of the dataset.
    pub split: String,
    /// Its digests.
    pub roots: Roots,
    /// The marks of its records, in the dataset's order.
    pub marks: Vec<Mark>,
}

/// Where a pinned benchmark holds a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The place of the subset among the benchmark's.
    pub subset: usize,
    /// The place of the record in the subset.
    pub index: usize,
}

/// How a row stands to a pinned benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It is a record of the benchmark.
    Genuine,
    /// It differs from one by its encoding only.
    Reencoded,
    /// It differs from one by the order of its choices; the same choice is right.
    ChoicesPermuted,
    /// It differs from one by what is right.
    GoldChanged,
    /// It is none, or one whose question or choices were edited.
    Unknown,
}

/// How a row stands to a pinned benchmark, and which records it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How it stands.
    pub standing: Standing,
    /// The records that it may be: more than one where the benchmark itself repeats.
    pub places: Vec<Place>,
}

/// Which records of a benchmark rows covered.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Records that no row is.
    pub missing: Vec<Place>,
    /// Rows beyond the benchmark's own multiplicity, by their place among the rows.
    pub repeated: Vec<usize>,
    /// Rows that are no record of the benchmark, by their place among the rows.
    pub unknown: Vec<usize>,
}

impl Pinned {
    pub(super) fn new(naming: Naming, subsets: Vec<PinnedSubset>) -> Self {
        let parts = subsets
            .iter()
            .map(|subset| (subset.name.as_str(), subset.split.as_str(), subset.marks.len(), &subset.roots));
        Self {
            roots: digest::bench(parts),
            strict: Index::of(&subsets, |mark| mark.strict),
            loose: Index::of(&subsets, |mark| mark.loose),
            gold_free: Index::of(&subsets, |mark| mark.gold_free),
            unordered: Index::of(&subsets, |mark| mark.unordered),
            naming,
            subsets,
        }
    }

    /// The name by which it is found.
    pub fn name(&self) -> &str {
        &self.naming.name
    }

    /// Its full name, with version and part.
    pub fn title(&self) -> &str {
        &self.naming.title
    }

    /// Its digests.
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// Its subsets.
    pub fn subsets(&self) -> &[PinnedSubset] {
        &self.subsets
    }

    /// How many records it has.
    pub fn n(&self) -> usize {
        self.subsets.iter().map(|subset| subset.marks.len()).sum()
    }

    /// The place of the subset of a name.
    pub fn subset(&self, name: &str) -> Option<usize> {
        self.subsets.iter().position(|subset| subset.name == name)
    }

    /// How a row stands to the whole benchmark.
    pub fn classify(&self, record: &Record) -> Found {
        self.standing(record, |_| true)
    }

    /// How a row stands to one subset.
    pub fn classify_in(&self, subset: usize, record: &Record) -> Found {
        self.standing(record, |place| place.subset == subset)
    }

    /// Whether a row is the record of that place, as it is.
    pub fn is_at(&self, place: Place, record: &Record) -> bool {
        let subset = self.subsets.get(place.subset);
        let mark = subset.and_then(|subset| subset.marks.get(place.index));
        mark.is_some_and(|mark| mark.strict == shortened(record, View::Strict))
    }

    fn standing(&self, record: &Record, is_meant: impl Fn(&Place) -> bool) -> Found {
        let found = |standing, places: &[Place]| {
            let places: Vec<Place> = places.iter().copied().filter(&is_meant).collect();
            (!places.is_empty()).then_some(Found { standing, places })
        };
        found(Standing::Genuine, self.strict.places(shortened(record, View::Strict)))
            .or_else(|| found(Standing::Reencoded, self.loose.places(shortened(record, View::Loose))))
            .or_else(|| {
                found(Standing::ChoicesPermuted, self.unordered.places(shortened(record, View::Unordered)))
            })
            .or_else(|| {
                found(Standing::GoldChanged, self.gold_free.places(shortened(record, View::LooseGoldFree)))
            })
            .unwrap_or(Found { standing: Standing::Unknown, places: Vec::new() })
    }

    /// Which records of a subset (of all of them where none is named) are covered by rows that were classed.
    pub fn coverage(&self, subset: Option<usize>, rows: &[Found]) -> Coverage {
        let mut is_covered: Vec<Vec<bool>> =
            self.subsets.iter().map(|subset| vec![false; subset.marks.len()]).collect();
        let mut coverage = Coverage::default();
        for (row, found) in rows.iter().enumerate() {
            let free = found.places.iter().find(|place| !is_covered[place.subset][place.index]);
            match free {
                Some(place) => is_covered[place.subset][place.index] = true,
                None if found.places.is_empty() => coverage.unknown.push(row),
                None => coverage.repeated.push(row),
            }
        }
        let asked = (0..self.subsets.len()).filter(|idx| subset.is_none_or(|subset| subset == *idx));
        coverage.missing = asked
            .flat_map(|subset| {
                let covered = is_covered[subset].iter().enumerate();
                covered.filter(|(_, is_covered)| !**is_covered).map(move |(index, _)| Place { subset, index })
            })
            .collect();
        coverage
    }
}

/// Records by one of their hashes.
#[derive(Debug)]
struct Index<const N: usize> {
    keys: Vec<[u8; N]>,
    places: Vec<Place>,
    /// Where the keys of each first number begin, a handful each.
    starts: Vec<u32>,
    /// By how much the first four bytes of a key are shifted to give that number.
    shift: u32,
}

impl<const N: usize> Index<N> {
    fn of(subsets: &[PinnedSubset], key: fn(&Mark) -> [u8; N]) -> Self {
        let all = subsets.iter().enumerate().flat_map(|(subset, pinned)| {
            pinned.marks.iter().enumerate().map(move |(index, mark)| (key(mark), Place { subset, index }))
        });
        let mut sorted: Vec<([u8; N], Place)> = all.collect();
        sorted.sort_unstable();
        let (keys, places): (Vec<[u8; N]>, Vec<Place>) = sorted.into_iter().unzip();
        let numbers = (keys.len() / 2).next_power_of_two().clamp(2, 1 << 16);
        let shift = u32::BITS - numbers.trailing_zeros();
        let mut starts = vec![0; numbers + 1];
        for key in &keys {
            starts[first(key, shift) + 1] += 1;
        }
        for at in 0..numbers {
            starts[at + 1] += starts[at];
        }
        Self { keys, places, starts, shift }
    }

    fn places(&self, key: [u8; N]) -> &[Place] {
        let number = first(&key, self.shift);
        let (from, to) = (self.starts[number] as usize, self.starts[number + 1] as usize);
        let start = from + self.keys[from..to].partition_point(|known| *known < key);
        let count = self.keys[start..].iter().take_while(|known| **known == key).count();
        &self.places[start..start + count]
    }
}

/// The first bits of a key.
fn first<const N: usize>(key: &[u8; N], shift: u32) -> usize {
    key.first_chunk::<4>().map_or(0, |bytes| u32::from_be_bytes(*bytes) >> shift) as usize
}
