//! Files that appear whole or not at all, with this crate's errors.

use std::io::{self, Write};
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

/// Writes the file at `path` through `content`.
pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> Result<(), Unfinished>,
) -> Result<(), Error> {
    stillmark_evidence::whole_file::fill(path, content).map_err(|unfinished| match unfinished {
        Unfinished::Disk(source) => Error::Io { path: path.into(), source },
        Unfinished::Content(error) => error,
    })
}
