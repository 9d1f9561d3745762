//! `stillmark benchmark contamination constat SCORES --suspect MODEL`.

use std::path::PathBuf;

use stillmark_benchmark::contamination::constat::{self, Settings};

use super::{asking, told};
use crate::files;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `benchmark contamination constat` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark contamination constat scores.jsonl --suspect tern-8b\n\n\
                  SCORES: JSON Lines of {model, benchmark: [a score an item], reference: [a score an item]}, one a model.\n\
                  Exit codes: 0 no evidence; 1 seen; 3 inconclusive, as always with fewer than five reference models."
)]
pub(crate) struct Args {
    /// The scores of all models
    scores: PathBuf,
    /// The model that is doubted; all others are reference models
    #[arg(long, value_name = "NAME")]
    suspect: String,
    /// Bootstrap rounds
    #[arg(long, value_name = "N", default_value_t = 999, value_parser = clap::value_parser!(u32).range(19..=100_000))]
    rounds: u32,
    /// Behind every draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// How often a clean model may be said to have seen the benchmark
    #[arg(long, default_value_t = 0.01)]
    level: f64,
}

/// Judges.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    asking::check_level(args.level)?;
    let text = files::read_text(&args.scores)?;
    let mut models = constat::parse(&text).map_err(|err| {
        Problem::from_error(&err).while_doing(format!("{} cannot be read", args.scores.display())).hint(
            "a line is {\"model\": …, \"benchmark\": [a score an item], \"reference\": [a score an item]}",
        )
    })?;
    let Some(place) = models.iter().position(|model| model.model == args.suspect) else {
        let names: Vec<&str> = models.iter().map(|model| model.model.as_str()).collect();
        return Err(Problem::new(format!("{} has no model `{}`", args.scores.display(), args.suspect))
            .hint(format!("it has {}", names.join(", ")))
            .into());
    };
    let suspect = models.remove(place);
    let settings = Settings { rounds: args.rounds, seed: args.seed, level: args.level };
    told::answer(&constat::judge(&suspect, &models, &settings), session)
}
