//! `stillmark benchmark contamination scan|order|options|min-k|completion|constat|combine`.

mod asking;
mod combine;
mod completion;
mod constat;
mod corpus;
mod gap;
mod min_k;
mod model;
mod options;
mod order;
mod scan;
mod search;
mod state;
mod table;
pub(super) mod told;

pub(super) use asking::check_level;

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
    /// Say whether a model prefers the dataset's own order of items
    Order(order::Args),
    /// Say whether a model prefers the dataset's own order of choices
    Options(options::Args),
    /// Say whether items surprise a model less than withheld ones
    MinK(min_k::Args),
    /// Say whether a model goes on with items word for word, more than with withheld ones
    Completion(completion::Args),
    /// Say whether a score is better than those of other models let expect
    Constat(constat::Args),
    /// Take the answers of several tests together
    Combine(combine::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Scan(args) => scan::run(&args, session),
        Verb::Order(args) => order::run(&args, session),
        Verb::Options(args) => options::run(&args, session),
        Verb::MinK(args) => min_k::run(&args, session),
        Verb::Completion(args) => completion::run(&args, session),
        Verb::Constat(args) => constat::run(&args, session),
        Verb::Combine(args) => combine::run(&args, session),
    }
}
