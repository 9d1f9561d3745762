//! A strict reader of TOML tables: every key known, every value of its type and in its range, every complaint with its line.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::Error;

/// One table of the plan, whose keys were all checked to be known.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    source: &'a str,
    path: String,
    at: usize,
    entries: BTreeMap<&'a str, &'a Spanned<DeValue<'a>>>,
}

impl<'a> Reader<'a> {
    /// Opens `table`, refusing keys that are not in `known`.
    pub(super) fn open(
        source: &'a str,
        path: String,
        table: &'a Spanned<DeTable<'a>>,
        known: &[&str],
    ) -> Result<Self, Error> {
        Self::with(source, path, (table.span().start, table.get_ref()), known)
    }

    fn with(
        source: &'a str,
        path: String,
        (at, table): (usize, &'a DeTable<'a>),
        known: &[&str],
    ) -> Result<Self, Error> {
        let mut entries = BTreeMap::new();
        for (key, value) in table {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                return Err(unknown(source, &path, (key.span().start, name), known));
            }
            entries.insert(name, value);
        }
        Ok(Self { source, path, at, entries })
    }

    /// Whether `key` is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// A complaint about `key`, or about the table where the key is absent.
    pub(super) fn error(&self, key: &str, detail: &str) -> Error {
        let at = self.entries.get(key).map_or(self.at, |value| value.span().start);
        Error::Plan { line: line_of(self.source, at), detail: format!("`{}` {detail}", self.name(key)) }
    }

    /// Demands that `key` be there.
    pub(super) fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| self.error(key, "is missing"))
    }

    /// A text that is not blank.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Error> {
        let Some(value) = self.entries.get(key) else { return Ok(None) };
        let text = value.get_ref().as_str().ok_or_else(|| self.mistyped(key, "a string"))?;
        self.sound(key, text).map(Some)
    }

    /// A list of texts, none blank, none twice.
    pub(super) fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let Some(items) = self.array(key)? else { return Ok(None) };
        let mut texts: Vec<String> = Vec::new();
        for item in items {
            let text = item.get_ref().as_str().ok_or_else(|| self.mistyped(key, "a list of strings"))?;
            let text = self.sound(key, text)?;
            if texts.contains(&text) {
                return Err(self.error(key, &format!("names `{text}` twice")));
            }
            texts.push(text);
        }
        Ok(Some(texts))
    }

    /// One of a closed list of words.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<Option<T>, Error> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        self.pick(key, &text, choices).map(Some)
    }

    /// The choice called `text`.
    pub(super) fn pick<T: Copy>(&self, key: &str, text: &str, choices: &[(&str, T)]) -> Result<T, Error> {
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Ok(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let meant = did_you_mean(text, &names);
        Err(self.error(key, &format!("is `{text}`, not one of {}{meant}", list(&names))))
    }

    /// A whole number in `range`.
    pub(super) fn count(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Error> {
        let Some(value) = self.entries.get(key) else { return Ok(None) };
        self.number(key, value, &range).map(Some)
    }

    /// A list of whole numbers in `range`.
    pub(super) fn counts(&self, key: &str, range: &RangeInclusive<u64>) -> Result<Option<Vec<u64>>, Error> {
        let Some(items) = self.array(key)? else { return Ok(None) };
        items.iter().map(|item| self.number(key, item, range)).collect::<Result<_, _>>().map(Some)
    }

    /// A finite number in `range`; whole numbers count.
    pub(super) fn real(&self, key: &str, range: RangeInclusive<f64>) -> Result<Option<f64>, Error> {
        let Some(value) = self.entries.get(key) else { return Ok(None) };
        let number = match value.get_ref() {
            DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
            DeValue::Integer(integer) => {
                i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|whole| whole as f64)
            }
            _ => return Err(self.mistyped(key, "a number")),
        };
        match number {
            Some(number) if number.is_finite() && range.contains(&number) => Ok(Some(number)),
            _ => {
                let (lo, hi) = (range.start(), range.end());
                Err(self.error(key, &format!("must be a number from {lo:?} to {hi:?}")))
            }
        }
    }

    /// True or false.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        let Some(value) = self.entries.get(key) else { return Ok(None) };
        value.get_ref().as_bool().map(Some).ok_or_else(|| self.mistyped(key, "true or false"))
    }

    /// A day, as a TOML date or as text.
    pub(super) fn date(&self, key: &str) -> Result<Option<String>, Error> {
        let Some(value) = self.entries.get(key) else { return Ok(None) };
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => return Err(self.mistyped(key, "a date")),
        };
        match text.parse::<toml::value::Datetime>() {
            Ok(date) if date.date.is_some() && date.time.is_none() && date.offset.is_none() => Ok(Some(text)),
            _ => Err(self.error(key, "must be a date like 2026-11-23")),
        }
    }

    /// The table at `key`.
    pub(super) fn table(&self, key: &str, known: &[&str]) -> Result<Option<Reader<'a>>, Error> {
        let Some(&value) = self.entries.get(key) else { return Ok(None) };
        let table = value.get_ref().as_table().ok_or_else(|| self.mistyped(key, "a table"))?;
        Reader::with(self.source, self.name(key), (value.span().start, table), known).map(Some)
    }

    /// The tables listed at `key`.
    pub(super) fn tables(&self, key: &str, known: &[&str]) -> Result<Vec<Reader<'a>>, Error> {
        let Some(items) = self.array(key)? else { return Ok(Vec::new()) };
        let mut readers = Vec::new();
        for (idx, item) in items.iter().enumerate() {
            let table = item.get_ref().as_table().ok_or_else(|| self.mistyped(key, "a list of tables"))?;
            let path = format!("{}[{idx}]", self.name(key));
            readers.push(Reader::with(self.source, path, (item.span().start, table), known)?);
        }
        Ok(readers)
    }

    fn array(&self, key: &str) -> Result<Option<&'a [Spanned<DeValue<'a>>]>, Error> {
        let Some(&value) = self.entries.get(key) else { return Ok(None) };
        match value.get_ref().as_array() {
            Some(items) => Ok(Some(items)),
            None => Err(self.mistyped(key, "a list")),
        }
    }

    fn number(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        range: &RangeInclusive<u64>,
    ) -> Result<u64, Error> {
        let DeValue::Integer(integer) = value.get_ref() else {
            return Err(self.mistyped(key, "a whole number"));
        };
        match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => {
                let (lo, hi) = (range.start(), range.end());
                Err(self.error(key, &format!("must be a whole number from {lo} to {hi}")))
            }
        }
    }

    fn sound(&self, key: &str, text: &str) -> Result<String, Error> {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err(self.error(key, "must be one line of text that is not blank"));
        }
        Ok(text.to_owned())
    }

    fn mistyped(&self, key: &str, wanted: &str) -> Error {
        let found = self.entries.get(key).map_or("nothing", |value| value.get_ref().type_str());
        self.error(key, &format!("must be {wanted}, not {found}"))
    }

    fn name(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

fn unknown(source: &str, path: &str, (at, name): (usize, &str), known: &[&str]) -> Error {
    let place = if path.is_empty() { "the plan".to_owned() } else { format!("`{path}`") };
    let meant = did_you_mean(name, known);
    let detail = format!("unknown key `{}` in {place}{meant}", name.escape_debug());
    Error::Plan { line: line_of(source, at), detail }
}

/// The closest of `known` to `word`, as a question.
fn did_you_mean(word: &str, known: &[&str]) -> String {
    if word.len() > 64 {
        return String::new();
    }
    known
        .iter()
        .map(|name| (strsim::jaro_winkler(word, name), *name))
        .filter(|(score, _)| 0.8 <= *score)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or_else(String::new, |(_, name)| format!("; did you mean `{name}`?"))
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The line, from 1, that holds the byte at `at`.
pub(super) fn line_of(source: &str, at: usize) -> usize {
    let end = at.min(source.len());
    1 + source.get(..end).unwrap_or(source).matches('\n').count()
}
