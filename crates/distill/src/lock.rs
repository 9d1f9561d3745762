//! One run in one folder, of one plan.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::Error;

/// The lock's name in a run folder.
const NAME: &str = ".stillmark.lock";
/// The plan that a run begins with.
const PLAN: &str = "plan.toml";

/// Whether a folder holds more than the traces of a run that never began: its lock, its plan, and folders with nothing in them.
fn holds_work(folder: &Path) -> Result<bool, Error> {
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        let is_trace = path.file_name().is_some_and(|name| name == NAME || name == PLAN);
        let is_empty = || std::fs::read_dir(&path).is_ok_and(|mut inside| inside.next().is_none());
        if !is_trace && !is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Holds a folder for one plan until dropped. The system itself lets go of the lock of a process that died, so none is ever stale.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes `folder` for the plan of this digest: refused while another run holds it, and for good where it holds
    /// work of another plan.
    pub fn take(folder: &Path, plan_sha256: &str) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let path = folder.join(NAME);
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(Error::io(&path))?;
        match file.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => return Err(Error::Busy { path }),
            Err(TryLockError::Error(source)) => return Err(Error::Io { path, source }),
        }
        let mut held = String::new();
        file.read_to_string(&mut held).map_err(Error::io(&path))?;
        let held = held.trim();
        // A digest cut short is what a kill between creation and writing leaves.
        if held.len() == plan_sha256.len() && held != plan_sha256 && holds_work(folder)? {
            let what = "the plan of the run folder";
            return Err(Error::Mismatch { what, expected: held.to_owned(), found: plan_sha256.to_owned() });
        }
        if held != plan_sha256 {
            file.set_len(0).and_then(|()| file.rewind()).map_err(Error::io(&path))?;
            writeln!(file, "{plan_sha256}").and_then(|()| file.sync_all()).map_err(Error::io(&path))?;
        }
        Ok(Self { _file: file })
    }
}
