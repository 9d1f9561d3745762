//! The search: documents in, runs of items found out.

use super::index::Index;
use super::normal::{self, Spelling};
use super::words::{self, Words};

/// How much text is searched at a time: its words and their hashes stay in a core's caches.
const BLOCK: usize = 16 << 10;

/// A run that was found for the first time since the findings were last taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sighting {
    /// The number of the run.
    pub(super) number: u32,
    /// Its first word, counted in the document.
    pub(super) word: u64,
}

/// Searches documents for the runs of an index.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    index: &'a Index,
    /// What has not been searched, stripped of what does not stay, behind the last words of what has.
    normal: Vec<u8>,
    end: usize,
    /// Where the normal form is searched.
    full: usize,
    /// How many words at its beginning were searched before.
    carried: usize,
    /// How many words of the document lie before it.
    words_before: u64,
    words: Words,
    /// Where the filter lets through: the first word of the anchor, its hash and its length.
    passes: Vec<(u32, u64, u32)>,
    /// Runs that hold an anchor: their first words and their lengths.
    runs: Vec<(u32, u32)>,
    selected: Vec<u32>,
    /// How often each run was found, by its number.
    counts: Vec<u32>,
    /// The runs found at least once.
    touched: Vec<u32>,
    /// First sightings in this document.
    sightings: Vec<Sighting>,
}

impl<'a> Scanner<'a> {
    /// A search for what an index holds.
    pub(super) fn new(index: &'a Index) -> Self {
        Self {
            index,
            normal: vec![b' '; words::room(BLOCK)],
            end: 0,
            full: BLOCK,
            carried: 0,
            words_before: 0,
            words: Words::default(),
            passes: Vec::new(),
            runs: Vec::new(),
            selected: Vec::new(),
            counts: vec![0; index.numbers()],
            touched: Vec::new(),
            sightings: Vec::new(),
        }
    }

    /// Takes more of the document. The text must not be cut within a character.
    pub(super) fn text(&mut self, text: &[u8]) {
        self.take_in(text, Spelling::Plain);
    }

    /// Takes more of the document, as it is spelled between the quotation marks of JSON.
    pub(super) fn json(&mut self, text: &str) {
        self.take_in(text.as_bytes(), Spelling::Json);
    }

    fn take_in(&mut self, mut text: &[u8], spelling: Spelling) {
        while !text.is_empty() {
            let most = text.len().min(self.full - self.end);
            self.normal.resize(self.normal.len().max(words::room(self.end + most)), b' ');
            let (taken, end) = normal::strip(text, spelling, most, &mut self.normal, self.end);
            self.end = end;
            text = &text[taken..];
            if self.end + 8 > self.full {
                self.search();
            }
        }
    }

    /// Ends the document and returns the runs that were found first in it since [`take`](Self::take) was last called.
    pub(super) fn end_document(&mut self) -> Vec<Sighting> {
        self.text(b" ");
        self.search();
        (self.end, self.full, self.carried, self.words_before) = (0, BLOCK, 0, 0);
        std::mem::take(&mut self.sightings)
    }

    /// The runs found first since this was last called, as far as the document has been searched.
    pub(super) fn sightings(&mut self) -> Vec<Sighting> {
        std::mem::take(&mut self.sightings)
    }

    /// Searches what is there and says how many words of the document are complete.
    pub(super) fn words(&mut self) -> u64 {
        self.search();
        self.words_before + self.carried as u64
    }

    /// The runs found since this was last called, by number, with how often each was.
    pub(super) fn take(&mut self) -> Vec<(u32, u32)> {
        self.touched.sort_unstable();
        let counts = &mut self.counts;
        self.touched.drain(..).map(|number| (number, std::mem::take(&mut counts[number as usize]))).collect()
    }

    /// Searches all whole words and keeps the last ones, which later runs may begin with.
    fn search(&mut self) {
        let cut = self.words.fold_and_find(&mut self.normal, self.end);
        if self.words.count() > self.carried {
            self.find_anchors();
            self.follow_anchors();
        }
        self.keep(cut);
    }

    fn find_anchors(&mut self) {
        let (index, words) = (self.index, &mut self.words);
        self.passes.clear();
        words.hash(&self.normal);
        for length in std::iter::once(index.anchor_length()).chain(index.short_anchors().iter().copied()) {
            let selected = index.filter().select(words.runs(length), &mut self.selected);
            let firsts = selected.iter().filter_map(|&last| (last as usize + 1).checked_sub(length));
            self.passes.extend(firsts.map(|first| (first as u32, words.run(first, length), length as u32)));
        }
    }

    /// Looks up every run that holds an anchor.
    fn follow_anchors(&mut self) {
        let (index, words) = (self.index, &self.words);
        sift(&mut self.passes, |(_, hash, _)| index.may_give_away(hash));
        self.runs.clear();
        for &(first, hash, size) in &self.passes {
            let mut lengths = index.given_away(hash);
            while lengths != 0 {
                let length = lengths.trailing_zeros() as usize + 1;
                lengths &= lengths - 1;
                if size as usize != length.min(index.anchor_length()) {
                    continue;
                }
                let about = index.about(words, first as usize, size as usize, length);
                // Runs within the words that were carried over were looked up with the block before.
                let from = about.start.max((self.carried + 1).saturating_sub(length));
                self.runs.extend((from..about.end).map(|first| (first as u32, length as u32)));
            }
        }
        // Anchors that lie close to one another give the same runs away.
        self.runs.sort_unstable();
        self.runs.dedup();
        sift(&mut self.runs, |(first, length)| index.may_hold(words, first as usize, length as usize));
        let runs = std::mem::take(&mut self.runs);
        for &(first, length) in &runs {
            self.look_up(first as usize, length as usize);
        }
        self.runs = runs;
    }

    fn look_up(&mut self, first: usize, length: usize) {
        let Some(number) = self.index.number(&self.normal, &self.words, first, length) else { return };
        let count = &mut self.counts[number];
        if *count == 0 {
            self.touched.push(number as u32);
            self.sightings.push(Sighting { number: number as u32, word: self.words_before + first as u64 });
        }
        *count = count.saturating_add(1);
    }

    /// Moves the last words and the beginning of the next to the front.
    fn keep(&mut self, cut: usize) {
        let count = self.words.count();
        let kept = count.min(self.index.gram_length().words() - 1);
        let start = if kept == 0 { cut } else { self.words.start(count - kept) };
        self.words_before += (count - kept) as u64;
        self.carried = kept;
        self.normal.copy_within(start..self.end, 0);
        self.end -= start;
        // A word that is longer than all that are looked for stays so whatever follows; the rest of it may be forgotten.
        let begun = cut - start;
        self.end = self.end.min(begun + self.index.longest_word_bytes() + 1);
        self.full = self.end + BLOCK;
    }
}

/// Keeps what may be it. Most is not, and where the answer lies is in no cache: since no branch depends on it, many answers are under way
/// at once, and what is kept is at hand when it is looked at.
fn sift<T: Copy>(all: &mut Vec<T>, may_be: impl Fn(T) -> bool) {
    let mut kept = 0;
    for at in 0..all.len() {
        let one = all[at];
        all[kept] = one;
        kept += usize::from(may_be(one));
    }
    all.truncate(kept);
}
