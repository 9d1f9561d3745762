//! A witness: it cosigns a log's checkpoint when the log shows that it grew out of the last one it cosigned (`c2sp.org/tlog-witness`).

use crate::Refusal;
use crate::checkpoint::{self, Checkpoint};
use crate::note::{self, SigningKey, VerifierKey};
use crate::tree::{self, Hash, Head};

/// No consistency proof is longer.
pub const MAX_PATH: usize = 63;

/// Judges a signed checkpoint by the last one that was cosigned, and gives the note with the cosignature beneath.
///
/// Whoever calls must keep the note, whole and on the disk, before anybody sees it, and cosign nothing else meanwhile.
pub fn cosign(
    last: Option<&Checkpoint>,
    signed: &str,
    path: &[Hash],
    log: &VerifierKey,
    (key, time): (&SigningKey, u64),
) -> Result<String, Refusal> {
    let checkpoint = checkpoint::open(signed, std::slice::from_ref(log))?;
    let new = checkpoint.head();
    let old = last.map_or(Head { size: 0, root: tree::empty_root() }, Checkpoint::head);
    if let Some(last) = last.filter(|last| last.origin != checkpoint.origin) {
        return Err(Refusal::WrongOrigin { origin: last.origin.clone() });
    }
    if old.size == new.size && old.root != new.root {
        return Err(Refusal::SplitView { size: new.size });
    }
    if path.len() > MAX_PATH {
        return Err(Refusal::Malformed { what: "consistency proof: too long" });
    }
    tree::verify_consistency(old, new, path)?;
    let note = note::parse(signed)?;
    let own = key.cosigner();
    // An older cosignature of ours would only make the note longer.
    let others = note.signatures.iter().filter(|line| own.time_of(&note.text, line).is_none());
    let lines: String = others.map(ToString::to_string).collect();
    Ok(format!("{}\n{lines}{}", note.text, key.cosign(&note.text, time)))
}

/// Reads a consistency proof: a base64 hash a line.
pub fn parse_path(text: &str) -> Result<Vec<Hash>, Refusal> {
    let path: Option<Vec<Hash>> = text.lines().map(Hash::from_base64).collect();
    path.ok_or(Refusal::Malformed { what: "consistency proof: a line is no hash" })
}
