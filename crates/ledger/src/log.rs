//! A log that grows: `checkpoint`, `tile/…`, and nothing that a web server could not serve as it lies.
//!
//! Appending brings entries and tiles to the disk first, then the checkpoint under another name, and names
//! it last; so a log that was killed at any moment, or lost its power, opens again at its last checkpoint,
//! and whatever checkpoint was ever seen is still there. Only the right edge of the tree is in memory.

use crate::checkpoint::{self, Checkpoint};
use crate::edge::Edge;
use crate::note::{CosignerKey, SigningKey, VerifierKey};
use crate::proof::Proof;
use crate::reader::{self, Reader};
use crate::storage::{self, Disk, Source, Store};
use crate::tile::{self, HEIGHT, WIDTH};
use crate::tree::{self, Hash, Head};
use crate::{Error, Refusal};
use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The file of the signed checkpoint.
pub const CHECKPOINT: &str = "checkpoint";
/// No checkpoint is longer, cosignatures included.
pub const MAX_CHECKPOINT: usize = 1 << 16;
const LOCK: &str = "lock";

/// A log open for appending; it holds the folder's lock while it lives.
#[derive(Debug)]
pub struct Log {
    store: Box<dyn Store>,
    key: SigningKey,
    edge: Edge,
    /// The bundle of the entries that fill no whole one.
    bundle: Vec<u8>,
    head: Head,
    signed: String,
    state: State,
    _lock: Option<File>,
}

/// Whether memory and files are known to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Settled,
    Unsettled,
}

/// The files of one append, and what memory holds after it.
struct Batch {
    files: Vec<(String, Vec<u8>)>,
    edge: Edge,
    bundle: Vec<u8>,
}

impl Log {
    /// Makes an empty log in a folder that holds none.
    pub fn create(dir: &Path, key: SigningKey) -> Result<Self, Error> {
        fs::create_dir_all(dir).map_err(|source| Error::Io { path: dir.to_owned(), source })?;
        let lock = lock(dir)?;
        if dir.join(CHECKPOINT).exists() {
            return Err(Error::Exists { path: dir.to_owned() });
        }
        let log = Self::create_in(Box::new(Disk::new(dir)), key)?;
        Ok(Self { _lock: Some(lock), ..log })
    }

    /// Opens a log, or makes it where there is none yet; a beginning that was cut off left nothing that counts.
    pub fn open_or_create(dir: &Path, key: SigningKey) -> Result<Self, Error> {
        let is_there = dir.join(CHECKPOINT).exists() || dir.join("tile").exists();
        if is_there { Self::open(dir, key) } else { Self::create(dir, key) }
    }

    /// Opens a log at its last checkpoint, which must be signed by `key`: a few files are read, however large the log is.
    pub fn open(dir: &Path, key: SigningKey) -> Result<Self, Error> {
        let lock = lock(dir)?;
        let log = Self::open_in(Box::new(Disk::new(dir)), key)?;
        Ok(Self { _lock: Some(lock), ..log })
    }

    /// Makes an empty log in a store, which nobody else may be writing to.
    pub fn create_in(store: Box<dyn Store>, key: SigningKey) -> Result<Self, Error> {
        let edge = Edge::default();
        let head = Head { size: 0, root: edge.root() };
        let mut log = Self {
            store,
            key,
            edge,
            bundle: Vec::new(),
            head,
            signed: String::new(),
            state: State::Settled,
            _lock: None,
        };
        log.publish(head)?;
        Ok(log)
    }

    /// Opens the log in a store, which nobody else may be writing to.
    pub fn open_in(store: Box<dyn Store>, key: SigningKey) -> Result<Self, Error> {
        let verifier = key.verifier();
        let current = load(&*store, CHECKPOINT, &verifier);
        // Once it is whole on the disk, a checkpoint counts, though the run was killed before it was named.
        let pending = load(&*store, &storage::part(CHECKPOINT), &verifier);
        let is_newer = match (&current, &pending) {
            (Ok(current), Ok(pending)) => current.head.size < pending.head.size,
            (Err(Error::Refused(Refusal::MissingFile { .. })), Ok(_)) => true,
            _ => false,
        };
        if is_newer {
            store.name(CHECKPOINT)?;
            store.settle("")?;
        }
        let Loaded { head, signed, edge, bundle } = if is_newer { pending? } else { current? };
        Ok(Self { store, key, edge, bundle, head, signed, state: State::Settled, _lock: None })
    }

    /// Appends entries and signs a new checkpoint; gives their indices. They are on the disk when this returns.
    pub fn append(&mut self, entries: &[&[u8]]) -> Result<Range<u64>, Error> {
        if self.state == State::Unsettled {
            return Err(Error::Unsettled);
        }
        if let Some(long) = entries.iter().find(|entry| entry.len() > usize::from(u16::MAX)) {
            return Err(Error::EntryTooLong { length: long.len() });
        }
        let old = self.size();
        if entries.is_empty() {
            return Ok(old..old);
        }
        let Batch { files, edge, bundle } = self.batch(entries)?;
        self.bring(&files)?;
        self.publish(Head { size: edge.size(), root: edge.root() })?;
        (self.edge, self.bundle) = (edge, bundle);
        self.drop_partials(old);
        Ok(old..self.size())
    }

    /// The proof that the entry of that index is under the last checkpoint.
    pub fn prove(&self, index: u64) -> Result<Proof, Error> {
        let size = self.size();
        let path = self.reader().inclusion(index, size)?.ok_or(Error::NoSuchEntry { index, size })?;
        Ok(Proof { extra: None, index, path, checkpoint: self.signed.clone() })
    }

    /// The consistency proof between two sizes; none where the log never had the larger one.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<Hash>>, Error> {
        self.reader().consistency(old, new)
    }

    /// The first index of an entry, if the log has it: reads every leaf before it.
    pub fn find(&self, entry: &[u8]) -> Result<Option<u64>, Error> {
        self.reader().find(&tree::leaf_hash(entry))
    }

    /// The tiles under the last checkpoint.
    pub fn reader(&self) -> Reader<'_> {
        Reader::new(&*self.store, self.head)
    }

    /// The number of entries.
    pub fn size(&self) -> u64 {
        self.head.size
    }

    /// Size and root of the last checkpoint.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The last signed checkpoint.
    pub fn checkpoint(&self) -> &str {
        &self.signed
    }

    /// The key that checks this log.
    pub fn verifier(&self) -> VerifierKey {
        self.key.verifier()
    }

    /// Publishes the last checkpoint with the cosignatures that `note` holds of the `witnesses`; others are left out.
    pub fn cosigned(&mut self, note: &str, witnesses: &[CosignerKey]) -> Result<(), Error> {
        let lines = checkpoint::cosignatures(&self.signed, note, witnesses)?;
        let signed = format!("{}{lines}", self.signed);
        self.publish_text(&signed)?;
        self.signed = signed;
        Ok(())
    }

    /// What an append writes: only what the entries change, and partial tiles of a size that will be signed.
    fn batch(&self, entries: &[&[u8]]) -> Result<Batch, Error> {
        let (mut edge, mut bundle) = (self.edge.clone(), self.bundle.clone());
        let mut files = Vec::new();
        for entry in entries {
            tile::push_entry(&mut bundle, entry)?;
            let mut tiles = Vec::new();
            edge.push(tree::leaf_hash(entry), &mut |full| tiles.push(full));
            for full in tiles {
                if full.level == 0 {
                    let path = tile::entries_path(full.index, WIDTH);
                    files.push((path, std::mem::take(&mut bundle)));
                }
                files.push((tile::tile_path(full.level, full.index, WIDTH), bytes(&full.hashes)));
            }
        }
        for level in 0..HEIGHT {
            let (index, width) = tile::layout(level, edge.size());
            if width == 0 || (index, width) == tile::layout(level, self.size()) {
                continue;
            }
            if level == 0 {
                files.push((tile::entries_path(index, width), bundle.clone()));
            }
            files.push((tile::tile_path(level, index, width), bytes(edge.row(level))));
        }
        Ok(Batch { files, edge, bundle })
    }

    /// Brings files to the disk under their names. No checkpoint speaks of them yet, so that a failure changes nothing.
    fn bring(&self, files: &[(String, Vec<u8>)]) -> Result<(), Error> {
        for (path, bytes) in files {
            self.store.put(path, bytes)?;
        }
        for (path, _) in files {
            self.store.name(path)?;
        }
        let folders: BTreeSet<&str> = files.iter().map(|(path, _)| storage::folder(path)).collect();
        folders.into_iter().try_for_each(|folder| self.store.settle(folder))
    }

    fn publish(&mut self, head: Head) -> Result<(), Error> {
        let origin = self.key.verifier().name().to_owned();
        let signed = Checkpoint { origin, size: head.size, root: head.root }.sign(&self.key);
        self.publish_text(&signed)?;
        (self.head, self.signed) = (head, signed);
        Ok(())
    }

    /// A checkpoint that somebody may have seen must never be lost, so it is on the disk before it bears its name.
    fn publish_text(&mut self, signed: &str) -> Result<(), Error> {
        self.state = State::Unsettled;
        self.store.put(CHECKPOINT, signed.as_bytes())?;
        self.store.settle("")?;
        self.store.name(CHECKPOINT)?;
        self.state = State::Settled;
        Ok(())
    }

    /// Removes partial tiles whose full tile now stands. What cannot be removed does no harm.
    fn drop_partials(&self, old: u64) {
        for level in 0..HEIGHT {
            let (index, width) = tile::layout(level, old);
            if width == 0 || tile::layout(level, self.size()).0 <= index {
                continue;
            }
            let _ = self.store.remove(storage::folder(&tile::tile_path(level, index, width)));
            if level == 0 {
                let _ = self.store.remove(storage::folder(&tile::entries_path(index, width)));
            }
        }
    }
}

/// What a log needs of its files to grow.
struct Loaded {
    head: Head,
    signed: String,
    edge: Edge,
    bundle: Vec<u8>,
}

/// Reads a checkpoint and the right edge under it, which must give its root, and the last entries, which must give the edge.
fn load(store: &dyn Store, path: &str, key: &VerifierKey) -> Result<Loaded, Error> {
    let (signed, checkpoint) = signed_checkpoint(store, path, key)?;
    let head = checkpoint.head();
    let mut rows = Vec::new();
    while head.size.checked_shr((rows.len() * HEIGHT) as u32).unwrap_or(0) > 0 {
        let (index, width) = tile::layout(rows.len(), head.size);
        rows.push(if width == 0 { Vec::new() } else { reader::read_tile(store, rows.len(), index, width)? });
    }
    let edge = Edge::of_rows(head.size, rows);
    if edge.root() != head.root {
        return Err(Refusal::Inconsistent.into());
    }
    let bundle = last_bundle(store, &edge)?;
    Ok(Loaded { head, signed, edge, bundle })
}

fn last_bundle(store: &dyn Store, edge: &Edge) -> Result<Vec<u8>, Error> {
    let (index, width) = tile::layout(0, edge.size());
    if width == 0 {
        return Ok(Vec::new());
    }
    let (path, mut bundle) = reader::read_bundle(store, index, width)?;
    let malformed = |what| Refusal::MalformedFile { path, what };
    let Ok(entries) = tile::parse_entries(&bundle) else {
        return Err(malformed("cut short within an entry").into());
    };
    let held = entries.iter().take(width as usize).map(|entry| tree::leaf_hash(entry));
    if !held.eq(edge.row(0).iter().copied()) {
        return Err(malformed("not the entries that were signed").into());
    }
    let length = entries.iter().take(width as usize).map(|entry| entry.len() + 2).sum();
    bundle.truncate(length);
    Ok(bundle)
}

/// Reads a signed checkpoint and checks its signature.
pub fn signed_checkpoint(
    source: &dyn Source,
    path: &str,
    key: &VerifierKey,
) -> Result<(String, Checkpoint), Error> {
    let bytes = source.read(path, MAX_CHECKPOINT)?;
    let bytes = bytes.ok_or_else(|| Refusal::MissingFile { path: PathBuf::from(path) })?;
    let malformed = |what| Refusal::MalformedFile { path: path.to_owned(), what };
    if bytes.len() > MAX_CHECKPOINT {
        return Err(malformed("longer than a checkpoint").into());
    }
    let signed = String::from_utf8(bytes).map_err(|_| malformed("not UTF-8"))?;
    let checkpoint = checkpoint::open(&signed, std::slice::from_ref(key))?;
    Ok((signed, checkpoint))
}

fn bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
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
