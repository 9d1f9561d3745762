//! What is asked of a log below its address, and the answer: the files that lie there, proofs by leaf hash, consistency proofs.
//!
//! A web server brings the path and takes the bytes; everything in between is here.

use crate::Error;
use crate::checkpoint::decimal;
use crate::log::{CHECKPOINT, MAX_CHECKPOINT};
use crate::prover::Prover;
use crate::storage::Source;
use crate::tile::{self, MAX_BUNDLE, MAX_TILE};
use crate::tree::Hash;

/// One question, of a form that has an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The signed checkpoint.
    Checkpoint,
    /// A tile or an entry bundle.
    File(tile::Place),
    /// The proof that a leaf is under the checkpoint of a size.
    Proof {
        /// The leaf's hash.
        leaf: Hash,
        /// The size; the last one where none is named.
        size: Option<u64>,
    },
    /// The consistency proof between two sizes.
    Consistency {
        /// The smaller one.
        old: u64,
        /// The larger one.
        new: u64,
    },
}

/// What is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The bytes.
    pub body: Vec<u8>,
    /// Their media type.
    pub media_type: &'static str,
    /// Whether they may ever change.
    pub lasts: Lasts,
}

/// How long an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// It never changes.
    Forever,
    /// The next checkpoint changes it.
    Briefly,
}

const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

/// Reads a path below a log's address, without the slash at its start, and what stands behind its question mark.
pub fn parse(path: &str, query: Option<&str>) -> Option<Asked> {
    if path == CHECKPOINT {
        return Some(Asked::Checkpoint);
    }
    if let Some(hex) = path.strip_prefix("proof/") {
        let named = query.into_iter().flat_map(|query| query.split('&'));
        let mut sizes = named.filter_map(|pair| pair.strip_prefix("size="));
        let size = match sizes.next() {
            Some(size) => Some(decimal(size)?),
            None => None,
        };
        return Some(Asked::Proof { leaf: Hash::from_hex(hex)?, size });
    }
    if let Some(sizes) = path.strip_prefix("consistency/") {
        let (old, new) = sizes.split_once('/')?;
        return Some(Asked::Consistency { old: decimal(old)?, new: decimal(new)? });
    }
    tile::parse_path(path).map(Asked::File)
}

/// Answers; none where there is nothing, or not yet. A prover that is behind its log catches up first.
pub fn answer(prover: &mut Prover, asked: &Asked) -> Result<Option<Answer>, Error> {
    match asked {
        Asked::Checkpoint => {
            let signed = prover.source().read(CHECKPOINT, MAX_CHECKPOINT)?;
            Ok(signed.map(|body| Answer { body, media_type: TEXT, lasts: Lasts::Briefly }))
        }
        Asked::File(place) => file(prover, *place),
        Asked::Proof { leaf, size } => {
            let is_known = size.is_some_and(|size| size <= prover.size());
            if !is_known {
                prover.refresh()?;
            }
            let proof = prover.prove(leaf, size.unwrap_or(prover.size()))?;
            let body = proof.map(|proof| proof.encode().into_bytes());
            Ok(body.map(|body| Answer { body, media_type: TEXT, lasts: Lasts::Briefly }))
        }
        Asked::Consistency { old, new } => {
            if prover.size() < *new {
                prover.refresh()?;
            }
            let path = prover.consistency(*old, *new)?;
            let text =
                path.map(|path| path.iter().flat_map(|hash| [hash.to_string(), "\n".to_owned()]).collect());
            Ok(text.map(|text: String| Answer {
                body: text.into_bytes(),
                media_type: TEXT,
                lasts: Lasts::Forever,
            }))
        }
    }
}

/// A file under the last checkpoint: what a killed writer left beyond it is nobody's.
fn file(prover: &mut Prover, place: tile::Place) -> Result<Option<Answer>, Error> {
    let level = place.level.unwrap_or(0);
    let is_signed = |prover: &Prover| place.width <= tile::width_at(level, place.index, prover.size());
    if !is_signed(prover) {
        prover.refresh()?;
    }
    if !is_signed(prover) {
        return Ok(None);
    }
    let most = if place.level.is_some() { MAX_TILE } else { MAX_BUNDLE };
    let body = prover.source().read(&place.path(), most)?;
    Ok(body.map(|body| Answer { body, media_type: BYTES, lasts: Lasts::Forever }))
}
