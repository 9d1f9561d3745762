//! The terms pack: what licenses and terms of use say about distillation, as dated facts.

mod diff;
mod entry;
mod parse;
mod shipped;

use std::collections::{BTreeMap, BTreeSet};

use stillmark_evidence::{Date, Digest};

pub use diff::{Aspect, Difference, diff};
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

    /// The newest texts that had taken the place of another by a day, as far as they are listed.
    pub fn newer(&self, id: &str, on: &Date) -> Vec<&Entry> {
        let mut seen = BTreeSet::from([id]);
        let mut open = vec![id];
        let mut newest = Vec::new();
        while let Some(older) = open.pop() {
            let held = |entry: &&Entry| entry.in_force.as_ref().is_some_and(|since| since <= on);
            let successors =
                self.entries.values().filter(|entry| entry.supersedes.as_deref() == Some(older)).filter(held);
            let mut last = true;
            for entry in successors.filter(|entry| seen.insert(entry.id.as_str())) {
                open.push(&entry.id);
                last = false;
            }
            if last && older != id {
                newest.extend(self.get(older));
            }
        }
        newest.sort_by(|left, right| left.id.cmp(&right.id));
        newest
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
