//! Strict reading of TOML: every key is known, every refusal names its line and a near word.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Expected};
use crate::words::Word;

/// Turns byte offsets of a text into line numbers and refusals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    /// Where each line feed lies, in ascending order.
    feeds: &'a [usize],
}

/// A table whose keys are taken one by one; `finish` refuses those that nobody took.
#[derive(Debug)]
pub(crate) struct Table<'a, 't> {
    source: Source<'a>,
    /// How messages call this table, such as `[[asset]]`.
    title: &'static str,
    line: usize,
    values: &'t DeTable<'a>,
    known: BTreeSet<String>,
}

/// A value with the words to refuse it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<'a, 't> {
    source: Source<'a>,
    key: &'static str,
    content: &'t Spanned<DeValue<'a>>,
}

/// Where each line feed of a text lies: found once, since a graph of 10,000 models asks for as many lines.
pub(crate) fn line_feeds(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect()
}

impl<'a> Source<'a> {
    /// Parses a text as TOML; `feeds` are its [`line_feeds`].
    pub(crate) fn parse(text: &'a str, feeds: &'a [usize]) -> Result<(Self, Spanned<DeTable<'a>>), Error> {
        let source = Self { feeds };
        let table = DeTable::parse(text).map_err(|error| Error::Toml {
            line: error.span().map_or(1, |span| source.line(&span)),
            message: error.message().to_owned(),
        })?;
        Ok((source, table))
    }

    fn line(self, span: &Range<usize>) -> usize {
        self.feeds.partition_point(|feed| *feed < span.start) + 1
    }

    /// Opens a table under a title for messages.
    pub(crate) fn table<'t>(self, title: &'static str, table: &'t Spanned<DeTable<'a>>) -> Table<'a, 't> {
        Table {
            source: self,
            title,
            line: self.line(&table.span()),
            values: table.get_ref(),
            known: BTreeSet::new(),
        }
    }
}

impl<'a, 't> Table<'a, 't> {
    /// The line on which the table begins.
    pub(crate) fn line(&self) -> usize {
        self.line
    }

    /// Takes the value of a key that may be absent.
    pub(crate) fn optional(&mut self, key: &'static str) -> Option<Value<'a, 't>> {
        self.known.insert(key.to_owned());
        let content = self.values.get(key)?;
        Some(Value { source: self.source, key, content })
    }

    /// Takes the value of a key that has to be there; names a mistyped one if it finds it.
    pub(crate) fn required(&mut self, key: &'static str) -> Result<Value<'a, 't>, Error> {
        let value = self.optional(key);
        let mistyped = self.values.keys().find(|other| {
            let word: &str = other.get_ref();
            !self.known.contains(word) && strsim::jaro_winkler(word, key) > 0.9
        });
        value.ok_or_else(|| match mistyped {
            None => Error::Missing { line: self.line, table: self.title, key },
            Some(other) => Error::UnknownKey {
                line: self.source.line(&other.span()),
                table: self.title,
                key: other.get_ref().to_string(),
                near: Some(key.to_owned()),
            },
        })
    }

    /// Takes a list of tables; an absent key is an empty list.
    pub(crate) fn tables(
        &mut self,
        key: &'static str,
        title: &'static str,
    ) -> Result<Vec<Table<'a, 't>>, Error> {
        let Some(value) = self.optional(key) else { return Ok(Vec::new()) };
        let list = value.array(Expected::Tables)?;
        list.iter().map(|item| Value { content: item, ..value }.table(title)).collect()
    }

    /// Demands a key whose value is the one of a preset.
    pub(crate) fn same(
        &mut self,
        key: &str,
        wanted: &Spanned<DeValue<'_>>,
        preset: &'static str,
    ) -> Result<(), Error> {
        self.known.insert(key.to_owned());
        let found = self.values.get(key);
        if found.is_some_and(|found| plain(found.get_ref()) == plain(wanted.get_ref())) {
            return Ok(());
        }
        let line = found.map_or(self.line, |found| self.source.line(&found.span()));
        Err(Error::NotThePreset { line, key: key.to_owned(), preset })
    }

    /// Refuses any key that was not asked for.
    pub(crate) fn finish(self) -> Result<(), Error> {
        for key in self.values.keys() {
            let word: &str = key.get_ref();
            if !self.known.contains(word) {
                return Err(Error::UnknownKey {
                    line: self.source.line(&key.span()),
                    table: self.title,
                    key: word.to_owned(),
                    near: nearest(word, self.known.iter().map(String::as_str)),
                });
            }
        }
        Ok(())
    }
}

impl<'a, 't> Value<'a, 't> {
    /// The line on which the value stands.
    pub(crate) fn line(self) -> usize {
        self.source.line(&self.content.span())
    }

    /// The refusal of a value of another form.
    pub(crate) fn refuse(self, expected: Expected) -> Error {
        Error::WrongType {
            line: self.line(),
            key: self.key,
            expected,
            found: self.content.get_ref().type_str(),
        }
    }

    /// Refuses a value that has to be one alone.
    pub(crate) fn not_the(self, wanted: &'static str) -> Error {
        Error::NotTheValue { line: self.line(), key: self.key, wanted }
    }

    fn array(self, expected: Expected) -> Result<&'t [Spanned<DeValue<'a>>], Error> {
        self.content.get_ref().as_array().map(|list| &**list).ok_or_else(|| self.refuse(expected))
    }

    fn table(self, title: &'static str) -> Result<Table<'a, 't>, Error> {
        let values = self.content.get_ref().as_table().ok_or_else(|| self.refuse(Expected::Tables))?;
        Ok(Table { source: self.source, title, line: self.line(), values, known: BTreeSet::new() })
    }

    /// Reads one table.
    pub(crate) fn one_table(self, title: &'static str) -> Result<Table<'a, 't>, Error> {
        self.table(title)
    }

    /// Reads a string that is not empty.
    pub(crate) fn string(self) -> Result<String, Error> {
        match self.content.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Ok(text.to_owned()),
            _ => Err(self.refuse(Expected::String)),
        }
    }

    /// Reads a list of strings.
    pub(crate) fn strings(self) -> Result<Vec<String>, Error> {
        let list = self.array(Expected::Strings)?;
        list.iter().map(|item| Value { content: item, ..self }.string()).collect()
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(self) -> Result<bool, Error> {
        self.content.get_ref().as_bool().ok_or_else(|| self.refuse(Expected::Boolean))
    }

    /// Reads a whole number that is not negative.
    pub(crate) fn count(self) -> Result<u64, Error> {
        let number = self.content.get_ref().as_integer();
        number
            .and_then(|digits| u64::from_str_radix(digits.as_str(), digits.radix()).ok())
            .ok_or_else(|| self.refuse(Expected::Count))
    }

    /// Reads a number between 0 and 1.
    pub(crate) fn fraction(self) -> Result<f64, Error> {
        let number = match self.content.get_ref() {
            DeValue::Float(float) => float.as_str().parse::<f64>().ok(),
            DeValue::Integer(digits) => digits.as_str().parse::<f64>().ok(),
            _ => None,
        };
        number.filter(|number| (0.0..=1.0).contains(number)).ok_or_else(|| self.refuse(Expected::Fraction))
    }

    /// Reads a calendar date, bare or quoted.
    pub(crate) fn date(self) -> Result<stillmark_evidence::Date, Error> {
        let text = match self.content.get_ref() {
            DeValue::Datetime(datetime) if datetime.time.is_none() => datetime.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => return Err(self.refuse(Expected::Date)),
        };
        text.parse().map_err(|_| self.refuse(Expected::Date))
    }

    /// Reads one word of a closed vocabulary.
    pub(crate) fn word<W: Word>(self) -> Result<W, Error> {
        let word = self.string()?;
        W::from_word(&word).ok_or_else(|| Error::UnknownWord {
            line: self.line(),
            key: self.key,
            near: nearest(&word, W::ALL.iter().map(|(known, _)| *known)),
            allowed: W::ALL.iter().map(|(known, _)| *known).collect(),
            word,
        })
    }

    /// Reads a list of words of a closed vocabulary.
    pub(crate) fn words<W: Word>(self) -> Result<Vec<W>, Error> {
        let list = self.array(Expected::Strings)?;
        list.iter().map(|item| Value { content: item, ..self }.word()).collect()
    }
}

/// The known word that a mistyped one most resembles.
pub(crate) fn nearest<'k, I: Iterator<Item = &'k str>>(word: &str, known: I) -> Option<String> {
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate.to_owned())
}

/// A value without its places in the text.
fn plain(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(digits) => {
            let number = i64::from_str_radix(digits.as_str(), digits.radix());
            number.map_or_else(|_| toml::Value::String(digits.to_string()), toml::Value::Integer)
        }
        DeValue::Float(digits) => {
            let number = digits.as_str().parse();
            number.map_or_else(|_| toml::Value::String(digits.to_string()), toml::Value::Float)
        }
        DeValue::Boolean(flag) => toml::Value::Boolean(*flag),
        DeValue::Datetime(datetime) => toml::Value::Datetime(*datetime),
        DeValue::Array(items) => toml::Value::Array(items.iter().map(|item| plain(item.get_ref())).collect()),
        DeValue::Table(table) => toml::Value::Table(
            table.iter().map(|(key, item)| (key.get_ref().to_string(), plain(item.get_ref()))).collect(),
        ),
    }
}
