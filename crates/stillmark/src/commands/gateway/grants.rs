//! The folder of grants that keys take under, looked at again and again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use stillmark_evidence::Date;
use stillmark_evidence::consent::ending;
use stillmark_evidence::verify::{self, Trust};
use stillmark_gateway::grants::{Granted, Grants};

use crate::clock;
use crate::consent;
use crate::files;
use crate::output::Talk;
use crate::problem::Problem;

/// A folder of grants as it was last seen.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// When each file was changed, and how long it was.
    seen: BTreeMap<PathBuf, (Option<SystemTime>, u64)>,
    day: Option<Date>,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), seen: BTreeMap::new(), day: None }
    }

    /// The grants as they stand today, where a file or the day changed. One that cannot be verified is told of and left out: its keys
    /// are refused.
    pub(super) fn changed(&mut self, talk: Talk) -> Result<Option<Grants>, Problem> {
        let cannot = |err| files::cannot("read", &self.path, &err);
        let mut seen = BTreeMap::new();
        for entry in std::fs::read_dir(&self.path).map_err(cannot)? {
            let entry = entry.map_err(cannot)?;
            let meta = entry.metadata().map_err(cannot)?;
            seen.insert(entry.path(), (meta.modified().ok(), meta.len()));
        }
        let today: Date =
            clock::today().parse().map_err(|err: stillmark_evidence::Error| Problem::from_error(&err))?;
        if self.seen == seen && self.day.as_ref() == Some(&today) {
            return Ok(None);
        }
        let grants = seen
            .keys()
            .filter(|path| is_grant(path))
            .filter_map(|path| granted(path).map_err(|problem| talk.problem(&problem)).ok());
        let grants = Grants::new(grants.collect::<Vec<_>>(), today.clone());
        self.seen = seen;
        self.day = Some(today);
        Ok(Some(grants))
    }
}

fn is_grant(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let others = [ending::ACCEPTANCE, ending::REVOCATION];
    name.ends_with(ending::GRANT) && !others.iter().any(|other| name.ends_with(other))
}

fn granted(path: &Path) -> Result<Granted, Problem> {
    let files = consent::files(path)?;
    let consent = verify::consent(&files, &Trust::default()).map_err(|finding| {
        Problem::new(format!("{} is no sound grant: its keys are refused", path.display()))
            .cause(finding.to_string())
    })?;
    Ok(Granted { consent, revocation: files.revocation })
}
