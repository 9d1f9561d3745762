//! `stillmark benchmark contamination scan`.

mod corpus;
mod scan;

use crate::problem::Outcome;
use crate::session::Session;

/// What `benchmark contamination` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say which items a training corpus holds
    Scan(scan::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Scan(args) => scan::run(&args, session),
    }
}
