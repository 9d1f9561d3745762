//! Where a tiled log's files lie and what is in them (`c2sp.org/tlog-tiles`).

use crate::tree::Hash;
use crate::{Error, Refusal};
use std::cmp::Ordering;

/// No bundle is longer: 256 entries of 65535 bytes with their lengths.
pub const MAX_BUNDLE: usize = 256 * (2 + 65535);
/// No tile is longer: 256 hashes.
pub const MAX_TILE: usize = 256 * 32;
/// How many hashes a full tile, and how many entries a full bundle, holds.
pub const WIDTH: u64 = 256;
/// The height of a tile: each hash of the next level covers that many doublings.
pub const HEIGHT: usize = 8;

/// The relative path of the tile `index` of `level` with `width` hashes.
pub fn tile_path(level: usize, index: u64, width: u64) -> String {
    format!("tile/{level}/{}{}", index_path(index), partial(width))
}

/// The relative path of the entry bundle `index` with `width` entries.
pub fn entries_path(index: u64, width: u64) -> String {
    format!("tile/entries/{}{}", index_path(index), partial(width))
}

/// Where a tile or an entry bundle lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The tile's level; none of an entry bundle.
    pub level: Option<usize>,
    /// Its number.
    pub index: u64,
    /// How much it holds.
    pub width: u64,
}

impl Place {
    /// The relative path.
    pub fn path(&self) -> String {
        match self.level {
            Some(level) => tile_path(level, self.index, self.width),
            None => entries_path(self.index, self.width),
        }
    }
}

/// Reads a relative path, which must be spelled as [`Place::path`] spells it.
pub fn parse_path(path: &str) -> Option<Place> {
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let (digits, width) = match rest.split_once(".p/") {
        Some((digits, width)) => (digits, width.parse().ok().filter(|width| (1..WIDTH).contains(width))?),
        None => (rest, WIDTH),
    };
    let mut index = 0_u64;
    for element in digits.split('/') {
        let digits: u64 = element.strip_prefix('x').unwrap_or(element).parse().ok()?;
        index = index.checked_mul(1000)?.checked_add(digits)?;
    }
    let level = match level {
        "entries" => None,
        level => Some(level.parse().ok().filter(|level| *level < 64)?),
    };
    let place = Place { level, index, width };
    (place.path() == path).then_some(place)
}

/// The number of full tiles of a level, and the width of the partial one (0: there is none).
pub fn layout(level: usize, size: u64) -> (u64, u64) {
    let hashes = size.checked_shr((level * HEIGHT) as u32).unwrap_or(0);
    (hashes / WIDTH, hashes % WIDTH)
}

/// How many hashes the tile `index` of a level holds in a log of that size (0: it is not there).
pub fn width_at(level: usize, index: u64, size: u64) -> u64 {
    let (full, width) = layout(level, size);
    match index.cmp(&full) {
        Ordering::Less => WIDTH,
        Ordering::Equal => width,
        Ordering::Greater => 0,
    }
}

/// Adds an entry with its length to a bundle.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), Error> {
    let length = u16::try_from(entry.len()).map_err(|_| Error::EntryTooLong { length: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// Takes a bundle apart into its entries.
pub fn parse_entries(mut bundle: &[u8]) -> Result<Vec<&[u8]>, Refusal> {
    const SHORT: Refusal = Refusal::Malformed { what: "entry bundle: cut short" };
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        let (length, rest) = bundle.split_first_chunk::<2>().ok_or(SHORT)?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(SHORT)?;
        entries.push(entry);
        bundle = rest;
    }
    Ok(entries)
}

/// Takes a tile apart into its hashes.
pub fn parse_hashes(tile: &[u8]) -> Result<Vec<Hash>, Refusal> {
    let (hashes, rest) = tile.as_chunks::<32>();
    if rest.is_empty() {
        Ok(hashes.iter().map(|bytes| Hash(*bytes)).collect())
    } else {
        Err(Refusal::Malformed { what: "tile: not whole hashes" })
    }
}

/// Three digits an element, all but the last with an `x`: 1234067 is `x001/x234/067`.
fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

fn partial(width: u64) -> String {
    if width == WIDTH { String::new() } else { format!(".p/{width}") }
}
