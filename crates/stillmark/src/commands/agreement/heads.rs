//! What names a text of the terms pack, and how it is found.

use serde::Serialize;
use stillmark_agreement::{Entry, Pack};

use crate::problem::Problem;

/// What names a text.
#[derive(Serialize)]
pub(super) struct Head<'a> {
    /// The id.
    pub(super) id: &'a str,
    /// What it was written for.
    pub(super) kind: &'a str,
    /// The name.
    pub(super) name: &'a str,
    /// The version.
    pub(super) version: &'a str,
    /// SPDX, where there is one.
    pub(super) license: Option<&'a str>,
    /// The text whose place it took.
    pub(super) supersedes: Option<&'a str>,
    /// The license of an earlier release.
    pub(super) follows: Option<&'a str>,
    /// Since when it is known to have held.
    pub(super) in_force: Option<String>,
    /// When it was read.
    pub(super) retrieved: String,
    /// The digest of its file.
    pub(super) sha256: String,
}

/// Finds a text by its id, or says which was probably meant.
pub(super) fn find<'p>(pack: &'p Pack, id: &str) -> Result<&'p Entry, Problem> {
    pack.get(id).ok_or_else(|| {
        let hint = match pack.nearest(id) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`stillmark agreement terms list` shows all ids".to_owned(),
        };
        Problem::new(format!("there are no terms `{id}` in the pack")).hint(hint)
    })
}

/// Copies what names a text into the form that leaves the process.
pub(super) fn head(entry: &Entry) -> Head<'_> {
    Head {
        id: &entry.id,
        kind: entry.kind.as_str(),
        name: &entry.name,
        version: &entry.version,
        license: entry.license.as_deref(),
        supersedes: entry.supersedes.as_deref(),
        follows: entry.follows.as_deref(),
        in_force: entry.in_force.as_ref().map(ToString::to_string),
        retrieved: entry.retrieved.to_string(),
        sha256: entry.digest().to_string(),
    }
}
