//! Bytes of a text that ask for care, found eight at a step.

const ONES: u64 = 0x0101_0101_0101_0101;
/// The high bit of each byte.
pub(crate) const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte that is this ASCII character.
#[inline]
pub(crate) fn bytes_of(word: u64, character: u8) -> u64 {
    let other = word ^ (ONES * u64::from(character));
    !(((other & !HIGH) + !HIGH) | other) & HIGH
}

/// The high bit of each byte that is less than this ASCII character.
fn bytes_below(word: u64, character: u8) -> u64 {
    !(((word & !HIGH) + ONES * u64::from(0x80 - character)) | word) & HIGH
}

/// How many bytes come before the first that is no ASCII, a control character or the second space in a row; eight are looked at in one step.
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    // The first byte of a word follows the last of the word before.
    let mut before = 0;
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let spaces = bytes_of(word, b' ');
        let odd = word & HIGH | bytes_below(word, b' ') | spaces & (spaces << 8 | before);
        if odd != 0 {
            return at * 8 + odd.trailing_zeros() as usize / 8;
        }
        before = spaces >> 56;
    }
    let mut is_after_space = before != 0;
    let odd = rest.iter().position(|&byte| {
        let is_odd = !byte.is_ascii() || byte < b' ' || byte == b' ' && is_after_space;
        is_after_space = byte == b' ';
        is_odd
    });
    words.len() * 8 + odd.unwrap_or(rest.len())
}

/// The next byte that a JSON string does not hold as it is; eight are looked at in one step.
pub(crate) fn next_special(bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let special = bytes_below(word, b' ') | bytes_of(word, b'"') | bytes_of(word, b'\\');
        if special != 0 {
            return Some(at * 8 + special.trailing_zeros() as usize / 8);
        }
    }
    let is_special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    rest.iter().position(is_special).map(|at| words.len() * 8 + at)
}
