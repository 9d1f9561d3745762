//! Files are written whole or not at all, and every failure names its path.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::problem::Problem;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// As the user's umask has it.
    Public,
    /// Its owner alone (mode 0600).
    Private,
}

/// Reads a text file.
pub(crate) fn read_text(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|err| cannot("read", path, &err))
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(path).map_err(|err| cannot("make the folder", path, &err))
}

/// Writes a file whole, in place of what stood there.
pub(crate) fn write(path: &Path, bytes: &[u8], secrecy: Secrecy) -> Result<(), Problem> {
    let temporary = beside(path);
    let written = write_synced(&temporary, bytes, secrecy).and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|err| {
        // The temporary file may never have come to be.
        let _ = std::fs::remove_file(&temporary);
        cannot("write", path, &err)
    })
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, bytes: &[u8], secrecy: Secrecy) -> Result<(), Problem> {
    if path.exists() {
        return Err(Problem::new(format!("{} is already there", path.display()))
            .hint("nothing was overwritten: move it away, or name another place"));
    }
    write(path, bytes, secrecy)
}

fn write_synced(path: &Path, bytes: &[u8], secrecy: Secrecy) -> std::io::Result<()> {
    let mut file = create(path, secrecy)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn create(path: &Path, secrecy: Secrecy) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let mode = if secrecy == Secrecy::Private { 0o600 } else { 0o666 };
    OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _secrecy: Secrecy) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).open(path)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// A failure of the file system, with its path.
pub(crate) fn cannot(verb: &str, path: &Path, err: &std::io::Error) -> Problem {
    Problem::from_error(err).while_doing(format!("cannot {verb} {}", path.display()))
}
