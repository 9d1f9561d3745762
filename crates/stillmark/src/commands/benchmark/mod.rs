//! `stillmark benchmark digest|diff|run|rescore|audit|claim|spot-check|contamination|holdout|pack`.

use crate::problem::Outcome;
use crate::session::Session;

/// What `benchmark` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, _session: &Session) -> Outcome {
    match args.verb {}
}
