//! A set of runs of tokens that have been seen, exact: a fingerprint finds the place, the tokens decide.

use std::ops::Range;

/// Places (in a list of tokens, or of sites) in an open table, each with the upper bits of its fingerprint.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The place plus one in the lower half, bits of the fingerprint in the upper; 0 is free.
    slots: Vec<u64>,
    shift: u32,
}

/// Mixes tokens into a fingerprint.
pub(super) fn hash(start: u64, tokens: &[u32]) -> u64 {
    let mut hash = start ^ 0x9E37_79B9_7F4A_7C15;
    for token in tokens {
        let product = u128::from(hash ^ u64::from(*token)) * 0xA076_1D64_78BD_642F;
        hash = (product >> 64) as u64 ^ product as u64;
    }
    hash
}

impl Seen {
    /// Forgets everything and makes room for `places`.
    pub(super) fn clear(&mut self, places: usize) {
        let slots = (2 * places).next_power_of_two().max(16);
        self.slots.clear();
        self.slots.resize(slots, 0);
        self.shift = 64 - slots.trailing_zeros();
    }

    /// Whether the run of tokens was not there yet; it is from now on.
    pub(super) fn insert(&mut self, tokens: &[u32], run: Range<usize>, len: usize) -> bool {
        let hash = hash(0, &tokens[run.clone()]);
        self.insert_by(hash, run.start, |a, b| tokens[a..a + len] == tokens[b..b + len])
    }

    /// Whether the run was not among the `last` places before; the table keeps the latest place of each run.
    pub(super) fn insert_within(&mut self, tokens: &[u32], run: Range<usize>, last: usize) -> bool {
        let len = run.len();
        let hash = hash(0, &tokens[run.clone()]);
        let slot = self.slot(hash, run.start, |a, b| tokens[a..a + len] == tokens[b..b + len]);
        let before = place(self.slots[slot]);
        self.slots[slot] = entry(hash, run.start);
        before.is_none_or(|before| run.start - before > last)
    }

    /// As [`Self::insert`], where `same` compares two places.
    pub(super) fn insert_by(&mut self, hash: u64, place: usize, same: impl Fn(usize, usize) -> bool) -> bool {
        let slot = self.slot(hash, place, same);
        let free = self.slots[slot] == 0;
        if free {
            self.slots[slot] = entry(hash, place);
        }
        free
    }

    /// The slot of the run at `place`, or the free one where it belongs.
    fn slot(&self, hash: u64, at: usize, same: impl Fn(usize, usize) -> bool) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = (hash >> self.shift) as usize & mask;
        loop {
            let found = self.slots[slot];
            match place(found) {
                None => return slot,
                Some(other) if found >> 32 == entry(hash, 0) >> 32 && same(other, at) => return slot,
                Some(_) => slot = (slot + 1) & mask,
            }
        }
    }
}

fn entry(hash: u64, place: usize) -> u64 {
    (hash << 32) | (place as u64 + 1)
}

fn place(slot: u64) -> Option<usize> {
    ((slot & 0xffff_ffff) as usize).checked_sub(1)
}
