//! Offline proofs that an entry is in a log (`c2sp.org/tlog-proof@v1`).

use crate::Refusal;
use crate::checkpoint::{self, Checkpoint, Quorum, decimal};
use crate::note::VerifierKey;
use crate::tree::{self, Hash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The first line of every proof.
const HEADER: &str = "c2sp.org/tlog-proof@v1\n";
/// No tree of 64-bit size has a longer path.
const MAX_PATH: usize = 64;

/// A proof as its file holds it; nothing in it is believed before [`verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Opaque extra data, which nothing authenticates.
    pub extra: Option<Vec<u8>>,
    /// The entry's index.
    pub index: u64,
    /// The audit path, from the leaf's sibling to the root's child.
    pub path: Vec<Hash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: String,
}

impl Proof {
    /// The text of the file.
    pub fn encode(&self) -> String {
        let extra = self.extra.iter().map(|extra| format!("extra {}\n", STANDARD.encode(extra)));
        let index = std::iter::once(format!("index {}\n", self.index));
        let path = self.path.iter().map(|hash| format!("{hash}\n"));
        let head: String = extra.chain(index).chain(path).collect();
        format!("{HEADER}{head}\n{}", self.checkpoint)
    }
}

/// Reads a proof file.
pub fn parse(bytes: &[u8]) -> Result<Proof, Refusal> {
    let malformed = |what| Refusal::Malformed { what };
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("proof: not UTF-8"))?;
    let rest = text.strip_prefix(HEADER).ok_or(malformed("proof: first line"))?;
    let (head, checkpoint) = rest.split_once("\n\n").ok_or(malformed("proof: no blank line"))?;
    let mut lines = head.split('\n').peekable();
    let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
        Some(encoded) => {
            lines.next();
            Some(STANDARD.decode(encoded).map_err(|_| malformed("proof: extra data"))?)
        }
        None => None,
    };
    let index = lines
        .next()
        .and_then(|line| line.strip_prefix("index "))
        .and_then(decimal)
        .ok_or(malformed("proof: index"))?;
    let path: Option<Vec<Hash>> = lines.map(Hash::from_base64).collect();
    let path = path.ok_or(malformed("proof: hash"))?;
    if path.len() > MAX_PATH {
        return Err(malformed("proof: path too long"));
    }
    Ok(Proof { extra, index, path, checkpoint: checkpoint.to_owned() })
}

/// Checks offline that `entry` is in the log of one of the `keys`, and gives the checkpoint that says so.
pub fn verify(proof: &Proof, entry: &[u8], keys: &[VerifierKey]) -> Result<Checkpoint, Refusal> {
    verify_witnessed(proof, entry, keys, &Quorum::default())
}

/// The same, where enough witnesses must have cosigned the checkpoint.
pub fn verify_witnessed(
    proof: &Proof,
    entry: &[u8],
    keys: &[VerifierKey],
    quorum: &Quorum,
) -> Result<Checkpoint, Refusal> {
    let checkpoint = checkpoint::open_witnessed(&proof.checkpoint, keys, quorum)?;
    let leaf = tree::leaf_hash(entry);
    tree::verify_inclusion(leaf, proof.index, checkpoint.size, &proof.path, checkpoint.root)?;
    Ok(checkpoint)
}
