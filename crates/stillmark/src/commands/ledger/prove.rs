//! `stillmark ledger prove`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_ledger::log::{CHECKPOINT, signed_checkpoint};
use stillmark_ledger::note::VerifierKey;
use stillmark_ledger::storage::Disk;
use stillmark_ledger::tree::{Hash, leaf_hash};
use stillmark_ledger::{Error, Proof, Prover, Reader};

use super::{entries, failed, key};
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::output;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;

/// Logs that are larger get an index of their leaves; in smaller ones leaves are looked for.
const INDEXED: u64 = 1 << 16;

/// What `prove` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log's folder
    log: PathBuf,
    #[command(flatten)]
    what: What,
    /// The log's public key, or a file of it [default: that of your log]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Write the proof to a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The entry, as it was appended
    #[arg(value_name = "FILE")]
    entry: Option<PathBuf>,
    /// The hash of the entry's leaf, in hex
    #[arg(long, value_name = "HASH")]
    leaf: Option<String>,
    /// The entry's index
    #[arg(long, value_name = "N")]
    index: Option<u64>,
    /// Prove that the log grew out of its first N entries
    #[arg(long, value_name = "N")]
    from: Option<u64>,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    size: u64,
    index: Option<u64>,
    leaf: Option<String>,
    proof: Option<String>,
}

#[derive(Serialize)]
struct Consistency {
    schema: &'static str,
    from: u64,
    to: u64,
    path: Vec<String>,
}

/// Makes a proof.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let key = key::verifier(args.key.as_ref(), session)?;
    let disk = Disk::new(&args.log);
    let (signed, checkpoint) =
        signed_checkpoint(&disk, CHECKPOINT, &key).map_err(|error| failed(&error, &args.log))?;
    let reader = Reader::new(&disk, checkpoint.head());
    if let Some(from) = args.what.from {
        return consistency(args, &reader, from, session);
    }
    let leaf = match (&args.what.entry, &args.what.leaf) {
        (Some(entry), _) => {
            Some(leaf_hash(&std::fs::read(entry).map_err(|err| files::cannot("read", entry, &err))?))
        }
        (_, Some(hex)) => Some(parse_hex(hex)?),
        _ => None,
    };
    let proof = match (leaf, args.what.index) {
        (Some(leaf), _) => by_leaf(args, &reader, &signed, leaf, key),
        (None, index) => by_index(&reader, &signed, index.unwrap_or_default()),
    };
    let proof = proof.map_err(|error| failed(&error, &args.log))?;
    let index = proof.as_ref().map(|proof| proof.index);
    let leaf = match (leaf, index) {
        (None, Some(index)) => Some(reader.leaf(index).map_err(|error| failed(&error, &args.log))?),
        _ => leaf,
    };
    let proof = proof.map(|proof| proof.encode());
    let answer = Answer {
        schema: "stillmark/ledger-proof/v1",
        size: checkpoint.size,
        index,
        leaf: leaf.map(|leaf| leaf.to_hex()),
        proof,
    };
    let Some(text) = &answer.proof else {
        session.answer(&answer, || format!("not in the log of {}", entries(answer.size)))?;
        return Ok(ExitStatus::Negative);
    };
    tell(args, session, text, &answer)?;
    Ok(ExitStatus::Done)
}

/// Writes the proof where it was asked for.
fn tell<T: Serialize>(args: &Args, session: &Session, text: &str, answer: &T) -> Result<(), Stop> {
    match &args.out {
        Some(out) => {
            files::write(out, text.as_bytes(), Secrecy::Public)?;
            session.answer(answer, || format!("{} holds the proof", out.display()))
        }
        None if session.is_json() => session.answer(answer, String::new),
        None => output::bytes(text.as_bytes()),
    }
}

fn consistency(args: &Args, reader: &Reader<'_>, from: u64, session: &Session) -> Outcome {
    let to = reader.head().size;
    let path = reader.consistency(from, to).map_err(|error| failed(&error, &args.log))?;
    let path = path.ok_or_else(|| {
        Problem::new(format!("the log has {} and never had {from}", entries(to)))
            .hint("a log that had more was rolled back: `stillmark ledger check --since` shows it")
    })?;
    let path: Vec<String> = path.iter().map(ToString::to_string).collect();
    let text: String = path.iter().flat_map(|hash| [hash, "\n"]).collect();
    tell(args, session, &text, &Consistency { schema: "stillmark/ledger-consistency/v1", from, to, path })?;
    Ok(ExitStatus::Done)
}

fn by_index(reader: &Reader<'_>, signed: &str, index: u64) -> Result<Option<Proof>, Error> {
    let path = reader.inclusion(index, reader.head().size)?;
    Ok(path.map(|path| Proof { extra: None, index, path, checkpoint: signed.to_owned() }))
}

fn by_leaf(
    args: &Args,
    reader: &Reader<'_>,
    signed: &str,
    leaf: Hash,
    key: VerifierKey,
) -> Result<Option<Proof>, Error> {
    let size = reader.head().size;
    if size > INDEXED {
        let mut prover = Prover::open(&args.log, key)?;
        let size = prover.size();
        return prover.prove(&leaf, size);
    }
    reader.find(&leaf)?.map_or(Ok(None), |index| by_index(reader, signed, index))
}

fn parse_hex(text: &str) -> Result<Hash, Problem> {
    Hash::from_hex(text).ok_or_else(|| {
        Problem::new(format!("`{text}` is no hash of a leaf"))
            .hint("it has 64 hex digits: SHA-256 over a zero byte and the entry")
    })
}
