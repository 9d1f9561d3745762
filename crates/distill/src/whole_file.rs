//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use crate::Error;

/// Writes `bytes` to `path`: into a neighbor first, which takes its name when all of it is on the disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part = path.with_file_name(name);
    let written =
        write_and_sync(&part, bytes).and_then(|()| fs::rename(&part, path)).and_then(|()| sync_parent(path));
    written.map_err(|source| {
        // The part is of no use; that it may stay behind is a smaller evil than hiding the first error.
        let _ = fs::remove_file(&part);
        Error::Io { path: path.to_owned(), source }
    })
}

fn write_and_sync(part: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(part)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A rename is on the disk only when its folder is.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
