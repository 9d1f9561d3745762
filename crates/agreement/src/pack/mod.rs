//! The terms pack: what licenses and terms of use say about distillation, as dated facts.

mod entry;
mod parse;
mod shipped;

use std::collections::BTreeMap;

use stillmark_evidence::Digest;

pub use entry::{Breach, Duty, Entry, Exception, Limit, Met, Rule, SmallShare, Test};

use crate::error::Error;
use crate::read::nearest;

/// Entries of the terms pack by id.
#[derive(Debug, Clone)]
pub struct Pack {
    entries: BTreeMap<String, Entry>,
}

impl Pack {
    /// Reads the entries that come with this crate.
    pub fn shipped() -> Result<Self, Error> {
        Self::parse(shipped::FILES.iter().copied())
    }

    /// Reads a pack from the texts of its entry files.
    pub fn parse<'a, I: IntoIterator<Item = &'a str>>(files: I) -> Result<Self, Error> {
        let mut entries = BTreeMap::new();
        for text in files {
            let entry = parse::entry(text)?;
            let id = entry.id.clone();
            if entries.insert(id.clone(), entry).is_some() {
                return Err(Error::Duplicate { line: 1, id });
            }
        }
        Ok(Self { entries })
    }

    /// Finds an entry by its id.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// Every entry, ordered by id.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The id that a mistyped one most resembles.
    pub fn nearest(&self, id: &str) -> Option<String> {
        nearest(id, self.entries.keys().map(String::as_str))
    }

    /// The digest of the list of all entries' ids and digests.
    pub fn digest(&self) -> Digest {
        let lines: Vec<String> =
            self.entries.values().map(|entry| format!("{}  {}\n", entry.digest(), entry.id)).collect();
        Digest::of(lines.concat().as_bytes())
    }
}
