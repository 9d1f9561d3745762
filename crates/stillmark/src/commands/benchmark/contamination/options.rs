//! `stillmark benchmark contamination options BENCH --model MODEL`.

use stillmark_benchmark::contamination::options::{self, Settings};

use super::asking::Asking;
use super::told;
use crate::problem::Outcome;
use crate::session::Session;

/// What `benchmark contamination options` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark contamination options mmlu/test --subset anatomy --model smollm2-135m-instruct\n\n\
                  Exit codes: 0 no evidence; 1 seen; 3 inconclusive."
)]
pub(crate) struct Args {
    #[command(flatten)]
    asking: Asking,
    /// Orders of an item's choices, its own included; all where there are no more
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    orders: u32,
}

/// Plans, asks, judges.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let subsets = args.asking.subsets(session)?;
    let settings =
        Settings { seed: args.asking.seed, orders: args.orders as usize, level: args.asking.level };
    let plan = options::plan(&subsets, &settings);
    let answers = args.asking.answers(options::TEST, &plan.questions(), session)?;
    let finding = options::judge(&plan, &answers).map_err(|err| args.asking.refused(&err))?;
    told::answer(&finding, session)
}
