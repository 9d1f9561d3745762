//! The full check of a log: every entry and every tile against the signed root, and a name for whatever differs.
//!
//! The tree is walked from the root down, so that each tile is known to be good before what is below it is
//! judged by it. Where a tile is bad, the hashes it should hold are made anew from what is below: if those
//! lead up to the root, the tile alone was changed.

use crate::checkpoint::Checkpoint;
use crate::edge::Edge;
use crate::log::{CHECKPOINT, signed_checkpoint};
use crate::note::VerifierKey;
use crate::reader::{self, Reader};
use crate::storage::{Disk, Source};
use crate::tile::{self, HEIGHT, WIDTH};
use crate::tree::{self, Hash, Head};
use crate::{Change, Error, Refusal};
use std::path::{Path, PathBuf};

/// How many differences are told one by one.
const TOLD: usize = 1000;

/// A log that was read whole and agrees with its signed checkpoint.
#[derive(Debug)]
pub struct Contents {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    disk: Disk,
}

impl Contents {
    /// The root that the log had at a size; none where it never had as many entries.
    pub fn root_at(&self, size: u64) -> Result<Option<Hash>, Refusal> {
        Reader::new(&self.disk, self.checkpoint.head()).root_at(size).map_err(refusal)
    }
}

/// What a check came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// What differs, in the order of the entries; of very many only the first.
    pub differences: Vec<Refusal>,
    /// How many differences there are.
    pub count: u64,
}

/// Checks everything in a log's folder and gives the first difference.
pub fn check(dir: &Path, key: &VerifierKey) -> Result<Contents, Refusal> {
    let disk = Disk::new(dir);
    let (_, checkpoint) = signed_checkpoint(&disk, CHECKPOINT, key).map_err(refusal)?;
    let found = survey(&disk, checkpoint.head(), &mut |_| ()).map_err(refusal)?;
    match found.differences.into_iter().next() {
        Some(difference) => Err(difference),
        None => Ok(Contents { checkpoint, disk }),
    }
}

/// Checks everything in a log under a checkpoint whose signature was checked; `progress` hears how many entries are done.
pub fn survey(source: &dyn Source, head: Head, progress: &mut dyn FnMut(u64)) -> Result<Found, Error> {
    let mut walk = Walk { source, head, found: Found::default(), progress };
    if head.size == 0 {
        if head.root != tree::empty_root() {
            walk.tell(Refusal::Inconsistent);
        }
        return Ok(walk.found);
    }
    let rows = walk.edge()?;
    for (level, row) in rows.into_iter().enumerate().rev() {
        let (index, width) = tile::layout(level, head.size);
        if width > 0 {
            walk.below(level, index, &row)?;
        }
    }
    Ok(walk.found)
}

/// Checks that the log under `head` grew out of `old`.
pub fn grown(source: &dyn Source, head: Head, old: Head) -> Result<(), Error> {
    match Reader::new(source, head).root_at(old.size)? {
        Some(root) if root == old.root => Ok(()),
        Some(_) => Err(Refusal::SplitView { size: old.size }.into()),
        None => Err(Refusal::Stale { found: head.size, known: old.size }.into()),
    }
}

struct Walk<'a> {
    source: &'a dyn Source,
    head: Head,
    found: Found,
    progress: &'a mut dyn FnMut(u64),
}

impl Walk<'_> {
    /// The hashes of the partial tiles, which together give the root.
    fn edge(&mut self) -> Result<Vec<Vec<Hash>>, Error> {
        let size = self.head.size;
        let n_levels = (size.ilog2() as usize) / HEIGHT + 1;
        let places: Vec<(usize, u64, u64)> = (0..n_levels)
            .map(|level| {
                let (index, width) = tile::layout(level, size);
                (level, index, width)
            })
            .collect();
        let mut stored = Vec::new();
        for (level, index, width) in &places {
            stored.push(judged(self.stored(*level, *index, *width))?);
        }
        let whole: Option<Vec<Vec<Hash>>> = stored.iter().map(|row| row.as_ref().ok().cloned()).collect();
        if let Some(rows) = whole.filter(|rows| self.is_edge(rows)) {
            return Ok(rows);
        }
        let mut rebuilt = Vec::new();
        for ((level, index, width), stored) in places.iter().zip(&stored) {
            let row = self.rebuilt(*level, *index, *width)?;
            rebuilt.push(row.or_else(|| stored.as_ref().ok().cloned()).unwrap_or_default());
        }
        let is_sound = self.is_edge(&rebuilt);
        if !is_sound {
            self.tell(Refusal::Inconsistent);
        }
        for (((level, index, width), stored), rebuilt) in places.into_iter().zip(stored).zip(&rebuilt).rev() {
            match stored {
                Err(refusal) => self.tell(refusal),
                Ok(row) if is_sound && row != *rebuilt => self.tell_tile(level, index, width),
                Ok(_) => (),
            }
        }
        Ok(rebuilt)
    }

    fn is_edge(&self, rows: &[Vec<Hash>]) -> bool {
        Edge::of_rows(self.head.size, rows.to_vec()).root() == self.head.root
    }

    /// Checks what is below the hashes of a tile, which are those that the root demands.
    fn below(&mut self, level: usize, index: u64, hashes: &[Hash]) -> Result<(), Error> {
        if level == 0 {
            return self.entries(index, hashes);
        }
        for (child, expected) in (index * WIDTH..).zip(hashes) {
            let hashes = self.tile(level - 1, child, *expected)?;
            self.below(level - 1, child, &hashes)?;
        }
        Ok(())
    }

    /// The hashes of a full tile that must give `expected`.
    fn tile(&mut self, level: usize, index: u64, expected: Hash) -> Result<Vec<Hash>, Error> {
        let stored = judged(self.stored(level, index, WIDTH))?;
        let stored = match stored {
            Ok(hashes) if tree::complete(hashes.clone()) == expected => return Ok(hashes),
            other => other,
        };
        let rebuilt = self.rebuilt(level, index, WIDTH)?;
        let sound = rebuilt.filter(|hashes| tree::complete(hashes.clone()) == expected);
        match (stored, sound) {
            (Err(refusal), sound) => {
                self.tell(refusal);
                Ok(sound.unwrap_or_default())
            }
            (Ok(_), Some(sound)) => {
                self.tell_tile(level, index, WIDTH);
                Ok(sound)
            }
            (Ok(stored), None) => {
                let path = tile::tile_path(level, index, WIDTH);
                let index = index << ((level + 1) * HEIGHT);
                self.tell(Refusal::Changed { change: Change::EditedRange, index, path });
                Ok(stored)
            }
        }
    }

    /// Checks a bundle against the hashes of its leaves.
    fn entries(&mut self, index: u64, leaves: &[Hash]) -> Result<(), Error> {
        let width = tile::width_at(0, index, self.head.size);
        match judged(reader::read_bundle(self.source, index, width))? {
            Err(refusal) => self.tell(refusal),
            Ok((path, bundle)) => {
                // The full bundle that replaced a partial one goes on after it.
                let is_longer = width < WIDTH && path == tile::entries_path(index, WIDTH);
                match tile::parse_entries(&bundle) {
                    Err(_) => self.tell(Refusal::MalformedFile { path, what: "cut short within an entry" }),
                    Ok(entries) => {
                        let mut hashes: Vec<Hash> = entries.into_iter().map(tree::leaf_hash).collect();
                        if is_longer {
                            hashes.truncate(width as usize);
                        }
                        if !leaves.is_empty() && hashes != leaves {
                            self.compare(index * WIDTH, &path, &hashes, leaves);
                        }
                    }
                }
            }
        }
        (self.progress)(width);
        Ok(())
    }

    /// Names how entries differ from the leaves that were signed.
    fn compare(&mut self, start: u64, path: &str, found: &[Hash], signed: &[Hash]) {
        let same = found.iter().zip(signed).take_while(|(found, signed)| found == signed).count();
        let (rest, signed_rest) = (&found[same..], &signed[same..]);
        let follows = |long: &[Hash], short: &[Hash]| {
            // The last one of a full bundle may be what moved in from the next.
            let n = short.len().min(long.len().saturating_sub(1));
            if n == 0 { short.is_empty() } else { long[1..=n] == short[..n] }
        };
        let change = if sorted(rest) == sorted(signed_rest) {
            Change::ReorderedEntries
        } else if follows(signed_rest, rest) {
            Change::DroppedEntry
        } else if follows(rest, signed_rest) {
            Change::InsertedEntry
        } else {
            Change::EditedEntry
        };
        let tell = |at: usize| Refusal::Changed { change, index: start + at as u64, path: path.to_owned() };
        if change != Change::EditedEntry {
            self.tell(tell(same));
            return;
        }
        let n = found.len().max(signed.len());
        for at in (same..n).filter(|at| found.get(*at) != signed.get(*at)) {
            self.tell(tell(at));
        }
    }

    fn stored(&self, level: usize, index: u64, width: u64) -> Result<Vec<Hash>, Error> {
        if width == 0 { Ok(Vec::new()) } else { reader::read_tile(self.source, level, index, width) }
    }

    /// The first hashes of a tile, made from the tiles or the entries below it; none where those cannot be read.
    fn rebuilt(&self, level: usize, index: u64, width: u64) -> Result<Option<Vec<Hash>>, Error> {
        if level == 0 {
            let width_there = tile::width_at(0, index, self.head.size);
            let read = judged(reader::read_bundle(self.source, index, width_there))?;
            let Ok((_, bundle)) = read else { return Ok(None) };
            let Ok(entries) = tile::parse_entries(&bundle) else { return Ok(None) };
            return Ok(entries
                .get(..width as usize)
                .map(|entries| entries.iter().map(|entry| tree::leaf_hash(entry)).collect()));
        }
        let mut hashes = Vec::new();
        for child in index * WIDTH..index * WIDTH + width {
            match judged(self.stored(level - 1, child, WIDTH))? {
                Ok(tile) => hashes.push(tree::complete(tile)),
                Err(_) => return Ok(None),
            }
        }
        Ok(Some(hashes))
    }

    fn tell_tile(&mut self, level: usize, index: u64, width: u64) {
        let path = tile::tile_path(level, index, width);
        let index = index << ((level + 1) * HEIGHT);
        self.tell(Refusal::Changed { change: Change::EditedTile, index, path });
    }

    fn tell(&mut self, difference: Refusal) {
        self.found.count += 1;
        if self.found.differences.len() < TOLD {
            self.found.differences.push(difference);
        }
    }
}

/// Parts a refusal, which is something that was found, from a failure to find out.
fn judged<T>(read: Result<T, Error>) -> Result<Result<T, Refusal>, Error> {
    match read {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Refused(refusal)) => Ok(Err(refusal)),
        Err(error) => Err(error),
    }
}

/// A file that cannot be read is missing to whoever wants a verdict.
fn refusal(error: Error) -> Refusal {
    match error {
        Error::Refused(refusal) => refusal,
        Error::Io { path, .. } => Refusal::MissingFile { path },
        _ => Refusal::MissingFile { path: PathBuf::from(CHECKPOINT) },
    }
}

fn sorted(hashes: &[Hash]) -> Vec<Hash> {
    let mut hashes = hashes.to_vec();
    hashes.sort_unstable();
    hashes
}
