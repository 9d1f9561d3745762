//! What quotation marks and backslashes of a table mean, by how they are read.

use memchr::memchr;

/// How quotes are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    /// As Python's `csv` reads them.
    Python,
    /// A backslash makes text of the quote, backslash, separator or line feed after it.
    Backslash,
    /// A quote closes a cell only before a separator or a line's end.
    Outer,
    /// As `Outer`, and where quotes follow on the line only before one of them.
    Wrapped,
    /// Quotes are text.
    Text,
    /// Quotes are text, and a separator before a space is too.
    SpacedText,
}

/// Whether what follows these bytes of a cell has a backslash of its own before it.
pub(super) fn is_escaped(before: &[u8]) -> bool {
    !before.iter().rev().take_while(|byte| **byte == b'\\').count().is_multiple_of(2)
}

/// Whether a cell without quotes around it holds one that nothing escapes.
pub(super) fn has_bare_quote(cell: &str, quotes: Quotes) -> bool {
    let bytes = cell.as_bytes();
    memchr::memchr_iter(b'"', bytes).any(|at| quotes != Quotes::Backslash || !is_escaped(&bytes[..at]))
}

/// A cell without the backslashes that escape something; none where there are none. Others are text: `\frac`.
pub(super) fn unescaped(cell: &str, separator: u8) -> Option<String> {
    let mut at = memchr(b'\\', cell.as_bytes())?;
    let (mut text, mut from) = (String::new(), 0);
    while let Some(next) = cell.as_bytes().get(at + 1) {
        if [b'"', b'\\', b'\n', separator].contains(next) {
            text.push_str(&cell[from..at]);
            from = at + 1;
        }
        let Some(found) = memchr(b'\\', &cell.as_bytes()[at + 2..]) else { break };
        at += 2 + found;
    }
    text.push_str(&cell[from..]);
    (text.len() < cell.len()).then_some(text)
}

/// Whether a quote before these bytes closes its cell.
pub(super) fn closes(after: &[u8], separator: u8, quotes: Quotes) -> bool {
    match after {
        [] | [b'\n' | b'\r', ..] => !matches!(after, [b'\r', next, ..] if *next != b'\n'),
        [first, rest @ ..] if *first == separator && quotes == Quotes::Wrapped => {
            let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len())];
            rest.first() == Some(&b'"') || memchr(b'"', line).is_none()
        }
        [first, ..] => *first == separator,
    }
}
