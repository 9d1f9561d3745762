//! The digests that pin a benchmark: RFC 6962 trees over canonical records.

use serde::Serialize;
use stillmark_evidence::Digest;
use stillmark_ledger::tree::{Hash, Tree, leaf_hash};

use crate::record::{Record, Subset, View};

/// The four digests of a subset or of a whole benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Roots {
    /// Over the records as they are.
    pub strict: Digest,
    /// Over the records without what differs between encodings: equal where only the encoding differs.
    pub loose: Digest,
    /// Over the records in the order of their hashes: equal where only the order differs.
    pub order_free: Digest,
    /// Over the records without what is right: equal where only golds differ.
    pub gold_free: Digest,
}

/// The hashes of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// As it is.
    pub strict: Digest,
    /// Without what differs between encodings.
    pub loose: Digest,
    /// Without what is right.
    pub gold_free: Digest,
}

/// A subset with its digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubsetDigest {
    /// Its name.
    pub name: String,
    /// Which part of the dataset.
    pub split: String,
    /// One for each record, in the dataset's order.
    pub leaves: Vec<Leaf>,
    /// The digests over them.
    pub roots: Roots,
}

/// The hash of one record in one view.
pub fn leaf(record: &Record, view: View) -> Digest {
    let mut bytes = vec![0];
    record.write(view, &mut bytes);
    Digest::of(&bytes)
}

/// The digests of a subset.
pub fn subset(subset: &Subset) -> SubsetDigest {
    let [mut bytes, mut gold_free, mut loose] = [const { Vec::new() }; 3];
    let records = subset.records.iter();
    let leaves: Vec<Leaf> = records
        .map(|record| {
            // The zero byte before an entry stands in the buffer: one piece is hashed faster than two.
            for buffer in [&mut bytes, &mut gold_free, &mut loose] {
                buffer.clear();
                buffer.push(0);
            }
            record.write_both(&mut bytes, &mut gold_free);
            let strict = Digest::of(&bytes);
            let loose = if record.is_plain() {
                strict
            } else {
                record.write(View::Loose, &mut loose);
                Digest::of(&loose)
            };
            Leaf { strict, loose, gold_free: Digest::of(&gold_free) }
        })
        .collect();
    let mut sorted: Vec<Digest> = leaves.iter().map(|leaf| leaf.strict).collect();
    sorted.sort_unstable();
    let roots = Roots {
        strict: root(leaves.iter().map(|leaf| leaf.strict)),
        loose: root(leaves.iter().map(|leaf| leaf.loose)),
        order_free: root(sorted.into_iter()),
        gold_free: root(leaves.iter().map(|leaf| leaf.gold_free)),
    };
    SubsetDigest { name: subset.name.clone(), split: subset.split.clone(), leaves, roots }
}

/// What a benchmark's digests take from one subset: its name, its split, how many records, the digests.
pub type Part<'a> = (&'a str, &'a str, usize, &'a Roots);

/// The digests of a whole benchmark, whatever the order of its subsets.
pub fn bench<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> Roots {
    let mut parts: Vec<Part<'a>> = parts.into_iter().collect();
    parts.sort_by_key(|(name, split, n, roots)| (*name, *split, *n, roots.strict));
    let over = |pick: fn(&Roots) -> Digest| {
        root(parts.iter().map(|(name, split, n, roots)| of(leaf_hash(&entry(name, split, *n, pick(roots))))))
    };
    Roots {
        strict: over(|roots| roots.strict),
        loose: over(|roots| roots.loose),
        order_free: over(|roots| roots.order_free),
        gold_free: over(|roots| roots.gold_free),
    }
}

impl SubsetDigest {
    /// This subset as a part of its benchmark.
    pub fn part(&self) -> Part<'_> {
        (&self.name, &self.split, self.leaves.len(), &self.roots)
    }
}

/// The canonical JSON of a subset's entry in the benchmark's tree.
fn entry(name: &str, split: &str, n: usize, root: Digest) -> Vec<u8> {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    format!("{{\"n\":{n},\"name\":{},\"root\":\"{root}\",\"split\":{}}}", text(name), text(split))
        .into_bytes()
}

fn root(leaves: impl Iterator<Item = Digest>) -> Digest {
    let mut tree = Tree::default();
    leaves.for_each(|leaf| tree.push(Hash(*leaf.as_bytes())));
    of(tree.root())
}

fn of(hash: Hash) -> Digest {
    Digest::from_bytes(hash.0)
}
