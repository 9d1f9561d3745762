//! Text that is safe inside HTML and SVG.

/// Replaces what HTML and XML would read as markup, and drops control characters.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            control if control.is_control() => out.push(' '),
            plain => out.push(plain),
        }
    }
    out
}

/// The beginning of a text, with an ellipsis where it was cut.
pub(crate) fn clipped(text: &str, most_characters: usize) -> String {
    if text.chars().count() <= most_characters {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most_characters.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A model's own name, without the owner before the slash: the full one is in the table.
pub(crate) fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
