//! Logs that were packed after the run: gzip, bzip2, Zstandard.

use super::file::base;
use crate::Error;
use crate::packing::Packing;

/// What a log may be packed as, by the ending of its name.
const ENDINGS: [(&str, Packing); 4] = [
    ("gz", Packing::Gzip),
    ("bz2", Packing::Bzip2),
    ("zst", Packing::Zstandard),
    ("zstd", Packing::Zstandard),
];
/// So much is unpacked in any case; above it, so many times the packed size: what repeats more is no log, but meant to fill memory.
const SMALL_BYTES: u64 = 64 << 20;
const MOST_TIMES: u64 = 250;

/// The name that a packed log has when it is unpacked; `None` where the name is none of a packed `results_*.json` or `samples_*.jsonl`.
pub fn plain_name(name: &str) -> Option<&str> {
    let (plain, _) = packing(name)?;
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
    let Some((_, packing)) = packing(name) else {
        return Err(malformed("its name does not say how it is packed".to_owned()));
    };
    let out = packing.unpack(bytes, most).map_err(|err| malformed(format!("cannot be unpacked: {err}")))?;
    if out.len() as u64 > most {
        return Err(malformed(format!(
            "it unpacks to more than {} MB, {MOST_TIMES} times its size: no log does",
            most >> 20
        )));
    }
    Ok(out)
}

/// A name without the ending that says how its file is packed, and how it is.
fn packing(name: &str) -> Option<(&str, Packing)> {
    let (plain, ending) = name.rsplit_once('.')?;
    let (_, packing) = ENDINGS.into_iter().find(|(known, _)| *known == ending)?;
    Some((plain, packing))
}
