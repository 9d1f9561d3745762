//! Patterns of Python's `re`, as far as they mean the same here.

use regex::Regex;

/// A pattern, compiled.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    regex: Regex,
    /// Whether it ends in `$`, which in Python also stands before a newline at the end of the text.
    at_end: bool,
}

impl Pattern {
    /// Compiles a pattern; `None` where our engine does not know it (looking around, referring back).
    pub(super) fn new(source: &str) -> Option<Self> {
        let escaped = source.bytes().rev().skip(1).take_while(|byte| *byte == b'\\').count() % 2 == 1;
        let at_end = source.ends_with('$') && !escaped;
        let regex = Regex::new(&source.replace("\\Z", "\\z")).ok()?;
        Some(Self { regex, at_end })
    }

    /// Every match as `re.findall` tells it: the whole, or the groups, the first that is not empty.
    pub(super) fn pick(&self, text: &str, select: i64) -> Option<Found> {
        let groups = self.regex.captures_len() - 1;
        let body = self.body(text);
        let mut all: Vec<_> = self.regex.captures_iter(body).collect();
        let idx =
            if select < 0 { all.len().checked_sub(select.unsigned_abs() as usize)? } else { select as usize };
        if idx >= all.len() {
            // Python would have stopped: no log was written.
            return None;
        }
        let found = all.swap_remove(idx);
        let text = |idx: usize| found.get(idx).map_or("", |group| group.as_str());
        Some(match groups {
            0 | 1 => Found::Text(text(groups).to_owned()),
            _ => match (1..=groups).map(text).find(|group| !group.is_empty()) {
                Some(group) => Found::Text(group.to_owned()),
                None => Found::Empty,
            },
        })
    }

    /// The text without every match (`re.sub(pattern, "", text)`).
    pub(super) fn removed(&self, text: &str) -> String {
        let body = self.body(text);
        let mut out = self.regex.replace_all(body, "").into_owned();
        out.push_str(&text[body.len()..]);
        out
    }

    fn body<'t>(&self, text: &'t str) -> &'t str {
        if self.at_end { text.strip_suffix('\n').unwrap_or(text) } else { text }
    }
}

/// A match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// Its text.
    Text(String),
    /// Several groups, all empty.
    Empty,
}
