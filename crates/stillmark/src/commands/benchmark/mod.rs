//! `stillmark benchmark digest|diff|run|rescore|audit|claim|spot-check|contamination|holdout|pack`.

mod audit;
mod logs;
mod rescore;
mod told;

use crate::problem::Outcome;
use crate::session::Session;

/// What `benchmark` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Look for tampering in the logs of an evaluation
    Audit(audit::Args),
    /// Derive every score of a log anew from its answers
    Rescore(rescore::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Audit(args) => audit::run(&args, session),
        Verb::Rescore(args) => rescore::run(&args, session),
    }
}
