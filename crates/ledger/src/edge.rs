//! The right edge of a tree: all that a log must remember to grow, of whatever size it is.

use crate::tile::{HEIGHT, WIDTH};
use crate::tree::{self, Hash};

/// The hashes of the partial tiles, one row a level.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    rows: Vec<Vec<Hash>>,
}

/// A tile that became full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Full {
    /// Its level.
    pub level: usize,
    /// Its number in the level.
    pub index: u64,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

impl Edge {
    /// The edge of a tree of that size with the hashes of its partial tiles, which nobody has checked yet.
    pub(crate) fn of_rows(size: u64, rows: Vec<Vec<Hash>>) -> Self {
        Self { size, rows }
    }

    /// The number of leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of a level that are in no full tile.
    pub fn row(&self, level: usize) -> &[Hash] {
        self.rows.get(level).map_or(&[], Vec::as_slice)
    }

    /// Appends a leaf by its hash; gives the tiles that it filled to `full`, from the lowest level up.
    pub fn push(&mut self, leaf: Hash, full: &mut dyn FnMut(Full)) {
        self.size += 1;
        let mut carry = leaf;
        for level in 0.. {
            if level == self.rows.len() {
                self.rows.push(Vec::new());
            }
            self.rows[level].push(carry);
            if (self.rows[level].len() as u64) < WIDTH {
                return;
            }
            let hashes = std::mem::take(&mut self.rows[level]);
            carry = tree::complete(hashes.clone());
            full(Full { level, index: (self.size >> ((level + 1) * HEIGHT)) - 1, hashes });
        }
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut peaks = Vec::new();
        for row in self.rows.iter().rev() {
            for (height, index) in tree::subtrees(0..row.len() as u64) {
                let start = (index << height) as usize;
                peaks.push(tree::complete(row[start..start + (1 << height)].to_vec()));
            }
        }
        tree::join(peaks.into_iter())
    }
}
