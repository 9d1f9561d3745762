//! Which tokens of a text are evidence.
//!
//! A site is a token with the window of tokens before it, which seeds its score. Which tokens are sites depends on the text
//! and on public parameters, never on a key: so a text has the same sites under every key, and decoys are scored on exactly
//! the evidence of the key that is judged.

mod seen;

use std::ops::Range;

use seen::Seen;

/// A text as token ids.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// Prompt and answer.
    pub tokens: &'a [u32],
    /// The first so many tokens are the prompt, which is never scored.
    pub prompt_len: usize,
}

/// What a scheme takes as a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How many tokens before a token seed its score.
    pub width: usize,
    /// What stands before the first token.
    pub before: Before,
    /// Which repetitions are passed over.
    pub once: Once,
    /// Whole windows at the beginning that the reference leaves out.
    pub skip: usize,
    /// The answer ends before this token.
    pub end: Option<u32>,
    /// Tokens from here on are not of the vocabulary.
    pub vocab_size: Option<u32>,
}

/// What stands before the first token of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing: tokens without a whole window in the answer are not scored.
    Nothing,
    /// The prompt: windows reach into it.
    Prompt,
    /// A filler, as many times as the window is wide.
    Filler(u32),
}

/// Which repetitions within a text are passed over: repeated evidence is no further evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Once {
    /// None: the p-value assumes that nothing repeats.
    Never,
    /// A window counts the first time.
    Window,
    /// A window with its token counts the first time.
    Pair,
    /// The token with the last token of its window counts the first time.
    LastPair,
    /// A window counts unless it is among the last so many windows.
    History(usize),
}

/// Why tokens were not scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unscored {
    /// They are the prompt.
    pub prompt: u64,
    /// They have no whole window, or lie beyond the end.
    pub edge: u64,
    /// They repeat what was scored before.
    pub repeated: u64,
    /// They are not of the vocabulary.
    pub outside: u64,
}

/// The sites of several texts, one after another.
#[derive(Debug, Clone, Default)]
pub struct Sites {
    /// Tokens in a window.
    pub width: usize,
    /// The windows, oldest token first.
    pub windows: Vec<u32>,
    /// The token after each window.
    pub tokens: Vec<u32>,
    /// Where each token stands in its text.
    pub positions: Vec<u32>,
    /// Whether a site is new among all texts, and so counts for all of them together.
    pub fresh: Vec<bool>,
    /// The sites of each text.
    pub texts: Vec<Range<usize>>,
    /// What was not scored of each text.
    pub unscored: Vec<Unscored>,
}

/// Sites that lie together: what a scheme scores.
#[derive(Debug, Clone, Copy)]
pub struct Slice<'a> {
    /// Tokens in a window.
    pub width: usize,
    /// The windows, oldest token first.
    pub windows: &'a [u32],
    /// The token after each window.
    pub tokens: &'a [u32],
}

impl<'a> Slice<'a> {
    /// How many sites there are.
    pub fn len(self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no site.
    pub fn is_empty(self) -> bool {
        self.tokens.is_empty()
    }

    /// The window of a site.
    pub fn window(self, site: usize) -> &'a [u32] {
        &self.windows[site * self.width..(site + 1) * self.width]
    }
}

impl Sites {
    /// The sites of texts under a rule.
    pub fn find(texts: &[Text<'_>], rule: &Rule) -> Self {
        let mut sites = Self { width: rule.width, ..Self::default() };
        let total = texts.iter().map(|text| text.tokens.len()).sum();
        sites.reserve(total);
        let (mut padded, mut seen, mut seen_anywhere) = (Vec::new(), Seen::default(), Seen::default());
        seen_anywhere.clear(if texts.len() > 1 { total } else { 0 });
        for text in texts {
            let first = sites.tokens.len();
            sites.add(text, rule, &mut padded, &mut seen);
            sites.texts.push(first..sites.tokens.len());
            let everywhere = texts.len() > 1 && !matches!(rule.once, Once::Never);
            for site in first..sites.tokens.len() {
                let new = !everywhere || sites.is_new(site, rule, &mut seen_anywhere);
                sites.fresh.push(new);
            }
        }
        sites
    }

    /// The sites that are new among all texts, as those of one text.
    #[must_use]
    pub fn fresh_only(&self) -> Self {
        let mut fresh = Self { width: self.width, ..Self::default() };
        for site in (0..self.len()).filter(|site| self.fresh[*site]) {
            fresh.windows.extend_from_slice(self.window(site));
            fresh.tokens.push(self.tokens[site]);
            fresh.positions.push(self.positions[site]);
            fresh.fresh.push(true);
        }
        fresh.texts.push(0..fresh.tokens.len());
        fresh
    }

    /// How many sites there are in all.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there is no site.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// All sites.
    pub fn all(&self) -> Slice<'_> {
        self.slice(0..self.len())
    }

    /// Some sites that lie together.
    pub fn slice(&self, range: Range<usize>) -> Slice<'_> {
        let windows = &self.windows[range.start * self.width..range.end * self.width];
        Slice { width: self.width, windows, tokens: &self.tokens[range] }
    }

    fn window(&self, site: usize) -> &[u32] {
        &self.windows[site * self.width..(site + 1) * self.width]
    }

    fn reserve(&mut self, sites: usize) {
        self.windows.reserve(sites * self.width);
        self.tokens.reserve(sites);
        self.positions.reserve(sites);
        self.fresh.reserve(sites);
    }

    fn add(&mut self, text: &Text<'_>, rule: &Rule, padded: &mut Vec<u32>, seen: &mut Seen) {
        let width = rule.width;
        let prompt_len = text.prompt_len.min(text.tokens.len());
        let mut unscored = Unscored { prompt: prompt_len as u64, ..Unscored::default() };
        // The first token that may be a site, and what stands from its window on.
        padded.clear();
        let first = match rule.before {
            Before::Filler(filler) => {
                padded.resize(width, filler);
                prompt_len
            }
            Before::Nothing => prompt_len + width + rule.skip,
            Before::Prompt => prompt_len.max(width + rule.skip),
        };
        let begin = first - (width - padded.len());
        padded.extend_from_slice(text.tokens.get(begin..).unwrap_or_default());
        seen.clear(padded.len());
        let end = match rule.end {
            Some(end) => text.tokens[prompt_len..].iter().position(|token| *token == end),
            None => None,
        };
        let end = end.map_or(text.tokens.len(), |end| prompt_len + end);
        unscored.edge += (first.min(text.tokens.len()) - prompt_len) as u64;
        let outside = rule.vocab_size.unwrap_or(u32::MAX);
        for idx in width..padded.len() {
            let (token, position) = (padded[idx], first + idx - width);
            let kept = match rule.once {
                Once::Never => true,
                Once::Window => seen.insert(padded, idx - width..idx, width),
                Once::Pair => seen.insert(padded, idx - width..idx + 1, width + 1),
                Once::LastPair => seen.insert(padded, idx - 1..idx + 1, 2),
                Once::History(last) => seen.insert_within(padded, idx - width..idx, last),
            };
            if end <= position {
                unscored.edge += 1;
            } else if !kept {
                unscored.repeated += 1;
            } else if outside <= token {
                unscored.outside += 1;
            } else {
                self.windows.extend_from_slice(&padded[idx - width..idx]);
                self.tokens.push(token);
                self.positions.push(position as u32);
            }
        }
        self.unscored.push(unscored);
    }

    /// Whether no earlier site of any text is the same evidence.
    fn is_new(&self, site: usize, rule: &Rule, seen: &mut Seen) -> bool {
        let width = self.width;
        let same = |a: usize, b: usize| match rule.once {
            Once::LastPair => {
                self.tokens[a] == self.tokens[b] && self.window(a).last() == self.window(b).last()
            }
            Once::Pair => self.tokens[a] == self.tokens[b] && self.window(a) == self.window(b),
            Once::Never | Once::Window | Once::History(_) => self.window(a) == self.window(b),
        };
        let window = self.window(site);
        let hash = match rule.once {
            Once::LastPair => {
                seen::hash(seen::hash(0, &window[width.saturating_sub(1)..]), &self.tokens[site..=site])
            }
            Once::Pair => seen::hash(seen::hash(0, window), &self.tokens[site..=site]),
            Once::Never | Once::Window | Once::History(_) => seen::hash(0, window),
        };
        seen.insert_by(hash, site, same)
    }
}
