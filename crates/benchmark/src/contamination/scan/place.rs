//! Which byte of a document a word begins at: the slow way, taken only where something was found.

use super::{escape, normal};

/// What a piece of text is to the words about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Space,
    Dropped,
    Kept,
}

/// Where words begin, counted from `before`; `wanted` ascends. Words that lie elsewhere get the end of the text.
#[derive(Debug)]
struct Search<'a> {
    wanted: &'a [u64],
    next: u64,
    in_word: bool,
    found: Vec<usize>,
}

impl Search<'_> {
    fn push(&mut self, at: usize, kind: Kind) {
        match kind {
            Kind::Space => self.in_word = false,
            Kind::Kept if !self.in_word => {
                self.in_word = true;
                while self.wanted.get(self.found.len()).is_some_and(|&word| word <= self.next) {
                    self.found.push(at);
                }
                self.next += 1;
            }
            Kind::Dropped | Kind::Kept => {}
        }
    }

    fn is_done(&self) -> bool {
        self.found.len() == self.wanted.len()
    }

    fn finish(mut self, end: usize) -> Vec<usize> {
        self.found.resize(self.wanted.len(), end);
        self.found
    }
}

/// Where words of a plain text begin, `before` words lying before it.
pub(super) fn in_text(text: &[u8], before: u64, wanted: &[u64]) -> Vec<usize> {
    let mut search = Search { wanted, next: before, in_word: false, found: Vec::new() };
    let mut at = 0;
    while at < text.len() && !search.is_done() {
        let (kind, length) = kind_of(&text[at..]);
        search.push(at, kind);
        at += length;
    }
    search.finish(text.len())
}

/// How many words of a text have ended in it.
pub(super) fn ended(text: &[u8]) -> u64 {
    let mut search = Search { wanted: &[u64::MAX], next: 0, in_word: false, found: Vec::new() };
    let mut at = 0;
    while at < text.len() {
        let (kind, length) = kind_of(&text[at..]);
        search.push(at, kind);
        at += length;
    }
    search.next - u64::from(search.in_word)
}

/// Where words of a JSON string, without its quotes, begin.
pub(super) fn in_json(raw: &str, wanted: &[u64]) -> Vec<usize> {
    let mut search = Search { wanted, next: 0, in_word: false, found: Vec::new() };
    let mut at = 0;
    while at < raw.len() && !search.is_done() {
        if raw.as_bytes()[at] == b'\\' {
            let (character, length) = escape::character(&raw.as_bytes()[at..]);
            let mut buffer = [0; 4];
            search.push(at, kind_of(character.encode_utf8(&mut buffer).as_bytes()).0);
            at += length;
        } else {
            let (kind, length) = kind_of(&raw.as_bytes()[at..]);
            search.push(at, kind);
            at += length;
        }
    }
    search.finish(raw.len())
}

fn kind_of(text: &[u8]) -> (Kind, usize) {
    match (normal::space_length(text), text.first()) {
        (0, Some(b'\t'..=b'\r' | 0x1c..=0x20)) => (Kind::Space, 1),
        (0, Some(byte)) if byte.is_ascii_punctuation() => (Kind::Dropped, 1),
        (0, _) => (Kind::Kept, 1),
        (length, _) => (Kind::Space, length),
    }
}
