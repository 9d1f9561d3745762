//! `stillmark benchmark spot-check commit`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_benchmark::spot_check::draw;
use stillmark_evidence::Digest;

use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `benchmark spot-check commit` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark benchmark spot-check commit --nonce nonce.txt")]
pub(crate) struct Args {
    /// Where the secret number is kept until the log is fixed; must not be there yet
    #[arg(long, value_name = "FILE")]
    nonce: PathBuf,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    commitment: String,
    next: &'static str,
}

/// Draws and commits.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce)
        .map_err(|err| Problem::new("the system gives no random numbers").cause(err.to_string()))?;
    let text = format!("{}\n", Digest::from_bytes(nonce));
    files::write_new(&args.nonce, text.as_bytes(), Secrecy::Private)?;
    let answer = Answer {
        schema: "stillmark/benchmark-spot-check-commitment/v1",
        commitment: Digest::from_bytes(draw::commitment(&nonce)).to_string(),
        next: "publish the commitment before the log is fixed; show the number only with the plan",
    };
    session.answer(&answer, || format!("{}\n  next      {}", answer.commitment, answer.next))?;
    Ok(ExitStatus::Done)
}
