//! `stillmark benchmark contamination order BENCH --model MODEL`.

use stillmark_benchmark::contamination::order::{self, Settings};

use super::asking::Asking;
use super::told;
use crate::problem::Outcome;
use crate::session::Session;

/// What `benchmark contamination order` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark contamination order mmlu/test --subset anatomy --model smollm2-135m-instruct --answers kept.jsonl\n\n\
                  Exit codes: 0 no evidence; 1 seen; 3 inconclusive."
)]
pub(crate) struct Args {
    #[command(flatten)]
    asking: Asking,
    /// Other orders that each shard is compared with
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    permutations: u32,
    /// Items a shard
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    shard: u32,
}

/// Plans, asks, judges.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let subsets = args.asking.subsets(session)?;
    let settings = Settings {
        seed: args.asking.seed,
        permutations: args.permutations as usize,
        shard: args.shard as usize,
        level: args.asking.level,
    };
    let plan = order::plan(&subsets, &settings);
    let answers = args.asking.answers(order::TEST, &plan.questions(), session)?;
    let finding = order::judge(&plan, &answers).map_err(|err| args.asking.refused(&err))?;
    told::answer(&finding, session)
}
