//! `stillmark benchmark digest|diff|run|rescore|audit|claim|spot-check|contamination|holdout|pack`.

mod audit;
mod claim;
mod columns;
mod compare;
mod contamination;
mod copies;
mod diff;
mod digest;
mod holdout;
mod humaneval;
mod logs;
mod machine;
mod mlperf;
mod pack;
mod rescore;
mod run;
mod spot_check;
mod told;

use stillmark_benchmark::copies::Copy;
use stillmark_benchmark::registry::{self, Pinned};

use crate::problem::{Outcome, Problem};
use crate::session::Session;
use crate::settings;

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
    /// Print the digests that pin a benchmark, and whether the registry knows it
    Digest(digest::Args),
    /// Say what became of every row between two copies
    Diff(diff::Args),
    /// Say whether a published number can be
    Claim(claim::Args),
    /// Say which items a log's re-run is to show, and what it shows
    SpotCheck(spot_check::Args),
    /// Say whether a model has seen the questions
    Contamination(contamination::Args),
    /// Commit to hidden items, reveal them, and compare scores
    Holdout(holdout::Args),
    /// Run a benchmark: registered, asked, scored, signed
    Run(run::Args),
    /// Set two runs side by side, with an exact test
    Compare(compare::Args),
    /// Run what a model wrote for `HumanEval`, and take pass@k anew
    Humaneval(humaneval::Args),
    /// Lay evidence out for others: MLPerf directories
    Pack(pack::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args, session: &Session) -> Outcome {
    match args.verb {
        Verb::Audit(args) => audit::run(&args, session),
        Verb::Rescore(args) => rescore::run(&args, session),
        Verb::Digest(args) => digest::run(&args, session),
        Verb::Diff(args) => diff::run(&args, session),
        Verb::Claim(args) => claim::run(&args, session),
        Verb::SpotCheck(args) => spot_check::run(args, session),
        Verb::Contamination(args) => contamination::run(args, session),
        Verb::Holdout(args) => holdout::run(&args, session),
        Verb::Run(args) => run::run(&args, session),
        Verb::Compare(args) => compare::run(&args, session),
        Verb::Humaneval(args) => humaneval::run(&args, session),
        Verb::Pack(args) => pack::run(&args, session),
    }
}

/// The benchmark of the registry that is named, or else the one that a copy is recognized as.
fn pinned(name: Option<&str>, copy: &Copy) -> Result<Option<&'static Pinned>, Problem> {
    let Some(name) = name else { return Ok(registry::recognize(&copy.subsets)) };
    let Some(pinned) = registry::find(name) else {
        let hint = match settings::closest(name, registry::names()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("it has {}", registry::names().collect::<Vec<_>>().join(", ")),
        };
        return Err(Problem::new(format!("the registry has no benchmark `{name}`")).hint(hint));
    };
    Ok(Some(pinned))
}
