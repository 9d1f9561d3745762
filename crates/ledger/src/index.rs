//! Where a leaf stands, by its hash: sorted runs in a private folder, made from the tiles and made again when they are lost.
//!
//! A run holds the leaves from one index to another as records of 16 bytes, sorted: the first eight bytes
//! of the hash, then the index, both big-endian. Sixteen runs of a length become one. What is found is
//! only where to look: the tile says whether the leaf is there.

use crate::reader::Reader;
use crate::tile::WIDTH;
use crate::tree::Hash;
use crate::{Error, whole_file};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The folder, in a log's own.
pub const FOLDER: &str = "index";
/// How many leaves wait in memory for their run.
const RUN: u64 = 1 << 16;
/// How many runs of a length become one.
const FAN: usize = 16;
/// The bytes of a record.
const RECORD: u64 = 16;
/// How many records are read at once.
const BLOCK: u64 = 256;
/// How often the place of a record is guessed before the range is halved.
const GUESSES: u32 = 6;

/// The index of a log's leaves.
#[derive(Debug)]
pub struct Index {
    dir: PathBuf,
    run_length: u64,
    runs: Vec<Run>,
    /// The leaves after the last run, as prefix and index.
    tail: BTreeSet<(u64, u64)>,
    size: u64,
}

#[derive(Debug)]
struct Run {
    start: u64,
    end: u64,
    file: File,
    path: PathBuf,
}

impl Index {
    /// Opens the index in a folder, which is made if it has to be; runs that do not follow on each other are removed.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        Self::open_with(dir, RUN)
    }

    /// The same, with runs of another length.
    pub fn open_with(dir: &Path, run_length: u64) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: dir.to_owned(), source };
        fs::create_dir_all(dir).map_err(failed)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            match parse_name(&path) {
                Some((start, end)) => found.push((start, std::cmp::Reverse(end), path)),
                None => drop(fs::remove_file(path)),
            }
        }
        found.sort();
        let mut index =
            Self { dir: dir.to_owned(), run_length, runs: Vec::new(), tail: BTreeSet::new(), size: 0 };
        for (start, std::cmp::Reverse(end), path) in found {
            let run = (start == index.size).then(|| Run::open(start, end, &path)).flatten();
            if let Some(run) = run {
                index.size = end;
                index.runs.push(run);
            } else {
                // It was merged, or has another length than it should: its leaves are read again from the tiles.
                let _ = fs::remove_file(path);
            }
        }
        Ok(index)
    }

    /// How many leaves are indexed.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes in the leaves up to the reader's checkpoint.
    pub fn update(&mut self, reader: &Reader<'_>) -> Result<(), Error> {
        let size = reader.head().size;
        if size < self.size {
            self.clear();
        }
        while self.size < size {
            let (tile, start) = (self.size / WIDTH, self.size % WIDTH);
            for hash in reader.tile(0, tile)?.iter().skip(start as usize) {
                self.tail.insert((prefix(hash), self.size));
                self.size += 1;
            }
            if self.tail.len() as u64 >= self.run_length {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// The indices of the leaves whose hash begins as this one does, in rising order: almost always one or none.
    pub fn find(&mut self, leaf: &Hash) -> Result<Vec<u64>, Error> {
        let prefix = prefix(leaf);
        let mut found = Vec::new();
        for run in &mut self.runs {
            run.find(prefix, &mut found).map_err(|source| Error::Io { path: run.path.clone(), source })?;
        }
        found.extend(self.tail.range((prefix, 0)..=(prefix, u64::MAX)).map(|(_, index)| index));
        Ok(found)
    }

    /// Forgets everything: the log is not the one that was indexed.
    fn clear(&mut self) {
        for run in self.runs.drain(..) {
            let _ = fs::remove_file(run.path);
        }
        self.tail.clear();
        self.size = 0;
    }

    /// Writes the leaves in memory as a run, and merges where sixteen of a length stand.
    fn flush(&mut self) -> Result<(), Error> {
        let start = self.runs.last().map_or(0, |run| run.end);
        let tail = &self.tail;
        let run = write_run(&self.dir, start..self.size, |out| {
            tail.iter().try_for_each(|(prefix, index)| out.write_all(&record(*prefix, *index)))
        })?;
        self.runs.push(run);
        self.tail.clear();
        while let Some(first) = self.mergeable() {
            let (start, end) = (self.runs[first].start, self.size);
            let merging: Vec<&File> = self.runs[first..].iter().map(|run| &run.file).collect();
            let run = write_run(&self.dir, start..end, |out| merge(&merging, out))?;
            for old in self.runs.drain(first..) {
                let _ = fs::remove_file(old.path);
            }
            self.runs.push(run);
        }
        Ok(())
    }

    /// The first of the last sixteen runs, where they are of about one length.
    fn mergeable(&self) -> Option<usize> {
        let first = self.runs.len().checked_sub(FAN)?;
        let length = |run: &Run| run.end - run.start;
        // Lengths differ a little, for a batch may reach beyond its run; the next longer are sixteen times as long.
        let last = length(self.runs.last()?);
        self.runs[first..].iter().all(|run| length(run) < 4 * last).then_some(first)
    }
}

impl Run {
    /// Opens a run; none where its file is not of its length.
    fn open(start: u64, end: u64, path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let is_whole = Some(file.metadata().ok()?.len()) == (end - start).checked_mul(RECORD);
        is_whole.then(|| Self { start, end, file, path: path.to_owned() })
    }

    /// Adds the indices of a prefix.
    fn find(&mut self, wanted: u64, found: &mut Vec<u64>) -> io::Result<()> {
        let n = self.end - self.start;
        let (mut low, mut high) = (0, n);
        // Hashes are spread evenly, so that a guess lands within a few blocks of the place.
        let (mut below, mut above) = (0, u64::MAX);
        let mut guesses = 0;
        while low < high {
            let guess = if guesses < GUESSES {
                let part = u128::from(wanted.saturating_sub(below)) * u128::from(high - low);
                low + (part / (u128::from(above - below) + 1)) as u64
            } else {
                low + (high - low) / 2
            };
            guesses += 1;
            let start = guess.saturating_sub(BLOCK / 2).max(low);
            let records = self.records(start, BLOCK.min(high - start))?;
            let (Some(first), Some(last)) = (records.first(), records.last()) else { break };
            if first.0 >= wanted {
                (high, above) = (start, first.0);
            } else if last.0 < wanted {
                (low, below) = (start + records.len() as u64, last.0);
            } else {
                low = start + records.partition_point(|record| record.0 < wanted) as u64;
                break;
            }
        }
        while low < n {
            let records = self.records(low, BLOCK.min(n - low))?;
            let equal = records.iter().take_while(|record| record.0 == wanted).count();
            found.extend(records[..equal].iter().map(|record| record.1));
            if equal < records.len() || equal == 0 {
                break;
            }
            low += equal as u64;
        }
        Ok(())
    }

    fn records(&mut self, start: u64, count: u64) -> io::Result<Vec<(u64, u64)>> {
        let mut bytes = vec![0; (count * RECORD) as usize];
        self.file.seek(SeekFrom::Start(start * RECORD))?;
        self.file.read_exact(&mut bytes)?;
        let (records, _) = bytes.as_chunks::<16>();
        Ok(records.iter().map(parts).collect())
    }
}

fn write_run(
    dir: &Path,
    leaves: std::ops::Range<u64>,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<Run, Error> {
    let path = dir.join(format!("{}-{}", leaves.start, leaves.end));
    let failed = |source| Error::Io { path: path.clone(), source };
    whole_file::fill(&path, content).map_err(failed)?;
    let file = File::open(&path).map_err(failed)?;
    Ok(Run { start: leaves.start, end: leaves.end, file, path })
}

fn merge(runs: &[&File], out: &mut dyn Write) -> io::Result<()> {
    let mut heads = Vec::new();
    for mut file in runs.iter().copied() {
        file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        if let Some(record) = next(&mut reader)? {
            heads.push((record, reader));
        }
    }
    while let Some(least) = (0..heads.len()).min_by_key(|i| heads[*i].0) {
        let (record, reader) = &mut heads[least];
        out.write_all(record)?;
        match next(reader)? {
            Some(following) => *record = following,
            None => drop(heads.swap_remove(least)),
        }
    }
    Ok(())
}

fn next(reader: &mut impl Read) -> io::Result<Option<[u8; 16]>> {
    let mut record = [0; 16];
    match reader.read_exact(&mut record) {
        Ok(()) => Ok(Some(record)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse_name(path: &Path) -> Option<(u64, u64)> {
    let (start, end) = path.file_name()?.to_str()?.split_once('-')?;
    let (start, end) = (start.parse().ok()?, end.parse().ok()?);
    (start < end).then_some((start, end))
}

fn prefix(hash: &Hash) -> u64 {
    let (first, _) = hash.0.split_at(8);
    first.iter().fold(0, |prefix, byte| prefix << 8 | u64::from(*byte))
}

fn record(prefix: u64, index: u64) -> [u8; 16] {
    (u128::from(prefix) << 64 | u128::from(index)).to_be_bytes()
}

fn parts(record: &[u8; 16]) -> (u64, u64) {
    let both = u128::from_be_bytes(*record);
    ((both >> 64) as u64, both as u64)
}
