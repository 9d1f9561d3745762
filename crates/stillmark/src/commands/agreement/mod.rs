//! `stillmark agreement check|terms`.

pub(crate) mod check;
mod graph;
mod terms;

use crate::problem::Outcome;
use crate::session::Session;

/// What `agreement` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Say whether the terms allow what a plan or a provenance file describes
    Check(check::Args),
    /// The terms that are known, and what they say about distillation
    Terms(terms::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Check(args) => check::run(&args, session),
        Verb::Terms(args) => terms::run(args, session),
    }
}
