//! `stillmark ledger witness`.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_evidence::Digest;
use stillmark_ledger::note::VerifierKey;
use stillmark_ledger::{Checkpoint, Refusal, checkpoint, witness};

use super::{entries, key, read_text};
use crate::clock;
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::output;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `witness` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder where the last checkpoint of each log is kept
    state: PathBuf,
    /// The signed checkpoint to cosign
    checkpoint: PathBuf,
    /// The log's public key, or a file of it [default: that of your log]
    #[arg(long, value_name = "KEY")]
    log: Option<String>,
    /// The proof that it grew out of the last one: what `ledger prove --from` writes
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// The witness's secret key: `PRIVATE+KEY+…` in a file, or a PEM key it is made from [default: yours]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Write the cosigned checkpoint to a file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    verdict: &'static str,
    witness: String,
    last: Option<u64>,
    code: Option<&'static str>,
    detail: Option<String>,
    checkpoint: Option<String>,
}

/// Cosigns, or refuses.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let own = key::signing(args.key.as_ref(), session)?;
    let log = key::verifier(args.log.as_ref(), session)?;
    let signed = read_text(&args.checkpoint)?;
    let path = match &args.proof {
        Some(proof) => witness::parse_path(&read_text(proof)?).map_err(|refusal| {
            Problem::from_error(&refusal)
                .while_doing(format!("{} is no consistency proof", proof.display()))
                .hint("`stillmark ledger prove LOG --from N` writes one")
        })?,
        None => Vec::new(),
    };
    files::make_folder(&args.state)?;
    // Two that cosign at once could roll each other back.
    let _lock = lock(&args.state)?;
    let kept = args.state.join(format!("{}.checkpoint", Digest::of(log.name().as_bytes())));
    let last = last(&kept, &log)?;
    let judged = witness::cosign(last.as_ref(), &signed, &path, &log, (&own, clock::millis() / 1000));
    let answer = |verdict, refusal: Option<&Refusal>, note: Option<String>| Answer {
        schema: "stillmark/ledger-witness/v1",
        verdict,
        witness: own.cosigner().to_string(),
        last: last.as_ref().map(|last| last.size),
        code: refusal.map(Refusal::code),
        detail: refusal.map(ToString::to_string),
        checkpoint: note,
    };
    match judged {
        Ok(note) => {
            files::write(&kept, note.as_bytes(), Secrecy::Public)?;
            if let Some(out) = &args.out {
                files::write(out, note.as_bytes(), Secrecy::Public)?;
            }
            if session.is_json() {
                session.answer(&answer("cosigned", None, Some(note)), String::new)?;
            } else {
                output::bytes(note.as_bytes())?;
            }
            Ok(ExitStatus::Done)
        }
        Err(refusal) => {
            session.answer(&answer("refused", Some(&refusal), None), || {
                let hint = match (&refusal, &last) {
                    (Refusal::Inconsistent, Some(last)) => {
                        format!("\n`--proof` must hold the consistency proof from {}", entries(last.size))
                    }
                    _ => String::new(),
                };
                format!("refused  {}: {refusal}{hint}", refusal.code())
            })?;
            Ok(ExitStatus::Negative)
        }
    }
}

/// What was cosigned last; it is the witness's own word, so that anything wrong with it stops.
fn last(kept: &Path, log: &VerifierKey) -> Result<Option<Checkpoint>, Problem> {
    if !kept.exists() {
        return Ok(None);
    }
    let signed = read_text(kept)?;
    checkpoint::open(&signed, std::slice::from_ref(log)).map(Some).map_err(|refusal| {
        Problem::from_error(&refusal)
            .while_doing(format!("{} does not hold the last checkpoint", kept.display()))
            .hint("bring it back from a copy: without it the log could be rolled back unseen")
    })
}

fn lock(state: &Path) -> Result<File, Problem> {
    let path = state.join("lock");
    let cannot = |err: std::io::Error| files::cannot("lock", &path, &err);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(cannot)?;
    file.lock().map_err(cannot)?;
    Ok(file)
}
