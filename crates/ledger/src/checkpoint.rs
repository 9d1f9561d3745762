//! Checkpoints (`c2sp.org/tlog-checkpoint`): a log's signed size and root.

use crate::Refusal;
use crate::note::{self, CosignerKey, SigningKey, VerifierKey};
use crate::tree::{Hash, Head};

/// A tree head as a log signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's identity: the first line.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Size and root, as the tree's checks take them.
    pub fn head(&self) -> Head {
        Head { size: self.size, root: self.root }
    }

    /// Signs the checkpoint, giving the whole note.
    pub fn sign(&self, key: &SigningKey) -> String {
        key.sign(&format!("{}\n{}\n{}\n", self.origin, self.size, self.root))
    }
}

/// Reads the text of a checkpoint's note. Extension lines are passed over.
pub fn parse(text: &str) -> Result<Checkpoint, Refusal> {
    let body =
        text.strip_suffix('\n').ok_or(Refusal::Malformed { what: "checkpoint: no newline at its end" })?;
    let lines: Vec<&str> = body.split('\n').collect();
    let [origin, size, root, ..] = lines[..] else {
        return Err(Refusal::Malformed { what: "checkpoint: fewer than three lines" });
    };
    if lines.iter().any(|line| line.is_empty()) {
        return Err(Refusal::Malformed { what: "checkpoint: empty line" });
    }
    let size = decimal(size).ok_or(Refusal::Malformed { what: "checkpoint: size" })?;
    let root = Hash::from_base64(root).ok_or(Refusal::Malformed { what: "checkpoint: root" })?;
    Ok(Checkpoint { origin: origin.to_owned(), size, root })
}

/// Opens a signed checkpoint: a good signature by one of the `keys`, whose name is the origin.
pub fn open(signed: &str, keys: &[VerifierKey]) -> Result<Checkpoint, Refusal> {
    let opened = note::open(signed, keys)?;
    let checkpoint = parse(&opened.text)?;
    if keys.iter().any(|key| key.name() == checkpoint.origin) {
        Ok(checkpoint)
    } else {
        Err(Refusal::WrongOrigin { origin: checkpoint.origin })
    }
}

/// Whose cosignatures a checkpoint must bear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quorum {
    /// The witnesses that count.
    pub witnesses: Vec<CosignerKey>,
    /// How many of them must have cosigned.
    pub needed: usize,
}

/// Opens a signed checkpoint that enough witnesses cosigned, and no known one badly.
pub fn open_witnessed(signed: &str, keys: &[VerifierKey], quorum: &Quorum) -> Result<Checkpoint, Refusal> {
    let checkpoint = open(signed, keys)?;
    let note = note::parse(signed)?;
    let mut cosigned: Vec<&CosignerKey> = Vec::new();
    for line in &note.signatures {
        for witness in &quorum.witnesses {
            let Some(time) = witness.time_of(&note.text, line) else { continue };
            time?;
            // One secret counts once, under whatever names it is listed.
            if !cosigned.iter().any(|known| known.is_same_secret(witness)) {
                cosigned.push(witness);
            }
        }
    }
    let (found, needed) = (cosigned.len(), quorum.needed);
    if found < needed { Err(Refusal::TooFewWitnesses { found, needed }) } else { Ok(checkpoint) }
}

/// The cosignature lines in `note`, of the same text as `signed`, that are good ones of the witnesses and not in `signed` yet.
pub(crate) fn cosignatures(signed: &str, note: &str, witnesses: &[CosignerKey]) -> Result<String, Refusal> {
    let (own, other) = (note::parse(signed)?, note::parse(note)?);
    if own.text != other.text {
        return Err(Refusal::Malformed { what: "cosignature: of another checkpoint" });
    }
    let mut lines = String::new();
    for line in other.signatures.iter().filter(|line| !own.signatures.contains(line)) {
        for time in witnesses.iter().filter_map(|witness| witness.time_of(&other.text, line)) {
            time?;
            lines += &line.to_string();
        }
    }
    Ok(lines)
}

/// Reads an ASCII decimal without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}
