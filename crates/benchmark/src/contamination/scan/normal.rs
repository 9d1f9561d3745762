//! Text in its normal form: ASCII letters lower, ASCII punctuation gone, words between single marks of space.
//!
//! This is the form in which evaluation harnesses compare (lm-evaluation-harness `decontamination/janitor.py`, after GPT-3's
//! appendix C): `string.punctuation` is deleted before the text is split where Python's `str.split` splits. All else counts.

use crate::bytes::{HIGH, bytes_of};

/// What a byte becomes (low byte) and whether it stays (bit 8).
const TABLE: [u16; 256] = table();
/// How many bytes the fast path takes at once, and how much room it wants behind the end.
pub(super) const STRIDE: usize = 32;

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let character = byte as u8;
        let normal = match character {
            b'\t'..=b'\r' | 0x1c..=0x20 => b' ',
            _ => character.to_ascii_lowercase(),
        };
        let stays = !character.is_ascii_punctuation();
        table[byte] = normal as u16 | (stays as u16) << 8;
        byte += 1;
    }
    table
}

/// Writes the normal form of a text to `out` from `at` on and returns where it ends; runs of white space stay runs.
/// `out` must have room for the whole text and a stride more; the text must not end within a character.
pub(super) fn normalize(text: &[u8], out: &mut [u8], mut at: usize) -> usize {
    let mut next = 0;
    while let Some(chunk) = text.get(next..).and_then(|rest| rest.first_chunk::<STRIDE>()) {
        if is_ascii(chunk) {
            at += ascii(chunk, &mut out[at..at + STRIDE]);
            next += STRIDE;
        } else {
            let end = next + STRIDE;
            while next < end {
                next += character(&text[next..], out, &mut at);
            }
        }
    }
    while next < text.len() {
        next += character(&text[next..], out, &mut at);
    }
    at
}

fn is_ascii(chunk: &[u8; STRIDE]) -> bool {
    let (words, _) = chunk.as_chunks::<8>();
    words.iter().fold(0, |all, word| all | u64::from_le_bytes(*word)) & HIGH == 0
}

/// Every byte is written and the end moves on only past those that stay: no branch depends on the text.
#[inline]
fn ascii(chunk: &[u8; STRIDE], out: &mut [u8]) -> usize {
    let Some(out) = out.first_chunk_mut::<STRIDE>() else { return 0 };
    let mut kept = 0;
    for &byte in chunk {
        let entry = TABLE[byte as usize];
        out[kept % STRIDE] = entry as u8;
        kept += usize::from(entry >> 8);
    }
    kept
}

/// Takes one character, or one byte of a longer one that is no white space, and returns how many bytes that was.
#[inline]
fn character(text: &[u8], out: &mut [u8], at: &mut usize) -> usize {
    let (normal, stays, length) = match space_length(text) {
        0 => {
            let entry = TABLE[text[0] as usize];
            (entry as u8, usize::from(entry >> 8), 1)
        }
        length => (b' ', 1, length),
    };
    out[*at] = normal;
    *at += stays;
    length
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

/// How much of a text may be cut off at `most` bytes so that no character is torn; never none of it.
pub(super) fn whole_characters(text: &[u8], most: usize) -> usize {
    if text.len() <= most {
        return text.len();
    }
    // A character has four bytes at most: what goes on for longer is no UTF-8, and is no white space wherever it is cut.
    let start = (most.saturating_sub(3)..=most).rev().find(|&at| text[at] & 0xc0 != 0x80);
    start.filter(|&at| at > 0).unwrap_or(most)
}

/// Bit i says whether byte i of 64 is a space.
#[inline]
pub(super) fn spaces(block: &[u8; 64]) -> u64 {
    let (words, _) = block.as_chunks::<8>();
    let mut mask = 0;
    for (i, word) in words.iter().enumerate() {
        let found = bytes_of(u64::from_le_bytes(*word), b' ');
        mask |= (found.wrapping_mul(0x0002_0408_1020_4081) >> 56) << (8 * i);
    }
    mask
}
