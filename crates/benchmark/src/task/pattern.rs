//! Patterns that find an answer in a text, as Python's `re.findall` tells matches.

use regex::Regex;

use super::python::strip;

/// Which of several matches is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The first.
    First,
    /// The last.
    Last,
}

/// A pattern of a recipe, compiled once.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: &'static str,
    regex: Option<Regex>,
}

impl Pattern {
    /// Compiles a pattern of the recipe; one that does not compile matches nothing (a test compiles all).
    pub(super) fn new(source: &'static str) -> Self {
        Self::equal(source, source)
    }

    /// A pattern that the harness writes as `source`, with what our engine does not know: `regex` matches the same.
    pub(super) fn equal(source: &'static str, regex: &str) -> Self {
        Self { source, regex: Regex::new(regex).ok() }
    }

    /// As the harness writes it.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Whether it compiled.
    pub fn compiles(&self) -> bool {
        self.regex.is_some()
    }

    /// The match that is picked, as Python's `findall` tells it: its first group that is not empty, or the whole where there is no group.
    pub(super) fn find(&self, pick: Pick, text: &str) -> Option<String> {
        let regex = self.regex.as_ref()?;
        let found = match pick {
            Pick::First => regex.captures(text)?,
            Pick::Last => regex.captures_iter(text).last()?,
        };
        let from = usize::from(found.len() > 1);
        let group = (from..found.len()).filter_map(|idx| found.get(idx)).find(|group| !group.is_empty());
        Some(strip(group.map_or("", |group| group.as_str())).to_owned())
    }
}
