//! `stillmark watermark marker`.

mod marker;

use crate::problem::Outcome;
use crate::session::Session;

/// What `watermark` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Hidden markers in text: embed, find and strip them
    Marker(marker::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Marker(args) => marker::run(args, session),
    }
}
