//! Text in its normal form: ASCII letters lower, ASCII punctuation gone, words between single marks of space.
//!
//! This is the form in which evaluation harnesses compare (lm-evaluation-harness `decontamination/janitor.py`, after GPT-3's
//! appendix C): `string.punctuation` is deleted before the text is split where Python's `str.split` splits. All else counts.
//!
//! It is made in two steps over blocks of 64 bytes, whose loops the compiler turns into vectors. [`strip`] copies what lies between
//! the bytes that are dropped, and undoes JSON's escapes on the way; [`fold`] makes letters lower and white space a space where they
//! lie, and says where the spaces are.

use super::escape;

/// How many bytes are looked at in one step, and how much room is wanted behind the end.
pub(super) const BLOCK: usize = 64;
/// The most that one character or its escape takes.
pub(super) const CHARACTER: usize = 12;

/// How a text is spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As it is.
    Plain,
    /// As between the quotation marks of a string of JSON, whose escapes are sound.
    Json,
}

/// Writes the normal form of a text to `out` from `at` on and returns where it ends; runs of white space stay runs.
/// `out` must have room for the whole text and a block more.
pub(super) fn normalize(text: &[u8], out: &mut [u8], at: usize) -> usize {
    let (_, end) = strip(text, Spelling::Plain, text.len(), out, at);
    for start in (at..end).step_by(BLOCK) {
        if let Some(block) = out[start..].first_chunk_mut() {
            fold(block);
        }
    }
    end
}

/// Writes what stays of a text to `out` from `at` on: punctuation is gone, white space beyond ASCII is a space, the rest is to be
/// [folded](fold). Returns how many bytes of the text were taken (`most`, and as many more as the last character needs) and
/// where what was written ends. `out` must have room for `most` and a block more, with a character between.
pub(super) fn strip(
    text: &[u8],
    spelling: Spelling,
    most: usize,
    out: &mut [u8],
    mut at: usize,
) -> (usize, usize) {
    let stop = most.min(text.len());
    let mut next = 0;
    for base in (0..stop).step_by(BLOCK) {
        let end = stop.min(base + BLOCK);
        let mut stops = match text[base..].first_chunk() {
            Some(block) => stops(block),
            None => stops(&padded(&text[base..])),
        };
        if end - base < BLOCK {
            stops &= (1 << (end - base)) - 1;
        }
        while stops != 0 {
            let here = base + stops.trailing_zeros() as usize;
            stops &= stops - 1;
            // What belongs to an escape is done with.
            if here < next {
                continue;
            }
            let byte = text[here];
            let (instead, length) = match byte {
                b'\\' if spelling == Spelling::Json => escaped(&text[here..]),
                ..0x80 => (None, 1),
                0x80.. => match space_length(&text[here..]) {
                    0 => continue,
                    length => (Some(' '), length),
                },
            };
            at = keep(text, next..here, out, at);
            next = here + length;
            if let Some(character) = instead {
                at += character.encode_utf8(&mut out[at..]).len();
            }
        }
        if next < end {
            at = keep(text, next..end, out, at);
            next = end;
        }
    }
    (next, at)
}

/// Makes letters lower and white space of ASCII a space; bit i says whether byte i is one.
#[inline]
pub(super) fn fold(block: &mut [u8; BLOCK]) -> u64 {
    let mut marks = [0; BLOCK];
    for (byte, mark) in block.iter_mut().zip(&mut marks) {
        let is_space = is_within(*byte, b'\t', b'\r') | is_within(*byte, 0x1c, b' ');
        *byte |= u8::from(is_within(*byte, b'A', b'Z')) << 5;
        *byte = if is_space { b' ' } else { *byte };
        *mark = u8::from(is_space);
    }
    bits(&marks)
}

/// Bit i says whether byte i is a space.
#[inline]
pub(super) fn spaces(block: &[u8; BLOCK]) -> u64 {
    marked(block, |byte| byte == b' ')
}

/// The bytes of a white space beyond ASCII at the start of a text; 0 where there is none.
#[inline]
pub(super) fn space_length(text: &[u8]) -> usize {
    match text {
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [0xe1, 0x9a, 0x80, ..]
        | [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f, ..]
        | [0xe3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

/// Where something may have to be done: at punctuation, and where a white space beyond ASCII may begin.
#[inline]
fn stops(block: &[u8; BLOCK]) -> u64 {
    let dropped = marked(block, is_punctuation);
    if block.is_ascii() {
        return dropped;
    }
    dropped | marked(block, |byte| (byte == 0xc2) | is_within(byte, 0xe1, 0xe3))
}

fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    block
}

/// What an escape stands for, where that stays, and how long it is.
#[inline]
fn escaped(text: &[u8]) -> (Option<char>, usize) {
    match text.get(1) {
        Some(b'n' | b't' | b'r' | b'f') => (Some(' '), 2),
        Some(b'"' | b'\\' | b'/') => (None, 2),
        _ => spelled_out(text),
    }
}

#[cold]
fn spelled_out(text: &[u8]) -> (Option<char>, usize) {
    let (character, length) = escape::character(text);
    let mut buffer = [0; 4];
    let spelled = character.encode_utf8(&mut buffer).as_bytes();
    let character = if space_length(spelled) > 0 { ' ' } else { character };
    (Some(character).filter(|character| !character.is_ascii_punctuation()), length)
}

/// Copies up to a block of the text. A whole block is written whatever is needed of it: no branch depends on the length.
#[inline]
fn keep(text: &[u8], range: std::ops::Range<usize>, out: &mut [u8], at: usize) -> usize {
    let length = range.len();
    match (text[range.start..].first_chunk::<BLOCK>(), out[at..].first_chunk_mut::<BLOCK>()) {
        (Some(from), Some(to)) => *to = *from,
        _ => out[at..at + length].copy_from_slice(&text[range]),
    }
    at + length
}

#[inline]
fn is_punctuation(byte: u8) -> bool {
    let is_letter = is_within(byte | 0x20, b'a', b'z');
    is_within(byte, b'!', b'~') & !(is_letter | is_within(byte, b'0', b'9'))
}

#[inline]
fn is_within(byte: u8, least: u8, most: u8) -> bool {
    byte.wrapping_sub(least) <= most - least
}

#[inline]
fn marked(block: &[u8; BLOCK], is_it: impl Fn(u8) -> bool) -> u64 {
    let mut marks = [0; BLOCK];
    for (mark, &byte) in marks.iter_mut().zip(block) {
        *mark = u8::from(is_it(byte));
    }
    bits(&marks)
}

/// Bit i is byte i, which is 0 or 1.
#[inline]
fn bits(marks: &[u8; BLOCK]) -> u64 {
    let (words, _) = marks.as_chunks::<8>();
    // The product brings byte i of eight to bit 56 + i.
    let eight = |word: &[u8; 8]| u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
    words.iter().enumerate().fold(0, |bits, (i, word)| bits | eight(word) << (8 * i))
}
