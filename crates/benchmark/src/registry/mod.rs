//! The public benchmarks, known by their digests.
//!
//! A pin holds no item of a benchmark, only hashes: the digests of every subset, and a [`Mark`] for each record in its order. So whoever has no
//! copy of a benchmark can still tell whether a row belongs to it, whether only its gold or its encoding was changed, and which rows are missing.

mod against;
mod pin;
mod pinned;

use std::sync::OnceLock;

pub use against::{Against, Counts, Departure, Match};
pub use pin::pin;
pub use pinned::{Coverage, Found, Mark, Naming, Pinned, PinnedSubset, Place, Standing};

use crate::record::Subset;

/// A pin that is built in, and what it was read into.
struct Entry {
    name: &'static str,
    bytes: &'static [u8],
    pinned: OnceLock<Option<Pinned>>,
}

macro_rules! entries {
    ($($name:literal),+ $(,)?) => {
        [$(Entry { name: $name, bytes: include_bytes!(concat!("../../registry/", $name, ".pin")), pinned: OnceLock::new() }),+]
    };
}

static ENTRIES: [Entry; 11] = entries![
    "arc_challenge",
    "arc_easy",
    "bbh",
    "gsm8k",
    "gsm8k-train",
    "hellaswag",
    "humaneval",
    "mmlu",
    "mmlu-dev",
    "truthfulqa",
    "truthfulqa-2025",
];

/// The names of the benchmarks that are pinned.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.iter().map(|entry| entry.name)
}

/// The benchmark of a name.
pub fn find(name: &str) -> Option<&'static Pinned> {
    let entry = ENTRIES.iter().find(|entry| entry.name == name)?;
    entry.pinned.get_or_init(|| pin::read(entry.bytes)).as_ref()
}

/// The benchmark that a task of the field's harnesses asks, and the place of its subset: `mmlu_anatomy`, `truthfulqa_mc2`,
/// `bbh_zeroshot_snarks`, `gsm8k_cot`.
pub fn of_task(task: &str) -> Option<(&'static Pinned, usize)> {
    let task = task.to_ascii_lowercase().replace('-', "_");
    let of = |benchmark: &str, subset: &str| {
        let pinned = find(benchmark)?;
        Some((pinned, pinned.subset(subset)?))
    };
    if let Some(subject) = task.strip_prefix("mmlu_").or_else(|| task.strip_prefix("hendryckstest_")) {
        return of("mmlu", ending_of("mmlu", subject)?);
    }
    if let Some(rest) = task.strip_prefix("bbh_") {
        return of("bbh", ending_of("bbh", rest)?);
    }
    if let Some(rest) = task.strip_prefix("truthfulqa_") {
        return of("truthfulqa", ["mc1", "mc2"].into_iter().find(|part| rest.starts_with(part))?);
    }
    let single = ["arc_challenge", "arc_easy", "gsm8k", "hellaswag", "humaneval"];
    let name = single.into_iter().find(|name| task == *name || task.starts_with(&format!("{name}_")))?;
    of(name, name)
}

/// The subset whose name a task's name ends with (or, before a suffix of its own, begins with): the longest one.
fn ending_of(benchmark: &str, rest: &str) -> Option<&'static str> {
    let subsets = find(benchmark)?.subsets().iter().map(|subset| subset.name.as_str());
    let is_part = |name: &&str| {
        rest == *name || rest.ends_with(&format!("_{name}")) || rest.starts_with(&format!("{name}_"))
    };
    subsets.filter(is_part).max_by_key(|name| name.len())
}

/// The pinned benchmark that most records of a copy belong to, if they are more than half of those that were looked at.
pub fn recognize(subsets: &[Subset]) -> Option<&'static Pinned> {
    const LOOKED_AT: usize = 200;
    let total: usize = subsets.iter().map(|subset| subset.records.len()).sum();
    let every = total.div_ceil(LOOKED_AT).max(1);
    let looked_at = subsets.iter().flat_map(|subset| &subset.records).step_by(every);
    let mut strict: Vec<[u8; 16]> = looked_at.map(|record| Mark::of(record).strict).collect();
    let n_looked_at = strict.len();
    strict.sort_unstable();
    let hits = |entry: &Entry| pin::count_strict(entry.bytes, &strict);
    let (most, entry) = ENTRIES.iter().map(|entry| (hits(entry), entry)).max_by_key(|(hits, _)| *hits)?;
    (n_looked_at < most * 2).then(|| find(entry.name))?
}

/// Pins a copy that somebody has, so that rows can be held against it.
pub fn of_copy(subsets: &[Subset]) -> Result<Pinned, crate::Error> {
    let name = "the given copy".to_owned();
    let bytes = pin(&Naming { title: name.clone(), name }, subsets)?;
    pin::read(&bytes).ok_or_else(|| crate::Error::Malformed {
        format: "copy of a benchmark",
        at: subsets.first().map(|subset| subset.name.clone()).unwrap_or_default(),
        problem: "it could not be pinned: please report this".to_owned(),
    })
}
