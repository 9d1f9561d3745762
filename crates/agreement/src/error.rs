//! Why a pack, a provenance file or a question about them could not be read.

use std::fmt;

use thiserror::Error;

/// A reason why no ruling could be found; a negative ruling is not an error.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not TOML.
    #[error("line {line}: not TOML: {message}")]
    Toml {
        /// Where, counted from 1.
        line: usize,
        /// What the TOML reader said.
        message: String,
    },
    /// A key that the format does not have.
    #[error("line {line}: unknown key `{key}` in {table}{}", did_you_mean(near.as_deref()))]
    UnknownKey {
        /// Where, counted from 1.
        line: usize,
        /// The table it stands in.
        table: &'static str,
        /// The key.
        key: String,
        /// The key that was probably meant.
        near: Option<String>,
    },
    /// A key that has to be there is absent.
    #[error("line {line}: {table} has no `{key}`")]
    Missing {
        /// Where the table begins, counted from 1.
        line: usize,
        /// The table.
        table: &'static str,
        /// The absent key.
        key: &'static str,
    },
    /// A value of another type than the format asks for.
    #[error("line {line}: `{key}` must be {expected}, found {found}")]
    WrongType {
        /// Where, counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What the format asks for.
        expected: Expected,
        /// What was found.
        found: &'static str,
    },
    /// A word outside a closed vocabulary.
    #[error("line {line}: `{key}` has no word `{word}`{}; known: {}", did_you_mean(near.as_deref()), allowed.join(" "))]
    UnknownWord {
        /// Where, counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// The word.
        word: String,
        /// The word that was probably meant.
        near: Option<String>,
        /// Every known word.
        allowed: Vec<&'static str>,
    },
    /// Two things bear one id.
    #[error("line {line}: `{id}` is named twice")]
    Duplicate {
        /// Where the second stands, counted from 1.
        line: usize,
        /// The id.
        id: String,
    },
    /// An edge or the target names an asset that is not listed.
    #[error("line {line}: no asset is called `{id}`{}", did_you_mean(near.as_deref()))]
    UnknownAsset {
        /// Where, counted from 1.
        line: usize,
        /// The id.
        id: String,
        /// The id that was probably meant.
        near: Option<String>,
    },
    /// Assets that are each made from the other.
    #[error("line {line}: asset `{id}` is made from itself")]
    Cycle {
        /// Where the first edge of the circle stands, counted from 1.
        line: usize,
        /// An asset of the circle.
        id: String,
    },
    /// Terms that the pack does not hold.
    #[error("line {line}: asset `{asset}`: the terms pack has no `{terms}`{}", did_you_mean(near.as_deref()))]
    UnknownTerms {
        /// Where the asset stands, counted from 1.
        line: usize,
        /// The asset.
        asset: String,
        /// The id of the terms.
        terms: String,
        /// The id that was probably meant.
        near: Option<String>,
    },
    /// A value that has to be one alone is another.
    #[error("line {line}: `{key}` must be {wanted}")]
    NotTheValue {
        /// Where, counted from 1.
        line: usize,
        /// The key.
        key: &'static str,
        /// What it has to be.
        wanted: &'static str,
    },
    /// The machine part of an offer is not that of the preset it names.
    #[error("line {line}: `{key}` is not as `{preset}` has it; a preset is taken whole")]
    NotThePreset {
        /// Where, counted from 1.
        line: usize,
        /// The key.
        key: String,
        /// The preset.
        preset: &'static str,
    },
    /// A ruling could not be written as canonical JSON; a fault of this program.
    #[error("the ruling could not be written as JSON: {message}")]
    Canonical {
        /// What the writer said.
        message: String,
    },
}

/// What a format asks a value to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// Text that is not empty.
    String,
    /// A list of texts.
    Strings,
    /// `true` or `false`.
    Boolean,
    /// A whole number, zero or more.
    Count,
    /// A date such as `2026-11-01`.
    Date,
    /// A number from 0 to 1.
    Fraction,
    /// A table, or a list of tables.
    Tables,
    /// A SHA-256 in hex digits.
    Digest,
    /// Hashes of four letters each, in ascending order.
    Hashes,
}

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::String => "a string that is not empty",
            Self::Strings => "a list of strings",
            Self::Boolean => "true or false",
            Self::Count => "a whole number, zero or more",
            Self::Date => "a date such as 2026-11-01",
            Self::Fraction => "a number from 0 to 1",
            Self::Tables => "a table",
            Self::Digest => "a SHA-256 of 64 hex digits",
            Self::Hashes => "hashes of four letters each, in ascending order",
        })
    }
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map_or_else(String::new, |word| format!(" (did you mean `{word}`?)"))
}
