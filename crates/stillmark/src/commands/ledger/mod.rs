//! `stillmark ledger append|prove|check|serve|witness`: logs in folders, by hand.

mod append;
mod check;
mod key;
mod prove;
mod serve;
mod witness;

use std::path::Path;

use stillmark_ledger::{Error, Refusal};

use crate::files;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `ledger` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Append entries to a log and sign its new checkpoint; a log that is not there is begun
    #[command(
        after_help = "Example:\n  stillmark ledger append log statement.json\n  stillmark ledger append log --lines answers.jsonl"
    )]
    Append(append::Args),
    /// Prove that an entry is in a log, or that a log only grew
    #[command(
        after_help = "Example:\n  stillmark ledger prove log statement.json --out statement.tlog-proof\n  stillmark ledger prove log --from 300"
    )]
    Prove(prove::Args),
    /// Check a whole log, or one proof: whatever was edited, dropped, reordered or rolled back is named
    #[command(
        after_help = "Example:\n  stillmark ledger check log --key log.example+5f2c…+AQ…\n  stillmark ledger check log --since checkpoint-of-last-year\n  stillmark ledger check statement.tlog-proof --entry statement.json --key log.pub\n\nExit codes: 0 sound, 1 not."
    )]
    Check(check::Args),
    /// Serve a log over HTTP, for reading alone: its files, proofs by leaf hash, consistency proofs
    #[command(after_help = "Example:\n  stillmark ledger serve log --listen 127.0.0.1:8090")]
    Serve(serve::Args),
    /// Cosign a log's checkpoint, as a witness that it only grew
    #[command(
        after_help = "Example:\n  stillmark ledger witness seen checkpoint --log log.pub --proof consistency\n\nExit codes: 0 cosigned, 1 refused."
    )]
    Witness(witness::Args),
}

/// Carries out a verb.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Append(args) => append::run(&args, session),
        Verb::Prove(args) => prove::run(&args, session),
        Verb::Check(args) => check::run(&args, session),
        Verb::Serve(args) => serve::run(&args, session),
        Verb::Witness(args) => witness::run(&args, session),
    }
}

/// The failure of a log, with what to do next.
fn failed(error: &Error, log: &Path) -> Problem {
    let problem =
        Problem::from_error(error).while_doing(format!("cannot use the log in `{}`", log.display()));
    match error {
        Error::Refused(Refusal::MissingFile { path }) if path.as_path() == Path::new("checkpoint") => {
            Problem::new(format!("{} holds no log", log.display()))
                .cause("there is no `checkpoint` in it")
                .hint("`stillmark ledger append` begins one")
        }
        Error::Refused(Refusal::UnknownSigner | Refusal::WrongOrigin { .. }) => {
            problem.hint("name the key that signs this log with `--key`")
        }
        Error::Refused(_) => problem.hint("`stillmark ledger check` says what was changed, and where"),
        Error::Locked { .. } => problem.hint("wait until the other process has ended: one writes at a time"),
        Error::EntryTooLong { .. } => problem.hint("append the SHA-256 of what is longer"),
        _ => problem,
    }
}

/// So many entries.
fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

/// Reads a small text: a checkpoint, a proof, a key.
fn read_text(path: &Path) -> Result<String, Problem> {
    let length = std::fs::metadata(path).map_err(|err| files::cannot("read", path, &err))?.len();
    if length > 1 << 20 {
        return Err(Problem::new(format!("{} is too large", path.display()))
            .cause("no key, checkpoint or proof has more than a megabyte"));
    }
    files::read_text(path)
}
