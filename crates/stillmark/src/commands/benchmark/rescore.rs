//! `stillmark benchmark rescore LOG…`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_benchmark::audit::Class;
use stillmark_evidence::audit::{Found, Open, Score};

use super::{audit, told};
use crate::exit::ExitStatus;
use crate::problem::Outcome;
use crate::session::Session;

/// What `benchmark rescore` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark benchmark rescore results/my-model\n\n\
                  LOG: as for `benchmark audit`, which checks much more. Exit codes: 0 every derived score agrees;\n\
                  1 one does not; 3 none could be derived.")]
pub(crate) struct Args {
    /// The logs, or folders of logs
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
}

/// Scores, claimed and recomputed.
#[derive(Debug, Serialize)]
struct Answer {
    schema: &'static str,
    verdict: &'static str,
    scores: Vec<Score>,
    disagreements: Vec<Found>,
    not_checked: Vec<Open>,
}

/// Scores anew, and answers.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let audit = audit::audit(&args.logs, None, None, session)?;
    let of_scores = [Class::ScoreForged, Class::AnswerForged, Class::AggregateForged].map(Class::code);
    let about_scores = |class: &str| of_scores.contains(&class);
    let disagreements: Vec<Found> =
        audit.findings.into_iter().filter(|found| about_scores(&found.class)).collect();
    let any = audit.scores.iter().any(|score| score.recomputed.is_some());
    let (verdict, status) = match (disagreements.is_empty(), any) {
        (false, _) => ("disagrees", ExitStatus::Negative),
        (true, true) => ("agrees", ExitStatus::Done),
        (true, false) => ("inconclusive", ExitStatus::Review),
    };
    let answer = Answer {
        schema: "stillmark/benchmark-rescore/v1",
        verdict,
        scores: audit.scores,
        disagreements,
        not_checked: audit.not_checked.into_iter().filter(|open| about_scores(&open.what)).collect(),
    };
    session.answer(&answer, || told::rescored(&answer.scores, &answer.disagreements, &answer.not_checked))?;
    Ok(status)
}
