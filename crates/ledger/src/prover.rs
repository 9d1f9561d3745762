//! Answers whoever asks a log for proofs, beside the writer: by leaf hash, under any checkpoint of late.

use crate::Error;
use crate::check;
use crate::checkpoint::Checkpoint;
use crate::index::{self, Index};
use crate::log::{CHECKPOINT, signed_checkpoint};
use crate::note::VerifierKey;
use crate::proof::Proof;
use crate::reader::Reader;
use crate::storage::Disk;
use crate::tree::{self, Hash};
use std::collections::BTreeMap;
use std::path::Path;

/// How many checkpoints are remembered: more than an hour's at one a second.
const REMEMBERED: usize = 4096;

/// A log's folder, read while another process or thread may append to it.
#[derive(Debug)]
pub struct Prover {
    disk: Disk,
    key: VerifierKey,
    index: Index,
    last: Checkpoint,
    /// The signed checkpoints that were seen, by their size.
    seen: BTreeMap<u64, String>,
}

impl Prover {
    /// Opens a log for proofs, and brings the index of its leaves up to its checkpoint.
    pub fn open(dir: &Path, key: VerifierKey) -> Result<Self, Error> {
        let disk = Disk::new(dir);
        let (signed, last) = signed_checkpoint(&disk, CHECKPOINT, &key)?;
        let mut index = Index::open(&dir.join(index::FOLDER))?;
        index.update(&Reader::new(&disk, last.head()))?;
        let seen = BTreeMap::from([(last.size, signed)]);
        Ok(Self { disk, key, index, last, seen })
    }

    /// Reads the checkpoint anew, which must have grown out of the last one, and indexes what is under it.
    pub fn refresh(&mut self) -> Result<(), Error> {
        let (signed, next) = signed_checkpoint(&self.disk, CHECKPOINT, &self.key)?;
        check::grown(&self.disk, next.head(), self.last.head())?;
        self.index.update(&Reader::new(&self.disk, next.head()))?;
        self.seen.insert(next.size, signed);
        if self.seen.len() > REMEMBERED {
            self.seen.pop_first();
        }
        self.last = next;
        Ok(())
    }

    /// The log's files.
    pub fn source(&self) -> &Disk {
        &self.disk
    }

    /// The last signed checkpoint that was read.
    pub fn checkpoint(&self) -> &str {
        self.seen.get(&self.last.size).map_or("", String::as_str)
    }

    /// The number of entries under it.
    pub fn size(&self) -> u64 {
        self.last.size
    }

    /// The proof that a leaf is under the checkpoint of a size; none where it is not, or that checkpoint was not seen.
    pub fn prove(&mut self, leaf: &Hash, size: u64) -> Result<Option<Proof>, Error> {
        let Some(checkpoint) = self.seen.get(&size) else { return Ok(None) };
        let reader = Reader::new(&self.disk, self.last.head());
        for index in self.index.find(leaf)? {
            if index < size && reader.leaf(index)? == *leaf {
                let path = reader.inclusion(index, size)?.unwrap_or_default();
                return Ok(Some(Proof { extra: None, index, path, checkpoint: checkpoint.clone() }));
            }
        }
        Ok(None)
    }

    /// The first index of an entry under the last checkpoint.
    pub fn find(&mut self, entry: &[u8]) -> Result<Option<u64>, Error> {
        let leaf = tree::leaf_hash(entry);
        Ok(self.prove(&leaf, self.last.size)?.map(|proof| proof.index))
    }

    /// The consistency proof between two sizes; none where the log had not reached the larger one.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<Hash>>, Error> {
        Reader::new(&self.disk, self.last.head()).consistency(old, new)
    }
}
