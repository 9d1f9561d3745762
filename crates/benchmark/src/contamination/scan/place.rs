//! Which byte of a document a word begins at: the slow way, taken only where something was found.

use super::normal;

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
            let (character, length) = escape(&raw[at..]);
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

/// The text of a JSON string, without its quotes.
pub(super) fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let (character, length) = escape(&rest[at..]);
        text.push(character);
        rest = &rest[at + length..];
    }
    text + rest
}

/// The character that a JSON escape stands for, and how long the escape is. Half a surrogate pair stands for U+FFFD.
pub(super) fn escape(raw: &str) -> (char, usize) {
    let unit = |at: usize| raw.get(at..at + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let simple = |character| (character, 2);
    match raw.as_bytes().get(1) {
        Some(b'n') => simple('\n'),
        Some(b't') => simple('\t'),
        Some(b'r') => simple('\r'),
        Some(b'f') => simple('\u{c}'),
        Some(b'b') => simple('\u{8}'),
        Some(b'u') => {
            let high = unit(2).unwrap_or(0xfffd);
            let low = unit(8).filter(|low| raw.get(6..8) == Some("\\u") && (0xdc00..0xe000).contains(low));
            match low {
                Some(low) if (0xd800..0xdc00).contains(&high) => {
                    let scalar = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                    (char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
                }
                _ => (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
            }
        }
        Some(&byte) => simple(char::from(byte)),
        None => ('\\', 1),
    }
}
