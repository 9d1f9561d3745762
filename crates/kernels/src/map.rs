//! Read-only mapping of files.

use std::fs::File;
use std::io;
use std::path::Path;

/// A whole file mapped into memory for reading.
///
/// The weights of a model are far larger than what is read of them at once. A file that another program cuts short while it
/// is mapped makes the process fail with a bus error; the formats' parsers check every range against the length at
/// opening.
#[derive(Debug)]
pub struct FileMap(memmap2::Mmap);

impl FileMap {
    /// Maps the file at `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the map is private and read-only; see the type's remark on files that shrink.
        unsafe { memmap2::Mmap::map(&file) }.map(Self)
    }
}

impl std::ops::Deref for FileMap {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
