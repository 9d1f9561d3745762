//! Where the words of a normal form begin and end.

use super::hash;
use super::normal::{self, BLOCK, CHARACTER};

/// Words found in a text, with the hashes of all words up to each.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// Where a word begins, where it ends, where the next begins.
    bounds: Vec<u32>,
    count: usize,
    /// At i + [`PADDING`] the hash of the first i words; what lies before is that of none.
    prefixes: Vec<u64>,
}

/// How many prefixes lie before that of no word, so that runs that begin before the text can be asked for.
const PADDING: usize = hash::LONGEST;
/// How many bounds of a block are written, those that do not matter among them.
const STROKES: usize = BLOCK + 8;

impl Words {
    /// Finds the words of `text[..end]`, which is in its normal form.
    pub(super) fn find(&mut self, text: &[u8], end: usize) {
        let cut = self.find_by(end, |base| match text[base..].first_chunk() {
            Some(block) => normal::spaces(block),
            None => !0,
        });
        if cut < end {
            self.bounds[2 * self.count + 1] = end as u32;
            self.count += 1;
        }
    }

    /// Brings a text that was [stripped](normal::strip) into its normal form and finds the words that a space follows.
    /// Returns where what is behind them begins.
    pub(super) fn fold_and_find(&mut self, text: &mut [u8], end: usize) -> usize {
        self.find_by(end, |base| match text[base..].first_chunk_mut() {
            Some(block) => normal::fold(block),
            None => !0,
        })
    }

    /// Finds the words before `end` by what is said of the spaces in each block, and where a last one begins that does not end.
    fn find_by(&mut self, end: usize, mut spaces: impl FnMut(usize) -> u64) -> usize {
        let most = end + 2 * STROKES;
        if self.bounds.len() < most {
            self.bounds.resize(most, 0);
        }
        let (mut found, mut in_word) = (0, 0);
        for base in (0..end).step_by(BLOCK) {
            let mut words = !spaces(base);
            // A word that goes on behind the end does not end there.
            if end - base < BLOCK {
                let last = words >> (end - base - 1) & 1;
                words = words & ((1 << (end - base)) - 1) | last.wrapping_neg() << (end - base);
            }
            let turns = words ^ (words << 1 | in_word);
            in_word = words >> 63;
            found += flatten(turns, base as u32, &mut self.bounds[found..]);
        }
        self.count = found / 2;
        if in_word == 1 { self.bounds[found - 1] as usize } else { end }
    }

    /// Hashes the words found.
    #[inline]
    pub(super) fn hash(&mut self, text: &[u8]) {
        self.prefixes.resize(self.prefixes.len().max(self.count + 1 + PADDING), 0);
        let mut all = 0;
        let (pairs, _) = self.bounds[..2 * self.count].as_chunks::<2>();
        for (&[start, end], prefix) in pairs.iter().zip(&mut self.prefixes[PADDING + 1..]) {
            all = hash::push(all, hash::word(text, start as usize, end as usize));
            *prefix = all;
        }
    }

    /// The hashes of all runs of so many words, by their last word; the first runs begin before the text and mean nothing.
    #[inline]
    pub(super) fn runs(&self, length: usize) -> impl ExactSizeIterator<Item = u64> {
        let power = hash::power(length);
        let alls = &self.prefixes[PADDING + 1..][..self.count];
        let befores = &self.prefixes[PADDING + 1 - length..];
        alls.iter().zip(befores).map(move |(&all, &before)| hash::between(all, before, power))
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn start(&self, word: usize) -> usize {
        self.bounds[2 * word] as usize
    }

    pub(super) fn end(&self, word: usize) -> usize {
        self.bounds[2 * word + 1] as usize
    }

    /// The hash of a run of words.
    pub(super) fn run(&self, first: usize, length: usize) -> u64 {
        let at = first + PADDING;
        hash::between(self.prefixes[at + length], self.prefixes[at], hash::power(length))
    }
}

/// Where the bits of a byte lie, and what does not matter behind.
const POSITIONS: [[u8; 8]; 256] = positions();

const fn positions() -> [[u8; 8]; 256] {
    let mut positions = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut count) = (0, 0);
        while bit < 8 {
            positions[byte][count] = bit;
            count += byte >> bit & 1;
            bit += 1;
        }
        byte += 1;
    }
    positions
}

/// Writes where the bits of a mask lie and returns how many there are; the slots behind, up to [`STROKES`], hold anything. All eight are
/// written for every byte of the mask: no branch depends on it.
#[inline]
fn flatten(mask: u64, base: u32, out: &mut [u32]) -> usize {
    let Some(out) = out.first_chunk_mut::<STROKES>() else { return 0 };
    let ends = counts(mask).wrapping_mul(0x0101_0101_0101_0101);
    let starts = (ends << 8).to_le_bytes();
    for (i, (byte, start)) in mask.to_le_bytes().into_iter().zip(starts).enumerate() {
        let start = usize::from(start) % BLOCK;
        let base = base + 8 * i as u32;
        for (slot, &bit) in out[start..start + 8].iter_mut().zip(&POSITIONS[usize::from(byte)]) {
            *slot = base + u32::from(bit);
        }
    }
    (ends >> 56) as usize
}

/// How many bits each byte has.
#[inline]
fn counts(mask: u64) -> u64 {
    let pairs = mask - (mask >> 1 & 0x5555_5555_5555_5555);
    let fours = (pairs & 0x3333_3333_3333_3333) + (pairs >> 2 & 0x3333_3333_3333_3333);
    (fours + (fours >> 4)) & 0x0f0f_0f0f_0f0f_0f0f
}

/// The room that a text of so many bytes needs to be brought into its normal form and searched.
pub(super) const fn room(length: usize) -> usize {
    length + CHARACTER + BLOCK
}
