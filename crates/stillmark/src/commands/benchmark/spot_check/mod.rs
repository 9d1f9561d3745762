//! `stillmark benchmark spot-check commit|plan|judge`.

mod commit;
mod document;
mod judge;
mod plan;
mod scores;

pub(crate) use judge::{Asked, TOLERANCE, judged};
pub(crate) use scores::Which;

use crate::problem::Outcome;
use crate::session::Session;

/// What `benchmark spot-check` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Draw a secret number and commit to it, before the log is fixed
    Commit(commit::Args),
    /// Say which items are to be run again
    Plan(plan::Args),
    /// Say what their re-run shows
    Judge(judge::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Commit(args) => commit::run(&args, session),
        Verb::Plan(args) => plan::run(&args, session),
        Verb::Judge(args) => judge::run(&args, session),
    }
}
