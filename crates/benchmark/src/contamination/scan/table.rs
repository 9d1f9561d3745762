//! Where to find what bears a hash: an open table that grows, and a small filter in front of one.

const EMPTY: u32 = u32::MAX;
/// How many slots one look takes in.
const LOOK: usize = 4;

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

    /// Whether something may bear the hash, by one look at the first slots: no branch depends on what they hold.
    #[inline]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let tag = (hash >> 32) as u32;
        let Some(slots) = self.slots.get(self.home(tag)..).and_then(|rest| rest.first_chunk::<LOOK>()) else {
            return true;
        };
        let bear_it = slots.iter().map(|slot| usize::from(slot.0 == tag)).sum::<usize>();
        let taken = slots.iter().map(|slot| usize::from(slot.1 != EMPTY)).sum::<usize>();
        bear_it > 0 || taken == LOOK
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

/// A filter that lets through every hash that was put in, and few others: three bits in one word.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    words: Box<[u64]>,
    shift: u32,
}

impl Filter {
    /// A filter for these hashes, with some sixteen bits for each where it needs no more than so many words.
    pub(super) fn of(hashes: &[u64], most_words: usize) -> Self {
        let words = (hashes.len() / 4).next_power_of_two().clamp(64, most_words);
        let mut filter = Self { words: vec![0; words].into(), shift: 64 - words.trailing_zeros() };
        for &hash in hashes {
            filter.words[(hash >> filter.shift) as usize] |= bits(hash);
        }
        filter
    }

    /// Whether a hash may be among those.
    #[inline]
    pub(super) fn may_hold(&self, hash: u64) -> bool {
        let bits = bits(hash);
        self.words[(hash >> self.shift) as usize] & bits == bits
    }

    pub(super) fn size_bytes(&self) -> usize {
        self.words.len() * 8
    }

    /// Writes which of some hashes may be among those, and returns how many. No branch depends on what is found, so that many
    /// look-ups are under way at once.
    #[inline]
    pub(super) fn select<'o>(
        &self,
        hashes: impl ExactSizeIterator<Item = u64>,
        out: &'o mut Vec<u32>,
    ) -> &'o [u32] {
        out.resize(out.len().max(hashes.len()), 0);
        let mut count = 0;
        for (i, hash) in hashes.enumerate() {
            out[count] = i as u32;
            count += usize::from(self.may_hold(hash));
        }
        &out[..count]
    }
}

#[inline]
fn bits(hash: u64) -> u64 {
    1 << (hash >> 40 & 63) | 1 << (hash >> 34 & 63) | 1 << (hash >> 28 & 63)
}
