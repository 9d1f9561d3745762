//! Where a log's files lie: a folder, or whatever else gives and keeps bytes under a path.

use crate::Error;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Gives the files of a log, from wherever they lie.
pub trait Source: fmt::Debug + Send + Sync {
    /// The bytes of a file, of which no more than `most` and one are wanted; none where it is not there.
    fn read(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, Error>;
}

/// Keeps the files of a log. A file is put under another name, then named, then its folder is settled.
pub trait Store: Source {
    /// Writes a file under its [`part`] name; the bytes are on the disk when this returns.
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), Error>;
    /// Gives the file that was put its own name, in place of what bore it.
    fn name(&self, path: &str) -> Result<(), Error>;
    /// Brings the names in a folder to the disk.
    fn settle(&self, folder: &str) -> Result<(), Error>;
    /// Removes a folder with all that is in it.
    fn remove(&self, folder: &str) -> Result<(), Error>;
}

/// The name of a file that is being written.
pub fn part(path: &str) -> String {
    let (folder, name) = split(path);
    if folder.is_empty() { format!(".{name}.part") } else { format!("{folder}/.{name}.part") }
}

/// The folder of a path: empty at the top.
pub fn folder(path: &str) -> &str {
    split(path).0
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// A folder on the disk.
#[derive(Debug, Clone)]
pub struct Disk {
    dir: PathBuf,
}

impl Disk {
    /// The log in that folder.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn at<T>(&self, path: &str, act: impl FnOnce(&Path) -> io::Result<T>) -> Result<T, Error> {
        let path = self.dir.join(path);
        act(&path).map_err(|source| Error::Io { path, source })
    }
}

impl Source for Disk {
    fn read(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, Error> {
        use io::ErrorKind::{IsADirectory, NotADirectory, NotFound};

        let read = |path: &Path| {
            let file = File::open(path)?;
            let length = usize::try_from(file.metadata()?.len()).unwrap_or(most).min(most);
            let mut bytes = Vec::with_capacity(length + 1);
            file.take(most as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match self.at(path, read) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::Io { source, .. })
                if matches!(source.kind(), NotFound | NotADirectory | IsADirectory) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Store for Disk {
    fn put(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        self.at(folder(path), make_folders)?;
        self.at(&part(path), |part| {
            let mut file = File::create(part)?;
            file.write_all(bytes)?;
            file.sync_all()
        })
    }

    fn name(&self, path: &str) -> Result<(), Error> {
        let put = self.dir.join(part(path));
        self.at(path, |path| fs::rename(put, path))
    }

    fn settle(&self, folder: &str) -> Result<(), Error> {
        self.at(folder, |folder| File::open(folder)?.sync_all())
    }

    fn remove(&self, folder: &str) -> Result<(), Error> {
        self.at(folder, |folder| fs::remove_dir_all(folder))
    }
}

/// Makes a folder and those above it, whose own names are on the disk when this returns.
fn make_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) else {
        return fs::create_dir_all(folder);
    };
    make_folders(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => File::open(parent)?.sync_all(),
    }
}
