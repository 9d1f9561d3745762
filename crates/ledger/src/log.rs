//! A log in a folder: `checkpoint`, `tile/…`, and nothing that a web server could not serve as it lies.
//!
//! Appending writes entries and tiles first and the checkpoint last, each as a whole file; so a log
//! that was killed at any moment opens again at its last checkpoint.

use crate::checkpoint::{self, Checkpoint};
use crate::note::{SigningKey, VerifierKey};
use crate::proof::Proof;
use crate::tile::{self, HEIGHT, WIDTH};
use crate::tree::{self, Hash, Tree};
use crate::{Error, Refusal, whole_file};
use std::fs::{self, File, TryLockError};
use std::ops::Range;
use std::path::{Path, PathBuf};

const CHECKPOINT: &str = "checkpoint";
const LOCK: &str = "lock";

/// A log open for appending; it holds the folder's lock while it lives.
#[derive(Debug)]
pub struct Log {
    dir: PathBuf,
    key: SigningKey,
    tree: Tree,
    signed: String,
    _lock: File,
}

/// What a log's folder holds, read and found consistent with its signed checkpoint.
#[derive(Debug)]
pub struct Contents {
    /// The signed checkpoint.
    pub checkpoint: Checkpoint,
    /// The tree over the entries.
    pub tree: Tree,
    signed: String,
}

impl Log {
    /// Makes an empty log in a folder that holds none.
    pub fn create(dir: &Path, key: SigningKey) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(|source| Error::Io { path: dir.to_owned(), source })?;
        let lock = lock(dir)?;
        if dir.join(CHECKPOINT).exists() {
            return Err(Error::Exists { path: dir.to_owned() });
        }
        let mut log =
            Self { dir: dir.to_owned(), key, tree: Tree::default(), signed: String::new(), _lock: lock };
        log.publish()?;
        Ok(log)
    }

    /// Opens a log, or makes it where there is none yet; a beginning that was cut off left nothing that counts.
    pub fn open_or_create(dir: &Path, key: SigningKey) -> Result<Self, Error> {
        let is_there = dir.join(CHECKPOINT).exists() || dir.join("tile").exists();
        if is_there { Self::open(dir, key) } else { Self::create(dir, key) }
    }

    /// Opens a log at its last checkpoint, which must be signed by `key`.
    pub fn open(dir: &Path, key: SigningKey) -> Result<Self, Error> {
        let lock = lock(dir)?;
        let contents = read(dir, &key.verifier())?;
        Ok(Self { dir: dir.to_owned(), key, tree: contents.tree, signed: contents.signed, _lock: lock })
    }

    /// Appends entries and signs a new checkpoint; gives their indices.
    pub fn append(&mut self, entries: &[&[u8]]) -> Result<Range<u64>, Error> {
        if let Some(long) = entries.iter().find(|entry| entry.len() > usize::from(u16::MAX)) {
            return Err(Error::EntryTooLong { length: long.len() });
        }
        let old = self.tree.size();
        for entry in entries {
            self.tree.push(tree::leaf_hash(entry));
        }
        let written = self.write(old, entries).and_then(|()| self.publish());
        if let Err(error) = written {
            self.tree.truncate(old);
            return Err(error);
        }
        self.drop_partials(old);
        Ok(old..self.tree.size())
    }

    /// The proof that the entry of that index is under the last checkpoint.
    pub fn prove(&self, index: u64) -> Result<Proof, Error> {
        let size = self.tree.size();
        let path = self.tree.inclusion(index, size).ok_or(Error::NoSuchEntry { index, size })?;
        Ok(Proof { extra: None, index, path, checkpoint: self.signed.clone() })
    }

    /// The first index of an entry, if the log has it.
    pub fn find(&self, entry: &[u8]) -> Option<u64> {
        let leaf = tree::leaf_hash(entry);
        (0..self.tree.size()).find(|index| self.tree.subtree(0, *index) == Some(leaf))
    }

    /// The tree over the entries.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The last signed checkpoint.
    pub fn checkpoint(&self) -> &str {
        &self.signed
    }

    /// The key that checks this log.
    pub fn verifier(&self) -> VerifierKey {
        self.key.verifier()
    }

    fn write(&self, old: u64, entries: &[&[u8]]) -> Result<(), Error> {
        self.write_entries(old, entries)?;
        let size = self.tree.size();
        let mut level = 0;
        while size >> (level * HEIGHT) > 0 {
            let (from, _) = tile::layout(level, old);
            let (full, width) = tile::layout(level, size);
            for index in from..full {
                self.write_tile(level, index, WIDTH)?;
            }
            if width > 0 {
                self.write_tile(level, full, width)?;
            }
            level += 1;
        }
        Ok(())
    }

    fn write_tile(&self, level: usize, index: u64, width: u64) -> Result<(), Error> {
        let hashes =
            (index * WIDTH..index * WIDTH + width).filter_map(|i| self.tree.subtree(level * HEIGHT, i));
        let bytes: Vec<u8> = hashes.flat_map(|hash| hash.0).collect();
        write_whole(&self.dir.join(tile::tile_path(level, index, width)), &bytes)
    }

    fn write_entries(&self, old: u64, entries: &[&[u8]]) -> Result<(), Error> {
        let (mut index, width) = tile::layout(0, old);
        let mut bundle = Vec::new();
        if width > 0 {
            let path = tile::entries_path(index, width);
            bundle = read_either(&self.dir, &path, &tile::entries_path(index, WIDTH))?;
            bundle.truncate(bundle_length(&bundle, width)?);
        }
        let mut held = width;
        for entry in entries {
            tile::push_entry(&mut bundle, entry)?;
            held += 1;
            if held == WIDTH {
                write_whole(&self.dir.join(tile::entries_path(index, WIDTH)), &bundle)?;
                bundle.clear();
                (index, held) = (index + 1, 0);
            }
        }
        if held > 0 {
            write_whole(&self.dir.join(tile::entries_path(index, held)), &bundle)?;
        }
        Ok(())
    }

    fn publish(&mut self) -> Result<(), Error> {
        let origin = self.key.verifier().name().to_owned();
        let checkpoint = Checkpoint { origin, size: self.tree.size(), root: self.tree.root() };
        let signed = checkpoint.sign(&self.key);
        write_whole(&self.dir.join(CHECKPOINT), signed.as_bytes())?;
        self.signed = signed;
        Ok(())
    }

    /// Removes partial tiles whose full tile now stands. What cannot be removed does no harm.
    fn drop_partials(&self, old: u64) {
        for level in 0..HEIGHT {
            let (index, width) = tile::layout(level, old);
            if width == 0 || tile::layout(level, self.tree.size()).0 <= index {
                continue;
            }
            let mut stale = vec![tile::tile_path(level, index, width)];
            if level == 0 {
                stale.push(tile::entries_path(index, width));
            }
            for path in stale {
                if let Some(folder) = self.dir.join(path).parent() {
                    let _ = fs::remove_dir_all(folder);
                }
            }
        }
    }
}

/// Reads a log and checks its signature and that its leaf hashes lead to the signed root.
pub fn read(dir: &Path, key: &VerifierKey) -> Result<Contents, Refusal> {
    let path = dir.join(CHECKPOINT);
    let signed = fs::read_to_string(&path).map_err(|_| Refusal::MissingFile { path })?;
    let checkpoint = checkpoint::open(&signed, std::slice::from_ref(key))?;
    let mut tree = Tree::default();
    for (index, width) in widths(0, checkpoint.size) {
        for hash in read_tile(dir, 0, index, width)? {
            tree.push(hash);
        }
    }
    if tree.root() == checkpoint.root {
        Ok(Contents { checkpoint, tree, signed })
    } else {
        Err(Refusal::Inconsistent)
    }
}

/// Reads a log and checks everything in it: signature, every tile, every entry.
pub fn check(dir: &Path, key: &VerifierKey) -> Result<Contents, Refusal> {
    let contents = read(dir, key)?;
    let size = contents.checkpoint.size;
    let mut level = 1;
    while level < HEIGHT && size >> (level * HEIGHT) > 0 {
        for (index, width) in widths(level, size) {
            let hashes = read_tile(dir, level, index, width)?;
            let agree = (index * WIDTH..)
                .zip(&hashes)
                .all(|(i, hash)| contents.tree.subtree(level * HEIGHT, i) == Some(*hash));
            if !agree {
                return Err(Refusal::Inconsistent);
            }
        }
        level += 1;
    }
    for (index, width) in widths(0, size) {
        let bundle = read_either(dir, &tile::entries_path(index, width), &tile::entries_path(index, WIDTH))?;
        let entries = tile::parse_entries(&bundle[..bundle_length(&bundle, width)?])?;
        let agree = (index * WIDTH..)
            .zip(entries)
            .all(|(i, entry)| contents.tree.subtree(0, i) == Some(tree::leaf_hash(entry)));
        if !agree {
            return Err(Refusal::Inconsistent);
        }
    }
    Ok(contents)
}

fn widths(level: usize, size: u64) -> impl Iterator<Item = (u64, u64)> {
    let (full, width) = tile::layout(level, size);
    (0..full).map(|index| (index, WIDTH)).chain((width > 0).then_some((full, width)))
}

fn read_tile(dir: &Path, level: usize, index: u64, width: u64) -> Result<Vec<Hash>, Refusal> {
    let bytes =
        read_either(dir, &tile::tile_path(level, index, width), &tile::tile_path(level, index, WIDTH))?;
    let mut hashes = tile::parse_hashes(&bytes)?;
    if (hashes.len() as u64) < width {
        return Err(Refusal::Malformed { what: "tile: too few hashes" });
    }
    hashes.truncate(width as usize);
    Ok(hashes)
}

/// Reads the first path, or else the second: a partial file may have been replaced by the full one.
fn read_either(dir: &Path, first: &str, second: &str) -> Result<Vec<u8>, Refusal> {
    let path = dir.join(first);
    fs::read(&path).or_else(|_| fs::read(dir.join(second))).map_err(|_| Refusal::MissingFile { path })
}

/// How many bytes the first `width` entries of a bundle take.
fn bundle_length(bundle: &[u8], width: u64) -> Result<usize, Refusal> {
    let entries = tile::parse_entries(bundle)?;
    let first = entries.get(..width as usize).ok_or(Refusal::Malformed { what: "entry bundle: too few" })?;
    Ok(first.iter().map(|entry| entry.len() + 2).sum())
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join(LOCK);
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| Error::Io { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::Io { path, source }),
    }
}

/// Writes a file whole, in a folder made if it has to be.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| whole_file::write(path, bytes))
        .map_err(|source| Error::Io { path: path.to_owned(), source })
}
