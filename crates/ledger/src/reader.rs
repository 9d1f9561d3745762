//! Proofs from a log's tiles, wherever they lie: a few tiles are read for each, however large the log is.
//!
//! Nothing is handed out that does not lead to the signed root, so damaged tiles give an error, never a wrong proof.

use crate::storage::Source;
use crate::tile::{self, HEIGHT, MAX_TILE, WIDTH};
use crate::tree::{self, Hash, Head};
use crate::{Error, Refusal};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::rc::Rc;

/// How many tiles are kept at hand: those of a few proofs.
const KEPT: usize = 64;

/// Tiles by level and number.
type Kept = BTreeMap<(usize, u64), Rc<Vec<Hash>>>;

/// A log's tiles under one checkpoint.
#[derive(Debug)]
pub struct Reader<'a> {
    source: &'a dyn Source,
    head: Head,
    kept: RefCell<Kept>,
}

impl<'a> Reader<'a> {
    /// The tiles of a source under a checkpoint whose signature was checked.
    pub fn new(source: &'a dyn Source, head: Head) -> Self {
        Self { source, head, kept: RefCell::default() }
    }

    /// The checkpoint's size and root.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The hash of a leaf, as the tile has it.
    pub fn leaf(&self, index: u64) -> Result<Hash, Error> {
        let size = self.head.size;
        if index >= size {
            return Err(Error::NoSuchEntry { index, size });
        }
        self.subtree(0, index)
    }

    /// The first index of a leaf, if it is there: reads every leaf before it.
    pub fn find(&self, leaf: &Hash) -> Result<Option<u64>, Error> {
        for index in 0..self.head.size.div_ceil(WIDTH) {
            let tile = self.tile(0, index)?;
            if let Some(at) = tile.iter().position(|hash| hash == leaf) {
                return Ok(Some(index * WIDTH + at as u64));
            }
        }
        Ok(None)
    }

    /// The hashes of a tile, as they lie there.
    pub fn tile(&self, level: usize, index: u64) -> Result<Rc<Vec<Hash>>, Error> {
        if let Some(tile) = self.kept.borrow().get(&(level, index)) {
            return Ok(Rc::clone(tile));
        }
        let width = tile::width_at(level, index, self.head.size);
        let tile = Rc::new(read_tile(self.source, level, index, width)?);
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert((level, index), Rc::clone(&tile));
        Ok(tile)
    }

    /// The root that the log had at a size; none where it never had as many entries.
    pub fn root_at(&self, size: u64) -> Result<Option<Hash>, Error> {
        if size >= self.head.size {
            return Ok((size == self.head.size).then_some(self.head.root));
        }
        let root = self.range(0..size)?;
        let path = self.hashes(tree::consistency_parts(size, self.head.size))?;
        tree::verify_consistency(Head { size, root }, self.head, &path)?;
        Ok(Some(root))
    }

    /// The audit path of a leaf in the tree of the first `size` leaves; none where it is not among them.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Option<Vec<Hash>>, Error> {
        if index >= size {
            return Ok(None);
        }
        let Some(root) = self.root_at(size)? else { return Ok(None) };
        let path = self.hashes(tree::inclusion_parts(index, size))?;
        let is_sound = tree::verify_inclusion(self.leaf(index)?, index, size, &path, root);
        is_sound.map_err(|_| Refusal::Inconsistent)?;
        Ok(Some(path))
    }

    /// The consistency proof between two sizes; none where the log never had the larger one, or they are the wrong way round.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Option<Vec<Hash>>, Error> {
        if old > new {
            return Ok(None);
        }
        let (Some(old_root), Some(new_root)) = (self.root_at(old)?, self.root_at(new)?) else {
            return Ok(None);
        };
        let path = self.hashes(tree::consistency_parts(old, new))?;
        let (old, new) = (Head { size: old, root: old_root }, Head { size: new, root: new_root });
        tree::verify_consistency(old, new, &path)?;
        Ok(Some(path))
    }

    fn hashes(&self, parts: Vec<Range<u64>>) -> Result<Vec<Hash>, Error> {
        parts.into_iter().map(|part| self.range(part)).collect()
    }

    fn range(&self, leaves: Range<u64>) -> Result<Hash, Error> {
        let subtrees: Vec<Hash> = tree::subtrees(leaves)
            .into_iter()
            .map(|(height, index)| self.subtree(height, index))
            .collect::<Result<_, _>>()?;
        Ok(tree::join(subtrees.into_iter()))
    }

    /// The hash of a complete subtree: over a run of hashes in one tile.
    fn subtree(&self, height: usize, index: u64) -> Result<Hash, Error> {
        let (level, above) = (height / HEIGHT, height % HEIGHT);
        let first = index << above;
        let tile = self.tile(level, first / WIDTH)?;
        let start = (first % WIDTH) as usize;
        // Complete subtrees lie within the log, and so within the width that the tile was found to have.
        let run = tile.get(start..start + (1 << above)).ok_or(Refusal::Inconsistent)?;
        Ok(tree::complete(run.to_vec()))
    }
}

/// The hashes of a tile of that width, or the first of the full tile that replaced it.
pub(crate) fn read_tile(
    source: &dyn Source,
    level: usize,
    index: u64,
    width: u64,
) -> Result<Vec<Hash>, Error> {
    let path = tile::tile_path(level, index, width);
    if let Some(bytes) = source.read(&path, MAX_TILE)? {
        return hashes(&bytes, path, width);
    }
    let whole = tile::tile_path(level, index, WIDTH);
    match source.read(&whole, MAX_TILE)? {
        Some(bytes) => {
            let mut hashes = hashes(&bytes, whole, WIDTH)?;
            hashes.truncate(width as usize);
            Ok(hashes)
        }
        None => Err(Refusal::MissingFile { path: PathBuf::from(path) }.into()),
    }
}

/// The bytes of a bundle of that width and its path, or the full one that replaced it.
pub(crate) fn read_bundle(source: &dyn Source, index: u64, width: u64) -> Result<(String, Vec<u8>), Error> {
    for path in [tile::entries_path(index, width), tile::entries_path(index, WIDTH)] {
        if let Some(bytes) = source.read(&path, tile::MAX_BUNDLE)? {
            return Ok((path, bytes));
        }
    }
    Err(Refusal::MissingFile { path: PathBuf::from(tile::entries_path(index, width)) }.into())
}

fn hashes(bytes: &[u8], path: String, width: u64) -> Result<Vec<Hash>, Error> {
    let what = match (bytes.len() as u64).cmp(&(width * 32)) {
        std::cmp::Ordering::Less => "cut short",
        std::cmp::Ordering::Greater => "longer than a tile of its width",
        std::cmp::Ordering::Equal => return Ok(tile::parse_hashes(bytes)?),
    };
    Err(Refusal::MalformedFile { path, what }.into())
}
