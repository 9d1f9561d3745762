//! Files that appear whole or not at all: every room above writes what must last through here.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

const BUFFER: usize = 1 << 20;

/// Writes `bytes` to `path`.
///
/// # Errors
/// What the system said; what stood at `path` before is then untouched.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fill(path, |out| out.write_all(bytes))
}

/// Writes `bytes` to `path`, for its owner's eyes alone (mode 0600).
///
/// # Errors
/// What the system said; what stood at `path` before is then untouched.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fill_opened(path, create_private, |out| out.write_all(bytes))
}

/// Writes the file at `path` through `content`: into a neighbor first, which takes its name when all of it is on the disk.
/// The neighbor of a killed process is taken over by the next that writes the same file.
///
/// # Errors
/// What `content` or the system said; what stood at `path` before is then untouched.
pub fn fill<E: From<io::Error>>(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    fill_opened(path, |part| File::create(part), content)
}

fn fill_opened<E: From<io::Error>>(
    path: &Path,
    open: impl FnOnce(&Path) -> io::Result<File>,
    content: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part = path.with_file_name(name);
    let written = open(&part)
        .map_err(E::from)
        .and_then(|file| fill_and_sync(file, content))
        .and_then(|()| Ok(fs::rename(&part, path).and_then(|()| sync_parent(path))?));
    if written.is_err() {
        // The part is of no use; that it may stay behind is a smaller evil than hiding the first error.
        let _ = fs::remove_file(&part);
    }
    written
}

fn fill_and_sync<E: From<io::Error>>(
    file: File,
    content: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let mut out = BufWriter::with_capacity(BUFFER, file);
    content(&mut out)?;
    Ok(out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
}

/// A file that was there keeps its mode, so it goes first.
#[cfg(unix)]
fn create_private(part: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;

    if part.exists() {
        fs::remove_file(part)?;
    }
    File::options().write(true).create_new(true).mode(0o600).open(part)
}

#[cfg(not(unix))]
fn create_private(part: &Path) -> io::Result<File> {
    File::create(part)
}

/// A rename is on the disk only when its folder is.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
