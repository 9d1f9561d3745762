//! Files are written whole or not at all, and every failure names its path.

use std::path::Path;

use stillmark_evidence::whole_file;
use stillmark_kernels::map::FileMap;

use crate::output::Talk;
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

/// Maps a file that may be large.
pub(crate) fn map(path: &Path) -> Result<FileMap, Problem> {
    FileMap::open(path).map_err(|err| cannot("read", path, &err))
}

/// Reads a file of secrets, with a warning where others can read it too.
pub(crate) fn read_secret(path: &Path, talk: Talk) -> Result<String, Problem> {
    let text = read_text(path)?;
    if others_can_read(path) {
        talk.warn(&format!("others can read {}: `chmod 600` it", path.display()));
    }
    Ok(text)
}

#[cfg(unix)]
fn others_can_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_can_read(_: &Path) -> bool {
    false
}

/// Makes a folder and those above it.
pub(crate) fn make_folder(path: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(path).map_err(|err| cannot("make the folder", path, &err))
}

/// Writes a file whole, in place of what stood there.
pub(crate) fn write(path: &Path, bytes: &[u8], secrecy: Secrecy) -> Result<(), Problem> {
    let written = match secrecy {
        Secrecy::Public => whole_file::write(path, bytes),
        Secrecy::Private => whole_file::write_private(path, bytes),
    };
    written.map_err(|err| cannot("write", path, &err))
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, bytes: &[u8], secrecy: Secrecy) -> Result<(), Problem> {
    if path.exists() {
        return Err(Problem::new(format!("{} is already there", path.display()))
            .hint("nothing was overwritten: move it away, or name another place"));
    }
    write(path, bytes, secrecy)
}

/// A failure of the file system, with its path.
pub(crate) fn cannot(verb: &str, path: &Path, err: &std::io::Error) -> Problem {
    Problem::from_error(err).while_doing(format!("cannot {verb} {}", path.display()))
}
