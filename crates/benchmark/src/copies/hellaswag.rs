//! HellaSwag's text, cleaned of the marks that its `WikiHow` half was scraped with.
//!
//! The public text copy holds only cleaned text, so the canonical record is the cleaned one: the rules are those that made that copy
//! (`klosax/hellaswag_text_data`). Harnesses clean in a slightly different way for their prompts; [`shown`] follows theirs.

/// The text as the canonical record has it.
pub(super) fn cleaned(text: &str) -> String {
    let mut text = text.to_owned();
    let rules = [
        ("[header]", ""),
        ("[step]", ""),
        ("[substeps]", ""),
        (" [title]", ". "),
        ("[title] ", ""),
        ("[title].", ""),
        ("  ", " "),
    ];
    for (old, new) in rules {
        if text.contains(old) {
            text = text.replace(old, new);
        }
    }
    let inner = text.strip_prefix(' ').unwrap_or(&text);
    inner.strip_suffix(' ').unwrap_or(inner).to_owned()
}

/// The text as lm-evaluation-harness shows it to a model.
pub fn shown(text: &str) -> String {
    let titled = text.trim().replace(" [title]", ". ");
    let mut out = String::with_capacity(titled.len());
    let mut rest = titled.as_str();
    while let Some(open) = rest.find('[') {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        // A bracket that is not closed on its line is text.
        let line = from.split('\n').next().unwrap_or(from);
        if let Some(close) = line.find(']') {
            rest = &from[close + 1..];
        } else {
            out.push('[');
            rest = &from[1..];
        }
    }
    out.push_str(rest);
    out.replace("  ", " ")
}

/// A text with its first letter in upper case and the others in lower case, as Python's `str.capitalize` has it.
pub fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    first + &characters.as_str().to_lowercase()
}
