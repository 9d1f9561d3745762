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

/// Writes the file at `path` through `content`: into a neighbor first, which takes its name when all of it is on the disk.
///
/// # Errors
/// What `content` or the system said; what stood at `path` before is then untouched.
pub fn fill<E: From<io::Error>>(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part = path.with_file_name(name);
    let written = fill_and_sync(&part, content)
        .and_then(|()| Ok(fs::rename(&part, path).and_then(|()| sync_parent(path))?));
    if written.is_err() {
        // The part is of no use; that it may stay behind is a smaller evil than hiding the first error.
        let _ = fs::remove_file(&part);
    }
    written
}

fn fill_and_sync<E: From<io::Error>>(
    part: &Path,
    content: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), E> {
    let mut out = BufWriter::with_capacity(BUFFER, File::create(part)?);
    content(&mut out)?;
    Ok(out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
}

/// A rename is on the disk only when its folder is.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
