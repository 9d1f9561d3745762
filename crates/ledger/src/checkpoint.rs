//! Checkpoints (`c2sp.org/tlog-checkpoint`): a log's signed size and root.

use crate::Refusal;
use crate::note::{self, SigningKey, VerifierKey};
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

/// Reads an ASCII decimal without leading zeros.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !plain || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}
