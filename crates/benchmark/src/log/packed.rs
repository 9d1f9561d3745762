//! Logs that were packed after the run: gzip, bzip2, Zstandard.

use std::io::Read;

use super::file::base;
use crate::Error;

/// What a log may be packed as, by the ending of its name.
const ENDINGS: [&str; 4] = ["gz", "bz2", "zst", "zstd"];
/// So much is unpacked in any case; above it, so many times the packed size: what repeats more is no log, but meant to fill memory.
const SMALL_BYTES: u64 = 64 << 20;
const MOST_TIMES: u64 = 250;

/// The name that a packed log has when it is unpacked; `None` where the name is none of a packed `results_*.json` or `samples_*.jsonl`.
pub fn plain_name(name: &str) -> Option<&str> {
    let (plain, _) = name.rsplit_once('.').filter(|(_, ending)| ENDINGS.contains(ending))?;
    let (stem, kind) = base(plain).rsplit_once('.')?;
    let is_log = stem.starts_with("samples_") && matches!(kind, "jsonl" | "json")
        || stem.starts_with("results_") && kind == "json";
    is_log.then_some(plain)
}

/// Unpacks a log whose name says that it is packed.
///
/// # Errors
/// Where the bytes are not what the ending of the name says, end early, or become more than any log: above 64 MB at most 250 times the packed size.
pub fn unpack(name: &str, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let malformed = |problem: String| Error::Malformed { format: "packed log", at: name.to_owned(), problem };
    let most = SMALL_BYTES.max(MOST_TIMES.saturating_mul(bytes.len() as u64));
    let mut out = Vec::new();
    let read = match name.rsplit_once('.') {
        Some((_, "gz")) => flate2::read::MultiGzDecoder::new(bytes).take(most + 1).read_to_end(&mut out),
        Some((_, "bz2")) => bzip2::read::MultiBzDecoder::new(bytes).take(most + 1).read_to_end(&mut out),
        _ => zstd::stream::read::Decoder::with_buffer(bytes)
            .and_then(|reader| reader.take(most + 1).read_to_end(&mut out)),
    };
    read.map_err(|err| malformed(format!("cannot be unpacked: {err}")))?;
    if out.len() as u64 > most {
        return Err(malformed(format!(
            "it unpacks to more than {} MB, {MOST_TIMES} times its size: no log does",
            most >> 20
        )));
    }
    Ok(out)
}
