//! `stillmark agreement check|lint|terms|new|grant|accept`.

mod accept;
pub(crate) mod check;
mod diff;
mod grant;
mod graph;
mod heads;
mod lint;
mod new;
mod recognize;
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
    /// Say whether name, LICENSE, NOTICE and card beside a model meet the duties of its terms
    Lint(lint::Args),
    /// The terms that are known, and what they say about distillation
    Terms(terms::Args),
    /// Offer a model for distillation under one of four presets
    New(new::Args),
    /// Say yes to one builder, show it, or take it back
    Grant(grant::Args),
    /// Countersign a grant that you were given
    Accept(accept::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Check(args) => check::run(&args, session),
        Verb::Lint(args) => lint::run(&args, session),
        Verb::Terms(args) => terms::run(args, session),
        Verb::New(args) => new::run(&args, session),
        Verb::Grant(args) => grant::run(args, session),
        Verb::Accept(args) => accept::run(&args, session),
    }
}
