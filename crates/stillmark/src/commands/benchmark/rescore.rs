//! `stillmark benchmark rescore LOG…`.

use std::path::PathBuf;

use serde::Serialize;
use stillmark_benchmark::audit::Class;
use stillmark_benchmark::humaneval::logged::{self, Answers, Ended, Judged};
use stillmark_benchmark::log;
use stillmark_evidence::audit::{Found, Open, Score};

use super::mlperf::Given;
use super::{audit, humaneval, logs, told};
use crate::exit::ExitStatus;
use crate::interrupt;
use crate::problem::{Outcome, Problem, Stop};
use crate::sandbox;
use crate::session::Session;

/// What `benchmark rescore` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark rescore results/my-model\n  stillmark benchmark rescore logs/accuracy --golds golds.jsonl --rule letter\n\n\
                  LOG: as for `benchmark audit`, which checks much more. Exit codes: 0 every derived score agrees;\n\
                  1 one does not; 3 none could be derived."
)]
pub(crate) struct Args {
    /// The logs, or folders of logs
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    #[command(flatten)]
    given: Given,
    /// Run the programs that HumanEval's answers are, on this machine, as `benchmark humaneval` does
    #[arg(long)]
    run_code: bool,
    /// Seconds that each program may take
    #[arg(long, default_value_t = 3, requires = "run_code")]
    timeout: u64,
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

/// The classes of a packed or bare LoadGen run that speak of its accuracy.
const OF_MLPERF: [&str; 4] = ["mlperf-accuracy", "mlperf-answers", "mlperf-hash", "mlperf-sample-count"];

/// Scores anew, and answers.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let audit = audit::any(&args.logs, None, &args.given, None, session)?;
    let of_scores = [Class::ScoreForged, Class::AnswerForged, Class::AggregateForged].map(Class::code);
    let about_scores = |class: &str| of_scores.contains(&class) || OF_MLPERF.contains(&class);
    let mut answer = Answer {
        schema: "stillmark/benchmark-rescore/v1",
        verdict: "",
        scores: audit.scores,
        disagreements: audit.findings.into_iter().filter(|found| about_scores(&found.class)).collect(),
        not_checked: audit.not_checked.into_iter().filter(|open| about_scores(&open.what)).collect(),
    };
    let is_harness = audit.files.iter().any(|file| file.format == log::Harness::LmEval.name());
    if is_harness {
        programs(args, &mut answer, session)?;
    }
    let any = answer.scores.iter().any(|score| score.recomputed.is_some());
    let (verdict, status) = match (answer.disagreements.is_empty(), any) {
        (false, _) => ("disagrees", ExitStatus::Negative),
        (true, true) => ("agrees", ExitStatus::Done),
        (true, false) => ("inconclusive", ExitStatus::Review),
    };
    answer.verdict = verdict;
    session.answer(&answer, || told::rescored(&answer.scores, &answer.disagreements, &answer.not_checked))?;
    Ok(status)
}

/// Scores answers that are programs, where they may be run; else says that they were not.
fn programs(args: &Args, answer: &mut Answer, session: &Session) -> Result<(), Stop> {
    let opened = logs::open(&args.logs)?;
    let broken =
        |err: stillmark_benchmark::Error| Problem::from_error(&err).while_doing("a log cannot be read");
    for log in log::read(&opened.files()).map_err(broken)?.into_iter().flat_map(|run| run.logs) {
        let Some(answers) = logged::answers(log).map_err(broken)? else { continue };
        // Other words about the same scores are none of use beside these.
        answer.not_checked.retain(|open| open.task.as_deref() != Some(answers.task.as_str()));
        if !args.run_code {
            let why = "not re-scored: code is not run (`--run-code` runs it, in limits)".to_owned();
            answer.not_checked.push(logged::open(&answers, Class::ScoreForged, why));
            continue;
        }
        session.talk.warn(humaneval::WARNING);
        let Judged { scores, findings, not_checked } =
            logged::judge(&answers, &ended(args, &answers, session)?);
        answer.scores.retain(|score| score.task != answers.task);
        answer.disagreements.retain(|found| found.task.as_deref() != Some(answers.task.as_str()));
        answer.scores.extend(scores);
        answer.disagreements.extend(findings);
        answer.not_checked.extend(not_checked);
    }
    Ok(())
}

/// Runs every program of a log.
fn ended(args: &Args, answers: &Answers, session: &Session) -> Result<Vec<Vec<Ended>>, Stop> {
    let isolation = sandbox::probe();
    interrupt::listen()?;
    let bar = session.talk.steps_bar("programs", answers.trials.len() as u64);
    let mut all = Vec::new();
    for trial in &answers.trials {
        let nonce = humaneval::nonce()?;
        let mut each = Vec::new();
        for program in trial.programs(&nonce) {
            each.push(match humaneval::passes(&program, (&nonce, isolation), args.timeout)? {
                Some(true) => Ended::Passed,
                Some(false) => Ended::Failed,
                None => Ended::TimedOut,
            });
        }
        all.push(each);
        bar.inc(1);
        if interrupt::requested() {
            return Err(Problem::interrupted("nothing was written").into());
        }
    }
    bar.finish_and_clear();
    Ok(all)
}
