//! What is looked for: every run of n words of every item, and few short runs that give all of them away.

use std::ops::Range;

use stillmark_evidence::Digest;

use super::hash;
use super::normal;
use super::table::{Filter, Table};
use super::words::{self, Words};
use crate::record::{Answer, Record};

/// Words of a run that gives longer ones away.
const ANCHOR: usize = 4;
/// The words of the largest filter of anchors: a megabyte. Half of it stays in a core's second cache, but lets through so many places
/// more that looking them up takes longer.
const FILTER_WORDS: usize = 1 << 17;
/// The words of the largest filter of anchors with a word before or behind them: a megabyte.
const SIDES_WORDS: usize = 1 << 17;

/// How many words make a run that counts: 1 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GramLength(usize);

impl GramLength {
    /// What GPT-3's authors and the harnesses after them took.
    pub const USUAL: Self = Self(13);

    /// The most that can be looked for.
    pub const MOST: usize = hash::LONGEST - 1;

    /// So many words, where that many can be looked for.
    pub fn new(words: usize) -> Option<Self> {
        (1..=Self::MOST).contains(&words).then_some(Self(words))
    }

    /// How many words.
    pub fn words(self) -> usize {
        self.0
    }
}

/// One run of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gram {
    /// Its first word, counted in the item.
    pub(super) first: usize,
    /// Its words.
    pub(super) length: usize,
    /// Its number, which all equal runs share.
    pub(super) number: usize,
}

#[derive(Debug, Clone, Copy)]
struct Item {
    start: u32,
    end: u32,
    question_words: u32,
}

/// All runs of all items.
#[derive(Debug, Clone)]
pub struct Index {
    length: GramLength,
    /// The shortest question that counts as one run of its own.
    least: usize,
    /// The items in normal form: single spaces, one behind each item.
    text: Vec<u8>,
    items: Vec<Item>,
    /// Runs by their length less one: where in the text one begins.
    grams: Vec<Table>,
    /// Which lengths of runs each anchor gives away, a bit each.
    anchors: Table,
    /// The hashes of the anchors, until the filter is made.
    hashes: Vec<u64>,
    filter: Filter,
    /// The hashes of anchors with the word before or behind them, as items have it, until their filter is made.
    side_hashes: Vec<u64>,
    sides: Filter,
    /// The lengths of anchors below [`ANCHOR`] that occur.
    short: Vec<usize>,
    longest_word_bytes: usize,
}

impl Index {
    /// Of no item yet. A question of at least `least` words and fewer than a run's counts as a run of its own.
    pub fn new(length: GramLength, least: usize) -> Self {
        Self {
            length,
            least: least.max(1),
            text: Vec::new(),
            items: Vec::new(),
            grams: (0..length.0).map(|_| Table::new()).collect(),
            anchors: Table::new(),
            hashes: Vec::new(),
            filter: Filter::of(&[], FILTER_WORDS),
            side_hashes: Vec::new(),
            sides: Filter::of(&[], SIDES_WORDS),
            short: Vec::new(),
            longest_word_bytes: 0,
        }
    }

    /// Adds an item: its question (with what the question is about), and the texts that come with it.
    /// Returns false where more text than 4 GB would be held.
    pub fn push(&mut self, question: &str, others: &[&str]) -> bool {
        let mut normal = Vec::new();
        let mut found = Words::default();
        let mut at = append(question, &mut normal, 0);
        found.find(&normal, at);
        let question_words = found.count() as u32;
        for other in others {
            at = append(other, &mut normal, at);
        }
        found.find(&normal, at);
        let start = self.text.len();
        if start + at + hash::REACH >= u32::MAX as usize {
            return false;
        }
        for word in 0..found.count() {
            let word = &normal[found.start(word)..found.end(word)];
            self.longest_word_bytes = self.longest_word_bytes.max(word.len());
            self.text.extend_from_slice(word);
            self.text.push(b' ');
        }
        let item = Item { start: start as u32, end: self.text.len() as u32, question_words };
        self.text.resize(self.text.len() + words::room(0), b' ');
        self.items.push(item);
        self.put_in(item);
        self.text.truncate(item.end as usize);
        true
    }

    /// Adds a record: its question with what it is about, and its choices or its answer.
    /// Returns false where more text than 4 GB would be held.
    pub fn push_record(&mut self, record: &Record) -> bool {
        let others: Vec<&str> = match &record.answer {
            Answer::Choice { choices, .. } | Answer::Labels { choices, .. } => {
                choices.iter().map(String::as_str).collect()
            }
            Answer::Open { gold } | Answer::Code { gold, .. } => vec![gold.as_str()],
        };
        match &record.context {
            Some(context) => self.push(&format!("{context}\n{}", record.question), &others),
            None => self.push(&record.question, &others),
        }
    }

    /// Makes ready for the search.
    pub fn finish(&mut self) {
        self.filter = Filter::of(&std::mem::take(&mut self.hashes), FILTER_WORDS);
        self.sides = Filter::of(&std::mem::take(&mut self.side_hashes), SIDES_WORDS);
        self.text.reserve_exact(words::room(0));
        self.text.resize(self.text.len() + words::room(0), b' ');
        self.text.shrink_to_fit();
    }

    fn put_in(&mut self, item: Item) {
        let text = &self.text[item.start as usize..];
        let found = hashed(text, (item.end - item.start) as usize);
        let mut fresh = Vec::new();
        for (first, length) in runs(self, item, &found) {
            let at = item.start + found.start(first) as u32;
            let bytes = &text[found.start(first)..found.end(first + length - 1)];
            let is_it = |start: u32| same(&self.text, start, bytes);
            let hash = found.run(first, length);
            if self.grams[length - 1].find(hash, is_it).is_none() {
                fresh.push((first, length));
                self.grams[length - 1].insert(hash, at);
            }
        }
        self.cover(&found, &fresh);
    }

    /// Chooses anchors so that every new run holds one whole. A run that is there already holds one by its words.
    fn cover(&mut self, found: &Words, fresh: &[(usize, usize)]) {
        let mut last: Option<(usize, usize)> = None;
        for &(first, length) in fresh {
            if last.is_some_and(|(anchor, of)| of == length && anchor >= first) {
                continue;
            }
            let size = ANCHOR.min(length);
            let end = first + length - size;
            let bytes = |at: usize| found.end(at + size - 1) - found.start(at);
            // The later it lies the more runs hold it; the longer its words, the rarer it is.
            let chosen = (first + (length - size) / 2..=end).max_by_key(|&at| bytes(at)).unwrap_or(end);
            last = Some((chosen, length));
            self.anchor(found.run(chosen, size), length);
            if size == ANCHOR {
                // Every run that this anchor stands for, and that holds a word more on a side, holds that word.
                let firsts =
                    (chosen.saturating_sub(1)..=chosen).filter(|first| first + ANCHOR < found.count());
                self.side_hashes.extend(firsts.map(|first| found.run(first, ANCHOR + 1)));
            }
            if size < self.anchor_length() && !self.short.contains(&size) {
                self.short.push(size);
            }
        }
    }

    fn anchor(&mut self, hash: u64, length: usize) {
        let bit = 1 << (length - 1);
        match self.anchors.find(hash, |_| true) {
            Some((slot, lengths)) => self.anchors.replace(slot, lengths | bit),
            None => self.anchors.insert(hash, bit),
        }
        self.hashes.push(hash);
    }

    /// How many words make a run.
    pub fn gram_length(&self) -> GramLength {
        self.length
    }

    /// What is looked for, in one number.
    pub fn digest(&self) -> Digest {
        let mut bytes = format!("{} {}\n", self.length.0, self.least).into_bytes();
        for item in &self.items {
            bytes.extend(
                [item.start, item.end, item.question_words].iter().flat_map(|number| number.to_le_bytes()),
            );
        }
        bytes.extend_from_slice(&self.text);
        Digest::of(&bytes)
    }

    /// How many items are looked for.
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// How many different runs are looked for.
    pub fn grams(&self) -> usize {
        self.grams.iter().map(Table::used).sum()
    }

    /// How much memory the index takes.
    pub fn size_bytes(&self) -> usize {
        let tables: usize = self.grams.iter().map(Table::size_bytes).sum();
        let items = self.items.capacity() * size_of::<Item>();
        self.text.capacity()
            + items
            + tables
            + self.anchors.size_bytes()
            + self.filter.size_bytes()
            + self.sides.size_bytes()
    }

    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The lengths of runs that an anchor of this hash gives away, a bit each from 1 word on.
    pub(super) fn given_away(&self, hash: u64) -> u32 {
        self.anchors.find(hash, |_| true).map_or(0, |(_, lengths)| lengths)
    }

    /// Whether there may be an anchor of this hash.
    #[inline]
    pub(super) fn may_give_away(&self, hash: u64) -> bool {
        self.anchors.may_hold(hash)
    }

    /// The runs of `length` words in some text that an anchor, given by its first word and its words, may be a part of.
    pub(super) fn about(&self, found: &Words, anchor: usize, size: usize, length: usize) -> Range<usize> {
        let end = anchor + size;
        let all = end.saturating_sub(length)..(anchor + 1).min((found.count() + 1).saturating_sub(length));
        if size < ANCHOR {
            return all;
        }
        // Most often the words of an anchor stand there by chance: neither the word before nor that behind is the run's.
        let from = if anchor > 0 && self.sides.may_hold(found.run(anchor - 1, ANCHOR + 1)) {
            all.start
        } else {
            anchor
        };
        let is_behind = end < found.count() && self.sides.may_hold(found.run(anchor, ANCHOR + 1));
        let to = if is_behind { all.end } else { all.end.min((end + 1).saturating_sub(length)) };
        all.start.max(from)..to
    }

    /// The words of an anchor of runs that are not shorter.
    pub(super) fn anchor_length(&self) -> usize {
        ANCHOR.min(self.length.0)
    }

    /// The lengths of anchors of short runs.
    pub(super) fn short_anchors(&self) -> &[usize] {
        &self.short
    }

    /// No word that is longer is looked for.
    pub(super) fn longest_word_bytes(&self) -> usize {
        self.longest_word_bytes
    }

    /// One more than the highest number of a run.
    pub(super) fn numbers(&self) -> usize {
        self.grams.iter().map(Table::len).sum()
    }

    /// Whether a run of words found in some text may be looked for.
    #[inline]
    pub(super) fn may_hold(&self, found: &Words, first: usize, length: usize) -> bool {
        self.grams[length - 1].may_hold(found.run(first, length))
    }

    /// The number of a run of words found in some text, where it is looked for.
    pub(super) fn number(&self, text: &[u8], found: &Words, first: usize, length: usize) -> Option<usize> {
        let is_it = |start: u32| {
            let mut at = start as usize;
            (first..first + length).all(|word| {
                let word = &text[found.start(word)..found.end(word)];
                let end = at + word.len();
                let same = self.text.get(at..end) == Some(word) && self.text.get(end) == Some(&b' ');
                at = end + 1;
                same
            })
        };
        let (slot, _) = self.grams[length - 1].find(found.run(first, length), is_it)?;
        Some(self.base(length) + slot)
    }

    fn base(&self, length: usize) -> usize {
        self.grams[..length - 1].iter().map(Table::len).sum()
    }

    /// The tag of the run of a number.
    pub(super) fn tag(&self, number: usize) -> u32 {
        let mut slot = number;
        for table in &self.grams {
            if slot < table.len() {
                return table.tag(slot);
            }
            slot -= table.len();
        }
        0
    }

    /// The runs of an item, by where they begin; where none of their tags may be that of a run found, only how many there are.
    pub(super) fn grams_of(&self, item: usize, may_be: &dyn Fn(u32) -> bool) -> Result<Vec<Gram>, usize> {
        let Some(&item) = self.items.get(item) else { return Err(0) };
        let text = &self.text[item.start as usize..];
        let found = hashed(text, (item.end - item.start) as usize);
        let all = runs(self, item, &found);
        if !all.iter().any(|&(first, length)| may_be((found.run(first, length) >> 32) as u32)) {
            return Err(all.len());
        }
        let gram = |(first, length): (usize, usize)| {
            let number = self.number(text, &found, first, length)?;
            Some(Gram { first, length, number })
        };
        Ok(all.into_iter().filter_map(gram).collect())
    }

    /// How many words an item has.
    pub fn words_of(&self, item: usize) -> usize {
        let Some(item) = self.items.get(item) else { return 0 };
        memchr::memchr_iter(b' ', &self.text[item.start as usize..item.end as usize]).count()
    }
}

/// Which runs of an item are looked for: all of n words; of fewer words the item whole; and a short question whole.
fn runs(index: &Index, item: Item, found: &Words) -> Vec<(usize, usize)> {
    let (words, n, question) = (found.count(), index.length.0, item.question_words as usize);
    let mut runs = Vec::new();
    if (index.least..n.min(words)).contains(&question) {
        runs.push((0, question));
    }
    if words >= n {
        runs.extend((0..=words - n).map(|first| (first, n)));
    } else if words > 0 {
        runs.push((0, words));
    }
    runs
}

fn hashed(text: &[u8], end: usize) -> Words {
    let mut found = Words::default();
    found.find(text, end);
    found.hash(text);
    found
}

/// Whether the run that begins there is these bytes: words with single spaces between.
fn same(text: &[u8], start: u32, bytes: &[u8]) -> bool {
    let end = start as usize + bytes.len();
    text.get(start as usize..end) == Some(bytes) && text.get(end) == Some(&b' ')
}

/// Adds the normal form of a text and a space.
fn append(text: &str, normal: &mut Vec<u8>, at: usize) -> usize {
    normal.resize(at + words::room(text.len() + 1), b' ');
    let end = normal::normalize(text.as_bytes(), normal, at);
    normal[end] = b' ';
    end + 1
}
