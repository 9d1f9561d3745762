//! The `.eval` archive: a ZIP of `header.json` and one file a sample, stored, deflated or by Zstandard.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use zip::{CompressionMethod, ZipArchive};

use super::FORMAT;
use crate::Error;

/// An archive that unpacks to more is refused.
const MOST_BYTES: u64 = 4 << 30;

/// So is one with a larger entry.
const MOST_ENTRY_BYTES: u64 = 512 << 20;

/// And an entry that grows by more than this; logs of real runs grow by 100 at most.
const MOST_GROWTH: u64 = 500;

/// How much any entry may unpack to, whatever its growth.
const SMALL_BYTES: u64 = 1 << 20;

/// The number of Zstandard among ZIP's methods.
const ZSTANDARD: u16 = 93;

/// Whether bytes begin like a ZIP archive.
pub fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// Unpacks an archive into the JSON form of the same log: the header with its samples.
pub fn unpack(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut archive = Archive::open(name, bytes)?;
    let header = archive.entry("header.json")?;
    let body = header.trim_ascii();
    let members = body.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}"));
    let members = members.ok_or_else(|| archive.wrong("header.json", "it is no JSON object"))?;
    let mut text = [b"{", members].concat();
    if !members.trim_ascii().is_empty() {
        text.push(b',');
    }
    text.extend_from_slice(b"\"samples\":[");
    let mut is_first = true;
    for sample in archive.samples() {
        let bytes = archive.entry(&sample)?;
        if (text.len() + bytes.len()) as u64 > MOST_BYTES {
            return Err(archive.wrong(&sample, "with it the archive unpacks to more than 4 GiB"));
        }
        if !std::mem::replace(&mut is_first, false) {
            text.push(b',');
        }
        // A line a sample: errors name the line.
        text.push(b'\n');
        text.extend_from_slice(&bytes);
    }
    text.extend_from_slice(b"\n]}");
    Ok(text)
}

struct Archive<'a> {
    name: &'a str,
    zip: ZipArchive<Cursor<&'a [u8]>>,
    /// The entries' names, in the archive's order.
    entries: Vec<String>,
}

impl<'a> Archive<'a> {
    fn open(name: &'a str, bytes: &'a [u8]) -> Result<Self, Error> {
        let broken = |problem: String| Error::Malformed { format: FORMAT, at: name.to_owned(), problem };
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|err| broken(err.to_string()))?;
        let names: Result<Vec<String>, _> = zip.file_names().map(|name| name.map(Cow::into_owned)).collect();
        let entries = names.map_err(|err| broken(err.to_string()))?;
        if counted(bytes).is_some_and(|count| count != entries.len()) {
            return Err(broken("an entry stands there twice".to_owned()));
        }
        if !entries.iter().any(|entry| entry == "header.json") {
            let problem = "there is no `header.json`: the evaluation did not finish, or this is no log";
            return Err(broken(problem.to_owned()));
        }
        Ok(Self { name, zip, entries })
    }

    fn wrong(&self, entry: &str, problem: impl Into<String>) -> Error {
        Error::Malformed { format: FORMAT, at: format!("{}, {entry}", self.name), problem: problem.into() }
    }

    /// The names of the samples, in the archive's order.
    fn samples(&self) -> Vec<String> {
        let is_sample = |entry: &&String| {
            entry.starts_with("samples/")
                && entry.rsplit_once('.').is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("json"))
        };
        self.entries.iter().filter(is_sample).cloned().collect()
    }

    fn entry(&mut self, entry: &str) -> Result<Vec<u8>, Error> {
        let read = match self.zip.index_for_name(entry) {
            Some(index) => unpacked(&mut self.zip, index),
            None => Err("it is not there".to_owned()),
        };
        read.map_err(|problem| self.wrong(entry, problem))
    }
}

/// How many entries an archive says it has; the `zip` crate keeps the last of those with one name.
fn counted(bytes: &[u8]) -> Option<usize> {
    let end = memchr::memmem::rfind(bytes, b"PK\x05\x06")?;
    let count = bytes.get(end + 10..end + 12)?;
    let count = u16::from_le_bytes([count[0], count[1]]);
    // All ones: the number stands elsewhere (ZIP64).
    (count != u16::MAX).then_some(usize::from(count))
}

fn unpacked(zip: &mut ZipArchive<Cursor<&[u8]>>, index: usize) -> Result<Vec<u8>, String> {
    let raw = zip.by_index_raw(index).map_err(|err| err.to_string())?;
    let (packed, method) = (raw.compressed_size(), raw.compression());
    drop(raw);
    let limit = packed.saturating_mul(MOST_GROWTH).clamp(SMALL_BYTES, MOST_ENTRY_BYTES);
    let mut bytes = Vec::new();
    match method {
        CompressionMethod::Stored | CompressionMethod::Deflated => {
            let file = zip.by_index(index).map_err(|err| err.to_string())?;
            file.take(limit + 1).read_to_end(&mut bytes).map_err(|err| err.to_string())?;
        }
        other if number(other) == Some(ZSTANDARD) => {
            let raw = zip.by_index_raw(index).map_err(|err| err.to_string())?;
            unzstd(raw, limit, &mut bytes)?;
        }
        other => return Err(format!("it is packed by `{other:?}`: stored, deflated and Zstandard are read")),
    }
    if bytes.len() as u64 > limit {
        return Err(format!("it unpacks to more than {limit} bytes from {packed}: a bomb, or no log"));
    }
    Ok(bytes)
}

fn unzstd(packed: impl Read, limit: u64, into: &mut Vec<u8>) -> Result<usize, String> {
    let mut decoder = zstd::Decoder::new(packed).map_err(|err| err.to_string())?;
    // A window beyond 128 MiB is refused before memory is taken for it.
    decoder.window_log_max(27).map_err(|err| err.to_string())?;
    decoder.take(limit + 1).read_to_end(into).map_err(|err| err.to_string())
}

/// The number of a method that the `zip` crate was built without.
fn number(method: CompressionMethod) -> Option<u16> {
    // The only stable way to the number of an unsupported method is its spelling: `Unsupported(93)`.
    let text = format!("{method:?}");
    text.strip_prefix("Unsupported(")?.strip_suffix(')')?.parse().ok()
}
