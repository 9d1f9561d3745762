//! What names a text of the terms pack, and how it is found.

use serde::Serialize;
use stillmark_agreement::{Entry, Pack};

use crate::problem::Problem;

/// What names a text.
#[derive(Serialize)]
pub(super) struct Head<'a> {
    id: &'a str,
    kind: &'a str,
    name: &'a str,
    version: &'a str,
    license: Option<&'a str>,
    supersedes: Option<&'a str>,
    follows: Option<&'a str>,
    in_force: Option<String>,
    retrieved: String,
    sha256: String,
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
