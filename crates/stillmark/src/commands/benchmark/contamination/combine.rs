//! `stillmark benchmark contamination combine FINDING…`.

use std::path::PathBuf;

use stillmark_benchmark::contamination::combine;
use stillmark_evidence::contamination::ContaminationFinding;

use super::{asking, told};
use crate::files;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `benchmark contamination combine` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark contamination combine order.json options.json min-k.json\n\n\
                  Exit codes: 0 no evidence; 1 seen; 3 inconclusive."
)]
pub(crate) struct Args {
    /// Answers of other tests, as --format json gives them: all that were made of this model and benchmark
    #[arg(required = true)]
    findings: Vec<PathBuf>,
    /// How often all tests together may find something where there is nothing
    #[arg(long, default_value_t = 0.01)]
    level: f64,
}

/// Reads, corrects, answers.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    asking::check_level(args.level)?;
    let read = |path: &PathBuf| -> Result<(String, ContaminationFinding), Problem> {
        let text = files::read_text(path)?;
        let finding: ContaminationFinding = serde_json::from_str(&text).map_err(|err| {
            Problem::new(format!("{} is no answer of a contamination test", path.display()))
                .cause(err.to_string())
                .hint("write one with `stillmark benchmark contamination order … --format json > order.json`")
        })?;
        let odd = finding.ln_p.is_some_and(|ln_p| ln_p.is_nan() || ln_p > 0.0)
            || finding.schema != ContaminationFinding::schema(&finding.test);
        if odd {
            return Err(Problem::new(format!("{} is no answer of a contamination test", path.display()))
                .cause("its `schema` does not fit its `test`, or its `ln_p` is above 0")
                .hint("give the files as the tests wrote them"));
        }
        Ok((path.display().to_string(), finding))
    };
    let findings: Result<Vec<_>, Problem> = args.findings.iter().map(read).collect();
    let all = combine::combine(&findings?, args.level);
    session.answer(&all, || told::combined(&all))?;
    Ok(told::status(all.verdict))
}
