//! What was reserved and settled, written as it happens, so that a kill forgets nothing that was taken.
//!
//! A record is written (not synced) before the request that it lets in goes on: the kernel keeps it when the process dies, whatever kills
//! it. A power cut may lose what the disk had not taken; the file is synced once a second. What was reserved and never settled counts as
//! used: the request may well have been answered.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Bytes of a record: kind, lease, bucket's name, amount, time in milliseconds, and a sum over them.
const RECORD: usize = 1 + 8 + 8 + 8 + 8 + 4;

/// The file is begun anew beyond this.
const LONGEST: u64 = 64 << 20;

/// Writes records.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    buffer: Vec<u8>,
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Held = 1,
    Used = 2,
}

impl Journal {
    /// Begins a journal anew with what was used before: `used` are names, amounts and times.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn begin(path: &Path, used: &[(u64, u64, u64)]) -> io::Result<Self> {
        let next = path.with_extension("next");
        let mut buffer = Vec::new();
        for (name, amount, at_ms) in used {
            push(&mut buffer, Kind::Used, [0, *name, *amount, *at_ms]);
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&next)?;
        file.write_all(&buffer)?;
        file.sync_all()?;
        std::fs::rename(&next, path)?;
        Ok(Self { path: path.to_owned(), file, length: buffer.len() as u64, buffer: Vec::new() })
    }

    /// Writes what a lease holds: names and amounts.
    ///
    /// # Errors
    /// Where the file cannot be written; then nothing may be let in.
    pub fn hold(&mut self, lease: u64, held: &[(u64, u64)], now_ms: u64) -> io::Result<()> {
        self.write(Kind::Held, lease, held, now_ms)
    }

    /// Writes what a lease came to: names and amounts.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn settle(&mut self, lease: u64, used: &[(u64, u64)], now_ms: u64) -> io::Result<()> {
        self.write(Kind::Used, lease, used, now_ms)
    }

    /// Asks the disk to keep what was written.
    ///
    /// # Errors
    /// Where it does not.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Whether it is so long that it should be begun anew.
    pub fn is_long(&self) -> bool {
        self.length > LONGEST
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, kind: Kind, lease: u64, parts: &[(u64, u64)], now_ms: u64) -> io::Result<()> {
        self.buffer.clear();
        for (name, amount) in parts {
            push(&mut self.buffer, kind, [lease, *name, *amount, now_ms]);
        }
        self.file.write_all(&self.buffer)?;
        self.length += self.buffer.len() as u64;
        Ok(())
    }
}

/// What a journal says was used: names, amounts and when, in milliseconds. What was held and never settled counts as used when it was held.
/// A record that was cut short at the end, or that does not add up, ends the reading.
///
/// # Errors
/// Where the file is there and cannot be read.
pub fn replay(path: &Path) -> io::Result<Vec<(u64, u64, u64)>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(err),
    };
    let mut held: BTreeMap<(u64, u64), (u64, u64)> = BTreeMap::new();
    let mut used = Vec::new();
    for record in bytes.chunks_exact(RECORD) {
        let Some((kind, [lease, name, amount, at_ms])) = parse(record) else { break };
        if kind == Kind::Held {
            held.insert((lease, name), (amount, at_ms));
        } else {
            held.remove(&(lease, name));
            used.push((name, amount, at_ms));
        }
    }
    used.extend(held.into_iter().map(|((_, name), (amount, at_ms))| (name, amount, at_ms)));
    used.sort_by_key(|(_, _, at_ms)| *at_ms);
    Ok(used)
}

fn push(buffer: &mut Vec<u8>, kind: Kind, words: [u64; 4]) {
    let start = buffer.len();
    buffer.push(kind as u8);
    for word in words {
        buffer.extend_from_slice(&word.to_le_bytes());
    }
    let sum = sum(&buffer[start..]);
    buffer.extend_from_slice(&sum.to_le_bytes());
}

fn parse(record: &[u8]) -> Option<(Kind, [u64; 4])> {
    let (said, found) = record.split_at(RECORD - 4);
    if sum(said).to_le_bytes() != found {
        return None;
    }
    let kind = match said[0] {
        1 => Kind::Held,
        2 => Kind::Used,
        _ => return None,
    };
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(said[1..].chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().ok()?);
    }
    Some((kind, words))
}

/// FNV-1a, 32 bits: against what a cut write leaves, not against people.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
