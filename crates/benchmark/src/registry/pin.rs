//! How a pin is kept: one line of JSON that names the subsets and their digests, then the marks of all records as bytes.

use serde::{Deserialize, Serialize};
use stillmark_evidence::Digest;

use super::pinned::{MARK_BYTES, Mark, Naming, Pinned, PinnedSubset};
use crate::digest::{self, Roots};
use crate::record::Subset;

#[derive(Serialize, Deserialize)]
struct Head {
    schema: String,
    name: String,
    title: String,
    subsets: Vec<HeadSubset>,
}

#[derive(Serialize, Deserialize)]
struct HeadSubset {
    name: String,
    split: String,
    n: usize,
    strict: Digest,
    loose: Digest,
    order_free: Digest,
    gold_free: Digest,
}

const SCHEMA: &str = "stillmark-bench-registry/v1";

/// The pin of a benchmark.
pub fn pin(naming: &Naming, subsets: &[Subset]) -> Result<Vec<u8>, crate::Error> {
    let head_of = |subset: &Subset| {
        let Roots { strict, loose, order_free, gold_free } = digest::subset(subset).roots;
        let (name, split, n) = (subset.name.clone(), subset.split.clone(), subset.records.len());
        HeadSubset { name, split, n, strict, loose, order_free, gold_free }
    };
    let head = Head {
        schema: SCHEMA.to_owned(),
        name: naming.name.clone(),
        title: naming.title.clone(),
        subsets: subsets.iter().map(head_of).collect(),
    };
    let mut bytes = serde_json::to_vec(&head).map_err(|err| crate::Error::Malformed {
        format: SCHEMA,
        at: naming.name.clone(),
        problem: err.to_string(),
    })?;
    bytes.push(b'\n');
    for record in subsets.iter().flat_map(|subset| &subset.records) {
        Mark::of(record).write(&mut bytes);
    }
    Ok(bytes)
}

/// Reads a pin; none where it is not one.
pub(super) fn read(bytes: &[u8]) -> Option<Pinned> {
    let (head, marks) = halves(bytes)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let mut marks = marks.chunks_exact(MARK_BYTES).filter_map(Mark::read);
    let subsets: Vec<PinnedSubset> = head
        .subsets
        .into_iter()
        .map(|subset| {
            let HeadSubset { name, split, n, strict, loose, order_free, gold_free } = subset;
            let roots = Roots { strict, loose, order_free, gold_free };
            PinnedSubset { name, split, roots, marks: marks.by_ref().take(n).collect() }
        })
        .collect();
    (head.schema == SCHEMA).then(|| Pinned::new(Naming { name: head.name, title: head.title }, subsets))
}

/// How many of a pin's records are among these strict marks, which are sorted.
pub(super) fn count_strict(bytes: &[u8], sorted: &[[u8; 16]]) -> usize {
    let Some((_, marks)) = halves(bytes) else { return 0 };
    let strict = marks.chunks_exact(MARK_BYTES).filter_map(|mark| mark.first_chunk::<16>());
    let mut found: Vec<&[u8; 16]> = strict.filter(|mark| sorted.binary_search(mark).is_ok()).collect();
    found.sort_unstable();
    found.dedup();
    // A record that was looked at several times counts as often.
    sorted.iter().filter(|mark| found.binary_search(mark).is_ok()).count()
}

fn halves(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}
