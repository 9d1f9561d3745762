//! `stillmark ledger check`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_ledger::check::{Found, grown, survey};
use stillmark_ledger::log::{CHECKPOINT, signed_checkpoint};
use stillmark_ledger::note::VerifierKey;
use stillmark_ledger::storage::Disk;
use stillmark_ledger::{Checkpoint, Error, Quorum, Refusal, checkpoint, proof};

use super::{entries, failed, key, read_text};
use crate::exit::ExitStatus;
use crate::files;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// How many differences are shown to people.
const SHOWN: usize = 20;

/// What `check` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The log's folder, or a `.tlog-proof`
    #[arg(value_name = "LOG")]
    path: PathBuf,
    /// The log's public key, or a file of it [default: that of your log]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// An older signed checkpoint, which the log must have grown out of
    #[arg(long, value_name = "CHECKPOINT")]
    since: Vec<PathBuf>,
    /// A witness's public key, or a file of it
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
    /// How many of the witnesses must have cosigned [default: all]
    #[arg(long, value_name = "N")]
    quorum: Option<usize>,
    /// The entry that a proof is of
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    verdict: &'static str,
    origin: Option<String>,
    size: Option<u64>,
    root: Option<String>,
    count: u64,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    code: &'static str,
    index: Option<u64>,
    detail: String,
}

/// Checks a log or a proof.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let key = key::verifier(args.key.as_ref(), session)?;
    let quorum = key::quorum(&args.witness, args.quorum)?;
    let (checkpoint, found) = if args.path.is_dir() {
        if args.entry.is_some() {
            return Err(Problem::new("`--entry` goes with a proof, not with a log")
                .hint("`stillmark ledger prove` makes one")
                .into());
        }
        log(args, &key, &quorum, session)?
    } else {
        one_proof(args, &key, &quorum)?
    };
    let answer = Answer {
        schema: "stillmark/ledger-check/v1",
        verdict: if found.count == 0 { "pass" } else { "fail" },
        origin: checkpoint.as_ref().map(|checkpoint| checkpoint.origin.clone()),
        size: checkpoint.as_ref().map(|checkpoint| checkpoint.size),
        root: checkpoint.as_ref().map(|checkpoint| checkpoint.root.to_string()),
        count: found.count,
        differences: found.differences.iter().map(difference).collect(),
    };
    session.answer(&answer, || told(&answer))?;
    Ok(if found.count == 0 { ExitStatus::Done } else { ExitStatus::Negative })
}

fn log(
    args: &Args,
    key: &VerifierKey,
    quorum: &Quorum,
    session: &Session,
) -> Result<(Option<Checkpoint>, Found), Problem> {
    let disk = Disk::new(&args.path);
    let refused = |error| match error {
        Error::Refused(refusal) if args.path.join("tile").exists() || args.path.join(CHECKPOINT).exists() => {
            Ok(refusal)
        }
        error => Err(failed(&error, &args.path)),
    };
    let (signed, checkpoint) = match signed_checkpoint(&disk, CHECKPOINT, key) {
        Ok(read) => read,
        Err(error) => return Ok((None, of(refused(error)?))),
    };
    let mut found = Found::default();
    if let Err(refusal) = checkpoint::open_witnessed(&signed, std::slice::from_ref(key), quorum) {
        add(&mut found, refusal);
    }
    let bar = session.talk.steps_bar("checking", checkpoint.size);
    let differences = survey(&disk, checkpoint.head(), &mut |done| bar.inc(done));
    bar.finish_and_clear();
    let differences = differences.map_err(|error| failed(&error, &args.path))?;
    found.count += differences.count;
    found.differences.extend(differences.differences);
    for path in &args.since {
        let old = checkpoint::open(&read_text(path)?, std::slice::from_ref(key)).map_err(|refusal| {
            Problem::from_error(&refusal)
                .while_doing(format!("{} is no checkpoint of this log", path.display()))
                .hint("name a file that holds what `checkpoint` held then; `--key` names the log's key")
        })?;
        match grown(&disk, checkpoint.head(), old.head()) {
            Ok(()) => (),
            // The survey told of the damage already, so that nothing can be said of the history.
            Err(Error::Refused(Refusal::Inconsistent | Refusal::MissingFile { .. })) if found.count > 0 => (),
            Err(error) => add(&mut found, refused(error)?),
        }
    }
    Ok((Some(checkpoint), found))
}

fn one_proof(
    args: &Args,
    key: &VerifierKey,
    quorum: &Quorum,
) -> Result<(Option<Checkpoint>, Found), Problem> {
    let text = read_text(&args.path)?;
    let Some(entry) = &args.entry else {
        return Err(Problem::new(format!("{} is not the folder of a log", args.path.display()))
            .hint("where it is a proof, name the entry that it is of with `--entry`"));
    };
    let entry = std::fs::read(entry).map_err(|err| files::cannot("read", entry, &err))?;
    let parsed = match proof::parse(text.as_bytes()) {
        Ok(parsed) => parsed,
        Err(refusal) => return Ok((None, of(refusal))),
    };
    match proof::verify_witnessed(&parsed, &entry, std::slice::from_ref(key), quorum) {
        Ok(checkpoint) => Ok((Some(checkpoint), Found::default())),
        Err(refusal) => Ok((None, of(refusal))),
    }
}

fn of(refusal: Refusal) -> Found {
    Found { differences: vec![refusal], count: 1 }
}

fn add(found: &mut Found, refusal: Refusal) {
    found.count += 1;
    found.differences.push(refusal);
}

fn difference(refusal: &Refusal) -> Difference {
    Difference { code: refusal.code(), index: refusal.index(), detail: refusal.to_string() }
}

fn told(answer: &Answer) -> String {
    let mut lines = Vec::new();
    let about = match (&answer.origin, answer.size) {
        (Some(origin), Some(size)) => format!("  {origin}, {}", entries(size)),
        _ => String::new(),
    };
    lines.push(format!("{}{about}", if answer.count == 0 { "sound" } else { "not sound" }));
    for difference in answer.differences.iter().take(SHOWN) {
        lines.push(format!("  {}: {}", difference.code, difference.detail));
    }
    if answer.count > SHOWN as u64 {
        lines.push(format!("  and {} more; `--format json` tells a thousand", answer.count - SHOWN as u64));
    }
    lines.join("\n")
}
