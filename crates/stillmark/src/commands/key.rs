//! `stillmark key new|show`.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_evidence::keys::PublicKey;

use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::keys;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;
use crate::trust;

/// What `key` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make the P-256 key you sign statements with, and trust its public half
    #[command(after_help = "Example:\n  stillmark key new")]
    New {
        /// Where the private key goes [default: ~/.config/stillmark/signer.pem]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Show a key's name and public half; the private half is never shown
    #[command(after_help = "Example:\n  stillmark key show\n  stillmark key show --out nova.pub.pem")]
    Show {
        /// A private or public key [default: the key you sign with]
        file: Option<PathBuf>,
        /// Write the public half to a file, for others to trust
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    id: String,
    path: PathBuf,
    public_pem: String,
    trusted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_as: Option<PathBuf>,
}

/// Makes a key, or shows one.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::New { out } => new(out, session)?,
        Verb::Show { file, out } => show(file, out.as_deref(), session)?,
    }
    Ok(ExitStatus::Done)
}

fn new(out: Option<PathBuf>, session: &Session) -> Result<(), Stop> {
    let path = out.unwrap_or_else(|| session.settings.key.clone());
    let made = keys::make(&path, &session.settings)?;
    session.talk.note(&format!("{} is yours alone: keep it, and keep it secret", path.display()));
    session.talk.note(&format!("{} says that you trust it", made.trusted.display()));
    answer(made.key.public(), path, Some(made.trusted), session)
}

fn show(file: Option<PathBuf>, out: Option<&Path>, session: &Session) -> Result<(), Stop> {
    let path = file.unwrap_or_else(|| session.settings.key.clone());
    let private = keys::read_private(&path);
    let public = match private {
        Ok(key) => key.public().clone(),
        Err(problem) => trust::read(&path).map_err(|_: Problem| problem)?,
    };
    if let Some(out) = out {
        files::write_new(out, public.to_pem().as_bytes(), Secrecy::Public)?;
    }
    answer(&public, path, None, session)
}

fn answer(
    key: &PublicKey,
    path: PathBuf,
    trusted_as: Option<PathBuf>,
    session: &Session,
) -> Result<(), Stop> {
    let trusted = trust::all(&session.settings.trust)?.contains(key);
    let (id, public_pem) = (key.id().to_string(), key.to_pem().to_owned());
    let answer = Answer { schema: "stillmark/key/v1", id, path, public_pem, trusted, trusted_as };
    session.answer(&answer, || {
        let word = if answer.trusted { "trusted" } else { "not trusted" };
        format!("{}  {}  {word}\n{}", answer.id, answer.path.display(), answer.public_pem)
    })
}
