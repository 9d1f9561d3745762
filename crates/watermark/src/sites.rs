//! Which tokens of a text are evidence.
//!
//! A site is a token with the window of tokens before it, which seeds its score. Which tokens are sites depends on the text
//! and on public parameters, never on a key: so a text has the same sites under every key, and decoys are scored on exactly
//! the evidence of the key that is judged.

mod find;
mod seen;

use std::ops::Range;

use find::Finder;

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
    /// A token counts the first time that it and its window lead to a place of a table this long, a power of two: what leads to
    /// one place has one score under every key.
    pub places: Option<u32>,
}

impl Rule {
    /// Every token after a window counts, but for what `once` passes over.
    pub fn new(width: usize, before: Before, once: Once) -> Self {
        Self { width, before, once, skip: 0, end: None, vocab_size: None, places: None }
    }
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
        let mut finder = Finder::new(rule, texts);
        for text in texts {
            finder.add(text);
        }
        finder.finish()
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
}
