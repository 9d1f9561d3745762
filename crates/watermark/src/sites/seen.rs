//! A map from runs of tokens to the place where each was last, exact: a fingerprint finds the entry, the tokens decide.

/// The base of the fingerprints: a polynomial in it, so that the next run's takes two multiplications however long it is.
const BASE: u64 = 0xA076_1D64_78BD_642F;

/// Fingerprints of runs of one length that begin one after another.
#[derive(Debug)]
pub(super) struct Fingerprints {
    len: usize,
    /// BASE to the power of the length.
    leaving: u64,
    /// The polynomial of the run before.
    sum: u64,
}

impl Fingerprints {
    /// Begins with the run at a place.
    pub(super) fn new(tokens: &[u32], at: usize, len: usize) -> Self {
        // The run before it, whose first token is one that leaves.
        let step = |sum: u64, token: u64| sum.wrapping_mul(BASE).wrapping_add(token);
        let rest = &tokens[at..at + len.saturating_sub(1)];
        let before = at.checked_sub(1).map_or(0, |before| u64::from(tokens[before]));
        let first = if len > 0 { before } else { 0 };
        let sum = rest.iter().fold(first, |sum, token| step(sum, u64::from(*token)));
        Self { len, leaving: BASE.wrapping_pow(len as u32), sum }
    }

    /// The fingerprint of the run at a place, the one after the run before.
    pub(super) fn next(&mut self, tokens: &[u32], at: usize) -> u64 {
        if self.len > 0 {
            let left = at.checked_sub(1).map_or(0, |left| u64::from(tokens[left]));
            let entering = u64::from(tokens[at + self.len - 1]);
            let sum = self.sum.wrapping_mul(BASE).wrapping_add(entering);
            self.sum = sum.wrapping_sub(left.wrapping_mul(self.leaving));
        }
        let wide = u128::from(self.sum ^ 0x9E37_79B9_7F4A_7C15) * u128::from(BASE);
        (wide >> 64) as u64 ^ wide as u64
    }
}

/// The place of each run in an open table, with bits of its fingerprint.
#[derive(Debug)]
pub(super) struct Seen {
    /// The place plus one in the lower bits, bits of the fingerprint in those above; 0 is free. Small entries keep more of the
    /// table near: a false match of the few bits is found out by the tokens.
    slots: Vec<u32>,
    shift: u32,
    /// The bits that hold a place.
    places: u32,
}

impl Seen {
    /// An empty one with room for so many runs, the last of which begins before a place.
    pub(super) fn new(runs: usize, end: usize) -> Self {
        let slots = (2 * runs).next_power_of_two().max(16);
        let places = u32::MAX.checked_shr((end as u32).leading_zeros()).unwrap_or(0);
        Self { slots: vec![0; slots], shift: 64 - slots.trailing_zeros(), places }
    }

    /// The entry that a fingerprint leads to first. Looking at those of many fingerprints before [`Self::replace`] has them
    /// fetched from memory side by side.
    pub(super) fn entry(&self, fingerprint: u64) -> u32 {
        self.slots[(fingerprint >> self.shift) as usize & (self.slots.len() - 1)]
    }

    /// Where the run of `len` tokens at `at` was last; it is at `at` from now on.
    pub(super) fn replace(
        &mut self,
        fingerprint: u64,
        tokens: &[u32],
        at: usize,
        len: usize,
    ) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let own = (fingerprint as u32 & !self.places) | (at as u32 + 1);
        let mut slot = (fingerprint >> self.shift) as usize & mask;
        loop {
            let found = self.slots[slot];
            let place = ((found & self.places) as usize).checked_sub(1);
            let same = |place| tokens[place..place + len] == tokens[at..at + len];
            if place.is_none_or(|place| (found ^ own) & !self.places == 0 && same(place)) {
                self.slots[slot] = own;
                return place;
            }
            slot = (slot + 1) & mask;
        }
    }
}
