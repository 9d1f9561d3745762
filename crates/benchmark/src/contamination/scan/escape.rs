//! The escapes of JSON strings.

/// The text of a JSON string, without its quotes.
pub(super) fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        text.push_str(&rest[..at]);
        let (character, length) = character(&rest.as_bytes()[at..]);
        text.push(character);
        rest = &rest[at + length..];
    }
    text + rest
}

/// The character that a JSON escape stands for, and how long the escape is. Half a surrogate pair stands for U+FFFD.
pub(super) fn character(raw: &[u8]) -> (char, usize) {
    let simple = |character| (character, 2);
    match raw.get(1) {
        Some(b'n') => simple('\n'),
        Some(b't') => simple('\t'),
        Some(b'r') => simple('\r'),
        Some(b'f') => simple('\u{c}'),
        Some(b'b') => simple('\u{8}'),
        Some(b'u') => {
            let high = unit(raw, 2).unwrap_or(0xfffd);
            let low = unit(raw, 8).filter(|low| raw[6..8] == *b"\\u" && (0xdc00..0xe000).contains(low));
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

/// The number that four hexadecimal digits spell.
fn unit(raw: &[u8], at: usize) -> Option<u32> {
    let digits = raw.get(at..at + 4)?;
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}
