//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::error::Error;

/// Why a file was not finished.
pub(crate) enum Unfinished {
    /// It could not be written.
    Disk(io::Error),
    /// What was to be written could not be had.
    Content(Error),
}

impl From<io::Error> for Unfinished {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl From<Error> for Unfinished {
    fn from(error: Error) -> Self {
        Self::Content(error)
    }
}

/// Writes the file at `path` through `fill`: into a neighbor first, which takes its name when all of it is on the disk.
pub(crate) fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Unfinished>,
) -> Result<(), Error> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".part");
    let part = path.with_file_name(name);
    let written = fill_and_sync(&part, fill).and_then(|()| Ok(fs::rename(&part, path)?));
    written.map_err(|unfinished| {
        // The part is of no use; that it may stay behind is a smaller evil than hiding the first error.
        let _ = fs::remove_file(&part);
        match unfinished {
            Unfinished::Disk(source) => Error::Io { path: path.into(), source },
            Unfinished::Content(error) => error,
        }
    })
}

fn fill_and_sync(
    part: &Path,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Unfinished>,
) -> Result<(), Unfinished> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(part)?);
    fill(&mut out)?;
    Ok(out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?)
}
