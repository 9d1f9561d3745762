//! Where to find what bears a hash: an open table that grows, and a small filter in front of one.

const EMPTY: u32 = u32::MAX;

/// A table from the upper half of a hash to numbers; several may bear the same.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// The upper half of the hash, and the number.
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { slots: vec![(0, EMPTY); 16], used: 0 }
    }

    /// How many slots there are; slot numbers lie below.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The upper half of the hash of what a slot holds.
    pub(super) fn tag(&self, slot: usize) -> u32 {
        self.slots.get(slot).map_or(0, |slot| slot.0)
    }

    /// How many numbers are in it.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.slots.len() * size_of::<(u32, u32)>()
    }

    /// The first number that bears the hash and is the one looked for, with its slot.
    pub(super) fn find(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<(usize, u32)> {
        let tag = (hash >> 32) as u32;
        let mut at = self.home(tag);
        loop {
            let (found, number) = self.slots[at];
            if number == EMPTY {
                return None;
            }
            if found == tag && is_it(number) {
                return Some((at, number));
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Whether something may bear the hash, by one look.
    #[inline]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        self.slots[self.home((hash >> 32) as u32)].1 != EMPTY
    }

    /// Puts in one more; whether it is there already is the caller's to ask.
    pub(super) fn insert(&mut self, hash: u64, number: u32) {
        if (self.used + 1) * 4 > self.slots.len() * 3 {
            let slots = vec![(0, EMPTY); self.slots.len() * 2];
            let before = std::mem::replace(&mut self.slots, slots);
            before
                .into_iter()
                .filter(|&(_, number)| number != EMPTY)
                .for_each(|(tag, number)| self.put(tag, number));
        }
        self.used += 1;
        self.put((hash >> 32) as u32, number);
    }

    /// Replaces the number in a slot that [`find`](Self::find) named.
    pub(super) fn replace(&mut self, slot: usize, number: u32) {
        self.slots[slot].1 = number;
    }

    fn put(&mut self, tag: u32, number: u32) {
        let mut at = self.home(tag);
        while self.slots[at].1 != EMPTY {
            at = (at + 1) & (self.slots.len() - 1);
        }
        self.slots[at] = (tag, number);
    }

    /// The slot where a hash is looked for first: its uppermost bits, so that a grown table needs no hash but the kept half.
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.slots.len() as u64) >> 32) as usize
    }
}

/// The words of the largest filter: half a megabyte, which stays in a core's second cache.
const FILTER_WORDS: usize = 1 << 16;

/// A filter that lets through every hash that was put in, and few others: three bits in one word.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    words: Box<[u64]>,
    shift: u32,
}

impl Filter {
    /// A filter for so many hashes, with some sixteen bits for each where it stays small enough.
    pub(super) fn new(hashes: usize) -> Self {
        let words = (hashes / 4).next_power_of_two().clamp(64, FILTER_WORDS);
        Self { words: vec![0; words].into(), shift: 64 - words.trailing_zeros() }
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.words.len() * 8
    }

    pub(super) fn insert(&mut self, hash: u64) {
        let at = (hash >> self.shift) as usize;
        self.words[at] |= bits(hash);
    }

    /// Adds which of these hashes may have been put in. No branch depends on what is found, so that many look-ups are under
    /// way at once.
    pub(super) fn select(&self, hashes: &[u64], out: &mut Vec<u32>) {
        let before = out.len();
        out.resize(before + hashes.len(), 0);
        let (mut count, slots) = (0, &mut out[before..]);
        for (i, &hash) in hashes.iter().enumerate() {
            let bits = bits(hash);
            let word = self.words[(hash >> self.shift) as usize];
            slots[count] = i as u32;
            count += usize::from(word & bits == bits);
        }
        out.truncate(before + count);
    }
}

#[inline]
fn bits(hash: u64) -> u64 {
    1 << (hash >> 40 & 63) | 1 << (hash >> 34 & 63) | 1 << (hash >> 28 & 63)
}
