//! The Merkle tree of RFC 6962, section 2.1, over SHA-256.

use crate::Refusal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::ops::Range;

/// A SHA-256 hash of a leaf, a node or a root.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

/// The hash of an entry: SHA-256 over a zero byte and the entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
}

/// The hash of an inner node: SHA-256 over a one byte and both children.
pub fn node_hash(left: Hash, right: Hash) -> Hash {
    // In one piece: three would be copied together first.
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Hash(Sha256::digest(bytes).into())
}

/// The root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// A growing tree that keeps the hash of every complete subtree.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// `levels[k][i]` covers the leaves `i << k .. (i + 1) << k`.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, Vec::len) as u64
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut carry = leaf;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let row = &mut self.levels[level];
            row.push(carry);
            if !row.len().is_multiple_of(2) {
                return;
            }
            carry = node_hash(row[row.len() - 2], row[row.len() - 1]);
        }
    }

    /// Drops all leaves from `size` on.
    pub fn truncate(&mut self, size: u64) {
        for (level, row) in self.levels.iter_mut().enumerate() {
            row.truncate((size >> level) as usize);
        }
    }

    /// The hash of the complete subtree number `index` of the given height, if it is complete.
    pub fn subtree(&self, height: usize, index: u64) -> Option<Hash> {
        self.levels.get(height)?.get(usize::try_from(index).ok()?).copied()
    }

    /// The root of the first `size` leaves, if there are as many.
    pub fn root_at(&self, size: u64) -> Option<Hash> {
        (size <= self.size()).then(|| self.range(0..size))
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        self.range(0..self.size())
    }

    /// The audit path of leaf `index` in the tree of the first `size` leaves (RFC 6962, 2.1.1).
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        let is_there = index < size && size <= self.size();
        is_there.then(|| inclusion_parts(index, size).into_iter().map(|part| self.range(part)).collect())
    }

    /// The consistency proof from the first `old` to the first `new` leaves (RFC 6962, 2.1.2).
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        let is_there = old <= new && new <= self.size();
        is_there.then(|| consistency_parts(old, new).into_iter().map(|part| self.range(part)).collect())
    }

    /// The hash over a range of leaves, which must be one that the recursion of RFC 6962 meets.
    fn range(&self, leaves: Range<u64>) -> Hash {
        join(subtrees(leaves).into_iter().map(|(height, index)| self.levels[height][index as usize]))
    }
}

/// The ranges of leaves whose hashes are the audit path of a leaf below `size`, from its sibling on.
pub(crate) fn inclusion_parts(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut parts = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            parts.push(middle..end);
            end = middle;
        } else {
            parts.push(start..middle);
            start = middle;
        }
    }
    parts.reverse();
    parts
}

/// The ranges of leaves whose hashes are the consistency proof from `old` to a `new` that is no smaller.
pub(crate) fn consistency_parts(old: u64, new: u64) -> Vec<Range<u64>> {
    let mut parts = Vec::new();
    if old == 0 || old == new {
        return parts;
    }
    let (mut start, mut end) = (0, new);
    while old != end {
        let middle = start + split(end - start);
        if old <= middle {
            parts.push(middle..end);
            end = middle;
        } else {
            parts.push(start..middle);
            start = middle;
        }
    }
    if start != 0 {
        parts.push(start..end);
    }
    parts.reverse();
    parts
}

/// The complete subtrees of a range that the recursion of RFC 6962 meets, as height and number: the largest first.
pub(crate) fn subtrees(leaves: Range<u64>) -> Vec<(usize, u64)> {
    let width = leaves.end - leaves.start;
    let mut start = leaves.start;
    let heights = (0..u64::BITS as usize).rev().filter(|height| width >> height & 1 == 1);
    let subtree = |height: usize| {
        let index = start >> height;
        start += 1 << height;
        (height, index)
    };
    heights.map(subtree).collect()
}

/// The hash over neighboring complete subtrees, the largest first.
pub(crate) fn join(subtrees: impl DoubleEndedIterator<Item = Hash>) -> Hash {
    subtrees.rev().reduce(|right, left| node_hash(left, right)).unwrap_or_else(empty_root)
}

/// The hash over `hashes`, whose number is a power of two.
pub(crate) fn complete(mut hashes: Vec<Hash>) -> Hash {
    let mut width = hashes.len();
    while width > 1 {
        width /= 2;
        for i in 0..width {
            hashes[i] = node_hash(hashes[2 * i], hashes[2 * i + 1]);
        }
    }
    hashes.first().copied().unwrap_or_else(empty_root)
}

/// Checks that `leaf` is the entry number `index` of the tree of `size` leaves with that `root`.
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash], root: Hash) -> Result<(), Refusal> {
    if index >= size {
        return Err(Refusal::NotInLog);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in path {
        if last == 0 {
            return Err(Refusal::NotInLog);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(*sibling, hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, *sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == root { Ok(()) } else { Err(Refusal::NotInLog) }
}

/// One tree head: how many leaves, and the root over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

/// Checks that the tree of `new` starts with the very leaves of the tree of `old`.
pub fn verify_consistency(old: Head, new: Head, path: &[Hash]) -> Result<(), Refusal> {
    if old.size > new.size {
        return Err(Refusal::Stale { found: new.size, known: old.size });
    }
    if old.size == new.size {
        return if path.is_empty() && old.root == new.root { Ok(()) } else { Err(Refusal::Inconsistent) };
    }
    if old.size == 0 {
        return if path.is_empty() { Ok(()) } else { Err(Refusal::Inconsistent) };
    }
    let mut hashes = path.iter().copied();
    let first = if old.size.is_power_of_two() { Some(old.root) } else { hashes.next() };
    let Some(first) = first else { return Err(Refusal::Inconsistent) };
    let shift = (old.size - 1).trailing_ones();
    let (mut node, mut last) = ((old.size - 1) >> shift, (new.size - 1) >> shift);
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in hashes {
        if last == 0 {
            return Err(Refusal::Inconsistent);
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, old_hash);
            new_hash = node_hash(sibling, new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    let agree = last == 0 && old_hash == old.root && new_hash == new.root;
    if agree { Ok(()) } else { Err(Refusal::Inconsistent) }
}

/// The largest power of two below `width` (which is at least 2).
fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}

impl Hash {
    /// Reads 64 hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let nibble = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?)).collect();
        if rest.is_empty() { bytes?.try_into().ok().map(Self) } else { None }
    }

    /// 64 hex digits.
    pub fn to_hex(&self) -> String {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    /// Reads the base64 form of checkpoints and proofs.
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

/// Base64, as checkpoints and proofs write it.
impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}
