//! Hashes of words and of runs of words. They only choose where to look: what counts is compared byte by byte.

/// What a run's hash is multiplied by from word to word.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const LOW: u64 = 0xd6e8_feb8_6659_fd93;
const HIGH: u64 = 0xa076_1d64_78bd_642f;
/// How many bytes may be read behind a word's start.
pub(super) const REACH: usize = 16;
/// The longest run of words whose hash is asked for.
pub(super) const LONGEST: usize = 32;
/// STEP to the power of a run's length.
const POWERS: [u64; LONGEST + 1] = powers();
/// The bytes of the first and second half of a word of so many bytes.
const MASKS: [(u64, u64); REACH + 1] = masks();

const fn powers() -> [u64; LONGEST + 1] {
    let mut powers = [1; LONGEST + 1];
    let mut i = 1;
    while i <= LONGEST {
        powers[i] = u64::wrapping_mul(powers[i - 1], STEP);
        i += 1;
    }
    powers
}

const fn masks() -> [(u64, u64); REACH + 1] {
    let mut masks = [(u64::MAX, u64::MAX); REACH + 1];
    let mut length = 0;
    while length < REACH {
        masks[length] =
            if length < 8 { ((1 << (8 * length)) - 1, 0) } else { (u64::MAX, (1 << (8 * (length - 8))) - 1) };
        length += 1;
    }
    masks
}

/// The hash of the word from `start` to `end`; [`REACH`] bytes after its start must be there, whatever they hold.
#[inline]
pub(super) fn word(text: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    let Some(bytes) = text.get(start..start + REACH) else { return 0 };
    let (halves, _) = bytes.as_chunks::<8>();
    let &[low, high] = halves else { return 0 };
    let (first, second) = MASKS[length.min(REACH)];
    let low = (u64::from_le_bytes(low) & first).wrapping_mul(LOW);
    let high = (u64::from_le_bytes(high) & second).wrapping_mul(HIGH);
    let hash = low ^ high.rotate_left(29);
    let hash = if length > REACH { rest(hash, &text[start + REACH..end]) } else { hash };
    hash ^ (hash >> 32)
}

#[cold]
fn rest(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(LOW).rotate_left(23))
}

/// The hash of all words so far, from that of those before and the next word's.
#[inline]
pub(super) fn push(before: u64, word: u64) -> u64 {
    before.wrapping_mul(STEP).wrapping_add(word)
}

/// What [`between`] wants to know of the length of a run.
pub(super) fn power(length: usize) -> u64 {
    POWERS[length % (LONGEST + 1)]
}

/// The hash of the last words, from that of all and of all before them, and the [power] of their number.
#[inline]
pub(super) fn between(all: u64, before: u64, power: u64) -> u64 {
    let hash = all.wrapping_sub(before.wrapping_mul(power));
    (hash ^ (hash >> 32)).wrapping_mul(HIGH)
}
