//! What a scan has found so far, kept in a file, so that one that was interrupted or killed goes on where it stood.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use stillmark_benchmark::contamination::scan::{Index, Tally};
use stillmark_evidence::Digest;

use super::corpus::Position;
use crate::files::{self, Secrecy};
use crate::problem::Problem;

const SCHEMA: &str = "stillmark/contamination-scan-state/v1";

/// The file that holds a scan's state.
pub(super) struct State<'a> {
    path: &'a Path,
    /// What is looked for, and where: another scan does not go on with it.
    of: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    schema: String,
    of: Digest,
    at: Position,
    tally: Tally,
}

impl<'a> State<'a> {
    /// The state of a scan for what the index holds, in a field of these files.
    pub(super) fn of(
        path: &'a Path,
        index: &Index,
        field: &str,
        files: &[(PathBuf, u64)],
    ) -> Result<Self, Problem> {
        let mut of = vec![format!("{} {field:?}", index.digest())];
        for (file, size) in files {
            let about = std::fs::metadata(file).map_err(|err| files::cannot("read", file, &err))?;
            let changed = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            of.push(format!("{} {size} {}", file.display(), changed.unwrap_or_default().as_nanos()));
        }
        Ok(Self { path, of: Digest::of(of.join("\n").as_bytes()) })
    }

    /// Where a scan stood and what it had found; none where there is no such file yet.
    pub(super) fn read(&self) -> Result<Option<(Position, Tally)>, Problem> {
        if !self.path.exists() {
            return Ok(None);
        }
        let shown = self.path.display();
        let text = files::read_text(self.path)?;
        let saved: Saved = serde_json::from_str(&text).map_err(|err| {
            Problem::new(format!("{shown} is no state of a scan"))
                .cause(err.to_string())
                .hint("name a file that is not there yet, or the one of an interrupted scan")
        })?;
        if saved.schema != SCHEMA || saved.of != self.of {
            return Err(Problem::new(format!("{shown} is the state of another scan"))
                .hint("the corpus, the benchmarks, `--n` and `--field` must be the same as then: start anew with another `--state`"));
        }
        Ok(Some((saved.at, saved.tally)))
    }

    /// Keeps where a scan stands and what it has found.
    pub(super) fn write(&self, at: Position, tally: &Tally) -> Result<(), Problem> {
        let saved = Saved { schema: SCHEMA.to_owned(), of: self.of, at, tally: tally.clone() };
        let text = serde_json::to_vec(&saved).map_err(|err| {
            Problem::new("the state of the scan could not be written as JSON").cause(err.to_string())
        })?;
        files::write(self.path, &text, Secrecy::Public)
    }
}
