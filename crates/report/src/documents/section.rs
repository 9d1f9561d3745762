//! Documents for people: titled sections of two-column tables.

use super::{ABSENT, Facts, Kind};
use stillmark_evidence::documents::row;

/// A section: its title, and what its table lists.
pub(super) struct Section {
    /// The title, with its number where the template has one.
    pub(super) title: &'static str,
    /// The rows, in their order.
    pub(super) rows: &'static [Rows],
}

/// Some rows of a table.
pub(super) enum Rows {
    /// These facts, each of which says so where it was not recorded.
    Named(&'static [&'static str]),
    /// Every fact that the document carries whose name begins with that word.
    Family(&'static str),
    /// Questions that no record answers.
    Asked(&'static [&'static str]),
    /// What the writer itself puts in words.
    Told(&'static str, fn(&Facts<'_>) -> String),
}

/// The sections of a document, one after the other.
pub(super) fn write(facts: &Facts<'_>, kind: Kind, sections: &[Section]) -> String {
    let carried = kind.carried(&facts.named);
    let mut parts = Vec::new();
    for section in sections {
        // A number with a dot at its end heads a chapter.
        let number = section.title.split(' ').next().unwrap_or_default();
        let level = if number.ends_with('.') { "##" } else { "###" };
        parts.push(format!("\n{level} {}\n", section.title));
        let mut lines = Vec::new();
        for rows in section.rows {
            match rows {
                Rows::Named(names) => lines.extend(names.iter().map(|name| row(name, facts.shown(name)))),
                Rows::Asked(names) => lines.extend(names.iter().map(|name| row(name, ABSENT))),
                Rows::Told(name, words) => lines.push(row(name, &words(facts))),
                Rows::Family(first) => {
                    let family = carried.iter().filter(|(name, _)| name.split(' ').next() == Some(*first));
                    lines.extend(family.map(|(name, value)| row(name, value)));
                }
            }
        }
        if lines.is_empty() && !section.rows.is_empty() {
            parts.push("\nThe record names none.\n".to_owned());
        } else if !lines.is_empty() {
            parts.push(format!("\n| Fact | Recorded |\n|---|---|\n{}\n", lines.join("\n")));
        }
    }
    parts.concat()
}
