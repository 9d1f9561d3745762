//! The loose form of a text, in which encodings of the same words do not differ.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfkc_quick};

use crate::bytes::plain_length;

/// A text without what differs between encodings of the same words: typographic quotes become plain ones, then the text is
/// brought to NFKC, and white space is trimmed and collapsed to single spaces.
pub fn loose(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut out = Collapsed { out: String::with_capacity(text.len()) };
    let mut rest = text;
    // ASCII is copied. What is not is brought to NFKC together with the one character before it, with which a mark may become one; no
    // ASCII character becomes one with what stands before it.
    while let Some(at) = rest.bytes().position(|byte| !byte.is_ascii()) {
        let start = at.saturating_sub(1);
        let length = rest.as_bytes()[at..].iter().take_while(|byte| !byte.is_ascii()).count();
        let (before, later) = rest.split_at(start);
        let (piece, later) = later.split_at(at - start + length);
        out.push_ascii(before);
        let folded = piece.chars().map(plain_quote);
        if is_nfkc_quick(piece.chars()) == IsNormalized::Yes {
            folded.for_each(|character| out.push(character));
        } else {
            // NFKC makes some characters into quotes and spaces of their own, so these are folded after it as well.
            folded.nfkc().map(plain_quote).for_each(|character| out.push(character));
        }
        rest = later;
    }
    out.push_ascii(rest);
    Cow::Owned(out.finish())
}

/// Whether a text is ASCII that [`loose`] leaves as it is.
pub(super) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_trimmed = ![bytes.first(), bytes.last()].into_iter().flatten().any(|byte| is_space(*byte));
    is_trimmed && plain_length(bytes) == bytes.len()
}

/// White space of ASCII, as Unicode has it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// A text that is being written without white space at its ends, and with single spaces within.
struct Collapsed {
    out: String,
}

impl Collapsed {
    fn push(&mut self, character: char) {
        if !character.is_whitespace() {
            self.out.push(character);
        } else if !self.out.is_empty() && !self.out.ends_with(' ') {
            self.out.push(' ');
        }
    }

    fn push_ascii(&mut self, mut text: &str) {
        while let Some(first) = text.chars().next() {
            let plain = plain_length(text.as_bytes());
            if plain == 0 || first == ' ' {
                self.push(first);
                text = &text[1..];
            } else {
                self.out.push_str(&text[..plain]);
                text = &text[plain..];
            }
        }
    }

    fn finish(mut self) -> String {
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out
    }
}

fn plain_quote(character: char) -> char {
    match character {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2035}' | '\u{2039}' | '\u{203a}' | '\u{b4}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' | '\u{ab}' | '\u{bb}' => '"',
        other => other,
    }
}
