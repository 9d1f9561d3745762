//! `stillmark benchmark contamination completion BENCH --control BENCH --model MODEL`.

use std::path::PathBuf;

use stillmark_benchmark::contamination::completion::{self, Guide, Settings};

use super::asking::Asking;
use super::told;
use crate::commands::benchmark::copies;
use crate::problem::Outcome;
use crate::session::Session;

/// What `benchmark contamination completion` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark contamination completion public.jsonl --control withheld.jsonl --model smollm2-135m-instruct\n\n\
                  Exit codes: 0 no evidence; 1 seen; 3 inconclusive, as always without --control."
)]
pub(crate) struct Args {
    #[command(flatten)]
    asking: Asking,
    /// Items of the same kind that the model cannot have seen: without them there is no p-value
    #[arg(long, value_name = "BENCH")]
    control: Vec<PathBuf>,
    /// Words of the ending that must be reproduced
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    words: u32,
    /// What stands before an item's beginning: nothing, or the names of the dataset's part
    #[arg(long, value_enum, default_value = "general")]
    guide: Words,
}

/// What stands before an item's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Words {
    /// Nothing.
    General,
    /// The names of the dataset's part.
    Named,
}

/// Plans, asks, judges.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let subsets = args.asking.subsets(session)?;
    let control =
        if args.control.is_empty() { Vec::new() } else { copies::read(&args.control, session.talk)?.subsets };
    let guide = match args.guide {
        Words::General => Guide::General,
        Words::Named => Guide::Named,
    };
    let settings =
        Settings { words: args.words as usize, guide, seed: args.asking.seed, level: args.asking.level };
    let plan = completion::plan(&subsets, &control, &settings);
    let answers = args.asking.answers(completion::TEST, &plan.questions(), session)?;
    let finding = completion::judge(&plan, &answers).map_err(|err| args.asking.refused(&err))?;
    told::answer(&finding, session)
}
