//! What Python's text functions do where Rust's differ.

/// Whether `str.isspace` holds: Unicode white space and the four separators U+001C to U+001F.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.strip()`.
pub fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// `str.split()`: the words between white space.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// Whether white space stands at the join of two texts, or one of them is empty.
pub(super) fn joined_by_space(before: &str, after: &str) -> bool {
    before.chars().next_back().is_none_or(is_space) || after.chars().next().is_none_or(is_space)
}
