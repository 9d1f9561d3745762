//! Where the words of a normal form begin and end.

use super::hash;
use super::normal::{self, STRIDE};

/// Words found in a text, with the hashes of all words up to each.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// Where a word begins, where it ends, where the next begins.
    bounds: Vec<u32>,
    count: usize,
    /// At i + [`PADDING`] the hash of the first i words; what lies before is that of none.
    prefixes: Vec<u64>,
    runs: Vec<u64>,
}

/// How many prefixes lie before that of no word, so that runs that begin before the text can be asked for.
const PADDING: usize = hash::LONGEST;
/// How many bounds are written at a stroke.
const STROKE: usize = 8;

impl Words {
    /// Finds the words of `text[..end]`, which a space must follow; behind `end` a stride more must be there.
    pub(super) fn find(&mut self, text: &[u8], end: usize) {
        let most = end + 2 * 64 + STROKE;
        if self.bounds.len() < most {
            self.bounds.resize(most, 0);
        }
        let (mut found, mut in_word) = (0, 0);
        for base in (0..end).step_by(64) {
            let mut block = [b' '; 64];
            match text.get(base..).and_then(|rest| rest.first_chunk::<64>()) {
                Some(whole) if base + 64 <= end => block = *whole,
                _ => block[..end - base].copy_from_slice(&text[base..end]),
            }
            let words = !normal::spaces(&block);
            let turns = words ^ (words << 1 | in_word);
            in_word = words >> 63;
            found += flatten(turns, base as u32, &mut self.bounds[found..]);
        }
        if in_word == 1 {
            self.bounds[found] = end as u32;
            found += 1;
        }
        self.count = found / 2;
    }

    /// Hashes the words found, and every run of `length` of them; the first runs begin before the text and mean nothing.
    #[inline]
    pub(super) fn hash(&mut self, text: &[u8], length: usize) {
        self.prefixes.resize(self.count + 1 + PADDING, 0);
        self.runs.resize(self.count, 0);
        let mut all = 0;
        let (pairs, _) = self.bounds[..2 * self.count].as_chunks::<2>();
        let (prefixes, runs) = (&mut self.prefixes[PADDING - length..], &mut self.runs[..]);
        for (i, (&[start, end], run)) in pairs.iter().zip(runs).enumerate() {
            all = hash::push(all, hash::word(text, start as usize, end as usize));
            prefixes[i + 1 + length] = all;
            *run = hash::run(all, prefixes[i + 1], length);
        }
    }

    /// The hashes of the runs, by their last word.
    pub(super) fn runs(&self) -> &[u64] {
        &self.runs
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
        hash::run(self.prefixes[at + length], self.prefixes[at], length)
    }
}

/// Writes where the bits of a mask lie and returns how many there are; room for as many strokes as there may be bits is needed.
#[inline]
fn flatten(mut mask: u64, base: u32, out: &mut [u32]) -> usize {
    let count = mask.count_ones() as usize;
    let mut done = 0;
    while done < count {
        let Some(stroke) = out.get_mut(done..).and_then(|rest| rest.first_chunk_mut::<STROKE>()) else {
            break;
        };
        for slot in stroke {
            // Of an empty mask 64, which the next stroke overwrites.
            *slot = base + mask.trailing_zeros();
            mask &= mask.wrapping_sub(1);
        }
        done += STROKE;
    }
    count
}

/// The room that a text of so many bytes needs to be brought into its normal form and searched.
pub(super) const fn room(length: usize) -> usize {
    length + 2 * STRIDE
}
