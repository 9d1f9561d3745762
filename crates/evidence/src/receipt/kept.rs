//! Receipts in a run folder: `data/receipts.jsonl` as they came, `evidence/receipts.jsonl` with the log's proofs.

use super::Receipt;
use crate::{Digest, Error, Finding, FindingKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A line of `data/receipts.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// A receipt that came.
    Kept(Kept),
    /// One that did not, though the count shows that it was given.
    Lost {
        /// Its sequence number.
        lost: u64,
    },
}

/// A receipt with what came of its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The source whose prompt was answered.
    pub source: String,
    /// The record that the answer became.
    pub record: String,
    /// Whether there is no such record, since nothing of the answer could be used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unused: bool,
    /// The receipt.
    pub receipt: Receipt,
}

/// A line of `evidence/receipts.jsonl`: checkpoints in the order they were seen, then the proofs under the last of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Shown {
    /// A checkpoint of the provider's log.
    Checkpoint(Witnessed),
    /// The place of a leaf.
    Place {
        /// The leaf's hash.
        leaf: Digest,
        /// Its index.
        index: u64,
        /// The audit path, base64 hashes from the leaf up.
        path: Vec<String>,
    },
}

/// A checkpoint that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witnessed {
    /// The signed note, verbatim.
    pub checkpoint: String,
    /// That it grew out of the checkpoint before it: base64 hashes; empty for the first.
    pub consistency: Vec<String>,
}

/// Reads `data/receipts.jsonl`.
pub fn parse_kept(bytes: &[u8]) -> Result<Vec<Line>, Finding> {
    parse(bytes, crate::layout::path::RECEIPTS)
}

/// Reads `evidence/receipts.jsonl`.
pub fn parse_shown(bytes: &[u8]) -> Result<Vec<Shown>, Finding> {
    parse(bytes, crate::layout::path::RECEIPT_PROOFS)
}

/// The text of either file.
pub fn to_lines<T: Serialize>(lines: &[T]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut bytes, line)?;
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8], name: &str) -> Result<Vec<T>, Finding> {
    let malformed = |detail: String| Finding::new(FindingKind::Malformed, name, detail);
    let text = std::str::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            serde_json::from_str(line).map_err(|error| malformed(format!("line {}: {error}", at + 1)))
        })
        .collect()
}
