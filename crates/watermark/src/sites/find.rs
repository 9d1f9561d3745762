//! Finding sites, in one pass over the texts.

use super::seen::{Fingerprints, Seen};
use super::{Before, Once, Rule, Sites, Text, Unscored};
use crate::mmix;

/// Places whose entries are fetched side by side.
const BLOCK: usize = 32;

/// The sites found so far, and what it takes to know repetitions.
pub(super) struct Finder<'r> {
    rule: &'r Rule,
    /// The tokens of all texts with what stands before each.
    padded: Vec<u32>,
    /// Where each run was last, among all texts.
    seen: Seen,
    /// The number of the text, from 1 on, that each place of a table was last led to in.
    led: Vec<u32>,
    /// Its columns are as long as there may be sites; the first `found` are.
    sites: Sites,
    found: usize,
}

/// The run of tokens about each site that may be there once.
#[derive(Clone, Copy)]
struct Run {
    /// It begins so many tokens before the site's.
    back: usize,
    len: usize,
}

impl<'r> Finder<'r> {
    pub(super) fn new(rule: &'r Rule, texts: &[Text<'_>]) -> Self {
        let width = rule.width;
        let most = texts.iter().map(|text| text.tokens.len()).sum();
        let runs = if rule.once == Once::Never { 0 } else { most };
        let sites = Sites {
            width,
            windows: vec![0; most * width],
            tokens: vec![0; most],
            positions: vec![0; most],
            fresh: vec![true; most],
            ..Sites::default()
        };
        let all = most + width * texts.len();
        let padded = Vec::with_capacity(all);
        let led = vec![0; rule.places.unwrap_or(0) as usize];
        Self { rule, padded, seen: Seen::new(runs, all), led, sites, found: 0 }
    }

    pub(super) fn finish(mut self) -> Sites {
        let sites = &mut self.sites;
        sites.windows.truncate(self.found * sites.width);
        sites.tokens.truncate(self.found);
        sites.positions.truncate(self.found);
        sites.fresh.truncate(self.found);
        self.sites
    }

    /// Adds the sites of a text.
    pub(super) fn add(&mut self, text: &Text<'_>) {
        let (rule, len) = (self.rule, text.tokens.len());
        let prompt_len = text.prompt_len.min(len);
        let answer = &text.tokens[prompt_len..];
        let ended = rule.end.and_then(|end| answer.iter().position(|token| *token == end));
        let end = ended.map_or(len, |ended| prompt_len + ended);
        // The first token that may be a site.
        let first = match rule.before {
            Before::Filler(_) => prompt_len,
            Before::Nothing => prompt_len + rule.width + rule.skip,
            Before::Prompt => prompt_len.max(rule.width + rule.skip),
        };
        let mut unscored = Unscored { prompt: prompt_len as u64, ..Unscored::default() };
        let from = self.found;
        if first < end {
            unscored.edge = (first - prompt_len + len - end) as u64;
            let start = self.padded.len();
            let begin = match rule.before {
                Before::Filler(filler) => {
                    self.padded.resize(start + rule.width, filler);
                    first
                }
                Before::Nothing | Before::Prompt => first - rule.width,
            };
            self.padded.extend_from_slice(&text.tokens[begin..end]);
            self.look(start, first, &mut unscored);
        } else {
            unscored.edge = (len - prompt_len) as u64;
        }
        self.sites.texts.push(from..self.found);
        self.sites.unscored.push(unscored);
    }

    /// Looks at the tokens of a text that lies at `start`, the first of them at a position of its own.
    fn look(&mut self, start: usize, position: usize, unscored: &mut Unscored) {
        let width = self.rule.width;
        let run = match self.rule.once {
            Once::Never => None,
            Once::Window | Once::History(_) => Some(Run { back: width, len: width }),
            Once::Pair => Some(Run { back: width, len: width + 1 }),
            Once::LastPair => Some(Run { back: 1, len: 2 }),
        };
        let (first, end) = (start + width, self.padded.len());
        let Some(run) = run else {
            for at in first..end {
                self.keep(at, position + at - first, None, unscored);
            }
            return;
        };
        let mut fingerprints = Fingerprints::new(&self.padded, first - run.back, run.len);
        let mut block = [0; BLOCK];
        for from in (first..end).step_by(BLOCK) {
            let block = &mut block[..BLOCK.min(end - from)];
            let mut fetched = 0;
            for (at, fingerprint) in (from..).zip(block.iter_mut()) {
                *fingerprint = fingerprints.next(&self.padded, at - run.back);
                fetched |= self.seen.entry(*fingerprint);
            }
            std::hint::black_box(fetched);
            for (at, fingerprint) in (from..).zip(block.iter()) {
                let place = at - run.back;
                let before = self.seen.replace(*fingerprint, &self.padded, place, run.len);
                let repeats = before.is_some_and(|before| before >= start && !self.is_past(place - before));
                if repeats {
                    unscored.repeated += 1;
                } else {
                    self.keep(at, position + at - first, before, unscored);
                }
            }
        }
    }

    /// Whether what is so many tokens back does not count as a repetition any more.
    fn is_past(&self, distance: usize) -> bool {
        matches!(self.rule.once, Once::History(last) if distance > last)
    }

    /// Takes a token as a site, if it is of the vocabulary; `before` is where the same was in any text.
    fn keep(&mut self, at: usize, position: usize, before: Option<usize>, unscored: &mut Unscored) {
        let (width, token, site) = (self.rule.width, self.padded[at], self.found);
        if self.rule.vocab_size.is_some_and(|size| size <= token) {
            unscored.outside += 1;
            return;
        }
        let window = &self.padded[at - width..at];
        let mut fresh = before.is_none();
        if let Some(places) = self.rule.places {
            let text = self.sites.texts.len() as u32 + 1;
            let led = &mut self.led[(mmix::place(window, token) & (places - 1)) as usize];
            if *led == text {
                unscored.repeated += 1;
                return;
            }
            fresh &= *led == 0;
            *led = text;
        }
        let place = &mut self.sites.windows[site * width..(site + 1) * width];
        if let (Some(place), Some(window), 4) = (place.first_chunk_mut::<4>(), window.first_chunk(), width) {
            // The usual width, without a loop.
            *place = *window;
        } else {
            place.copy_from_slice(window);
        }
        self.sites.tokens[site] = token;
        self.sites.positions[site] = position as u32;
        self.sites.fresh[site] = fresh;
        self.found += 1;
    }
}
