//! `stillmark benchmark contamination min-k BENCH --control BENCH --model MODEL`.

use std::path::PathBuf;

use stillmark_benchmark::contamination::min_k::{self, Settings};

use super::asking::Asking;
use super::told;
use crate::commands::benchmark::copies;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `benchmark contamination min-k` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark contamination min-k public.jsonl --control withheld.jsonl --model smollm2-135m-instruct\n\n\
                  Exit codes: 0 no evidence; 1 seen; 3 inconclusive, as always without --control."
)]
pub(crate) struct Args {
    #[command(flatten)]
    asking: Asking,
    /// Items of the same kind that the model cannot have seen: without them there is no p-value
    #[arg(long, value_name = "BENCH")]
    control: Vec<PathBuf>,
    /// The share of tokens, the most surprising, whose mean is an item's score
    #[arg(long, default_value_t = 0.2)]
    share: f64,
}

/// Plans, asks, judges.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    if !(args.share > 0.0 && args.share <= 1.0) {
        return Err(Problem::new(format!("`--share {}` makes no sense", args.share))
            .hint("a share lies above 0 and is at most 1, such as 0.2")
            .into());
    }
    let subsets = args.asking.subsets(session)?;
    let control =
        if args.control.is_empty() { Vec::new() } else { copies::read(&args.control, session.talk)?.subsets };
    let settings = Settings { share: args.share, seed: args.asking.seed, level: args.asking.level };
    let plan = min_k::plan(&subsets, &control, &settings);
    let answers = args.asking.answers(min_k::TEST, &plan.questions(), session)?;
    let finding = min_k::judge(&plan, &answers).map_err(|err| args.asking.refused(&err))?;
    told::answer(&finding, session)
}
