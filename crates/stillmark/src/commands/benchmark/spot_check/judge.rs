//! `stillmark benchmark spot-check judge`.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_benchmark::audit::Differing;
use stillmark_benchmark::spot_check::judge::{self, Judged, Match, Pair, Repeatability, Repeats, Verdict};
use stillmark_evidence::Digest;
use stillmark_evidence::audit::SpotCheck;

use super::document::{self, Plan};
use super::scores::{self, Scored, Which};
use crate::exit::ExitStatus;
use crate::output::of_logarithm;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// How far log-likelihoods may lie apart and be equal, where nothing else is said: more than other batches or processors make of it.
pub(crate) const TOLERANCE: f64 = 1e-3;

/// What `benchmark spot-check judge` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 0 within the margin, 1 on a finding, 3 undecided.\n\nExample:\n  stillmark benchmark spot-check judge plan.json --log samples_gsm8k.jsonl --rerun rerun/"
)]
pub(crate) struct Args {
    /// The plan
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
    /// The log that is checked
    #[arg(long, required = true, value_name = "PATH")]
    log: Vec<PathBuf>,
    /// The re-run of the drawn items
    #[arg(long, required = true, value_name = "PATH")]
    rerun: Vec<PathBuf>,
    /// A second re-run, of some of them or all: how far the model differs from itself
    #[arg(long, value_name = "PATH")]
    again: Vec<PathBuf>,
    /// How far log-likelihoods may lie apart and be equal
    #[arg(long, default_value_t = TOLERANCE, value_name = "NATS")]
    tolerance: f64,
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    verdict: Verdict,
    population: u64,
    items: u64,
    scores_differ: u64,
    likelihoods_differ: u64,
    inflation_points: f64,
    bound_points: f64,
    differing_bound: u64,
    confidence: f64,
    p_inflated: f64,
    ln_p_inflated: f64,
    p_margin: f64,
    ln_p_margin: f64,
    assumed_exact: bool,
    repeats: u64,
    flips: u64,
    flip_rate_bound: Option<f64>,
    differing: Vec<Differing>,
    cannot_show: [&'static str; 2],
}

const CANNOT_SHOW: [&str; 2] = [
    "It shows that these weights, or this endpoint, give the log's scores: not that the benchmark was kept out of training.",
    "The bound is over items drawn at random after the log was fixed; it holds only if the commitment came first.",
];

/// A plan, the log it was drawn from, and what was run again.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) plan: &'a Path,
    pub(crate) log: &'a [PathBuf],
    pub(crate) rerun: &'a [PathBuf],
    pub(crate) again: &'a [PathBuf],
    pub(crate) tolerance: f64,
    pub(crate) which: &'a Which,
}

/// What the re-run shows, and beside what plan.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) plan: Plan,
    pub(crate) judged: Judged,
    pub(crate) repeats: Repeats,
    pub(crate) differing: Vec<Differing>,
}

/// Judges.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let asked = Asked {
        plan: &args.plan,
        log: &args.log,
        rerun: &args.rerun,
        again: &args.again,
        tolerance: args.tolerance,
        which: &args.which,
    };
    let Judgement { plan, judged, repeats, differing } = judged(&asked)?;
    let answer = answer(&judged, plan.population, plan.alpha, repeats, differing);
    session.answer(&answer, || told(&answer))?;
    Ok(match judged.verdict {
        Verdict::WithinMargin => ExitStatus::Done,
        Verdict::NotReproduced | Verdict::Inflated => ExitStatus::Negative,
        Verdict::Inconclusive => ExitStatus::Review,
    })
}

/// Reads the plan, the log and the re-run, and holds them together.
pub(crate) fn judged(asked: &Asked<'_>) -> Result<Judgement, Problem> {
    if !(asked.tolerance >= 0.0 && asked.tolerance.is_finite()) {
        return Err(
            Problem::new(format!("`--tolerance {}` makes no sense", asked.tolerance)).hint("it is 0 or more")
        );
    }
    let plan = Plan::read(asked.plan)?;
    let aim = plan.aim().map_err(Problem::new)?;
    let log = scores::read(asked.log, asked.which)?;
    if log.len() as u64 != plan.population {
        return Err(Problem::new(format!(
            "the log has {} items, the plan was drawn from {}",
            log.len(),
            plan.population
        ))
        .hint("judge the log that the plan was made for, with the same filter"));
    }
    let rerun = scores::read(asked.rerun, asked.which)?;
    let again = if asked.again.is_empty() { None } else { Some(scores::read(asked.again, asked.which)?) };
    let keys: Vec<&scores::Key> = log.keys().collect();
    let (mut pairs, mut differing, mut repeats) = (Vec::new(), Vec::new(), Repeats::default());
    for &place in &plan.drawn {
        let key = keys[place as usize];
        let Some(second) = rerun.get(key) else {
            return Err(Problem::new(format!("the re-run lacks item {} of {}", key.1, key.0))
                .hint("every drawn item is run again, or its absence could hide a forgery"));
        };
        let pair = pair(&log[key], second);
        if pair.compare(asked.tolerance) != Match::Same {
            let (task, item) = key.clone();
            differing.push(Differing { task, item, reported: pair.reported, rerun: pair.rerun });
        }
        pairs.push(pair);
        if let Some(third) = again.as_ref().and_then(|again| again.get(key)) {
            repeats.items += 1;
            repeats.flips += u64::from(self::pair(second, third).compare(asked.tolerance) != Match::Same);
        }
    }
    let declared = if plan.exact { Repeatability::Exact } else { Repeatability::Noisy };
    let judged = judge::judge(&aim, &pairs, asked.tolerance, repeats, declared);
    Ok(Judgement { plan, judged, repeats, differing })
}

impl Judgement {
    /// As an audit records it; `bytes` are those of the plan.
    pub(crate) fn record(&self, plan: &[u8]) -> Result<SpotCheck, Problem> {
        let commitment = document::digest(&self.plan.commitment)
            .ok_or_else(|| Problem::new("the plan's commitment is no SHA-256 in hexadecimal"))?;
        Ok(SpotCheck {
            verdict: word(self.judged.verdict),
            plan: Digest::of(plan),
            commitment,
            population: self.plan.population,
            items: self.judged.items,
            differ: self.judged.scores_differ + self.judged.likelihoods_differ,
            margin_points: self.plan.margin_points,
            bound_points: self.judged.bound_points,
            confidence: 1.0 - self.plan.alpha,
            assumed_exact: self.judged.repeatability == Repeatability::Exact,
        })
    }
}

fn word(verdict: Verdict) -> String {
    serde_json::to_value(verdict).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

fn pair(reported: &Scored, rerun: &Scored) -> Pair {
    Pair {
        reported: reported.score,
        rerun: rerun.score,
        reported_ln: reported.likelihoods.clone(),
        rerun_ln: rerun.likelihoods.clone(),
    }
}

fn answer(
    judged: &Judged,
    population: u64,
    alpha: f64,
    repeats: Repeats,
    differing: Vec<Differing>,
) -> Answer {
    Answer {
        schema: "stillmark/benchmark-spot-check/v1",
        verdict: judged.verdict,
        population,
        items: judged.items,
        scores_differ: judged.scores_differ,
        likelihoods_differ: judged.likelihoods_differ,
        inflation_points: judged.inflation * 100.0,
        bound_points: judged.bound_points,
        differing_bound: judged.differing_bound,
        confidence: 1.0 - alpha,
        p_inflated: judged.p_inflated.value(),
        ln_p_inflated: judged.p_inflated.ln(),
        p_margin: judged.p_margin.value(),
        ln_p_margin: judged.p_margin.ln(),
        assumed_exact: judged.repeatability == Repeatability::Exact,
        repeats: repeats.items,
        flips: repeats.flips,
        flip_rate_bound: judged.flip_rate_bound,
        differing,
        cannot_show: CANNOT_SHOW,
    }
}

fn told(answer: &Answer) -> String {
    let word = word(answer.verdict);
    let mut lines = vec![
        format!(
            "{word}: the inflation is no more than {:.2} points, {:.0} % ({} of {} items run again)",
            answer.bound_points,
            answer.confidence * 100.0,
            answer.items,
            answer.population
        ),
        format!(
            "  {} scores differ, {} log-likelihoods besides; mean inflation {:.2} points (p = {})",
            answer.scores_differ,
            answer.likelihoods_differ,
            answer.inflation_points,
            of_logarithm(answer.ln_p_inflated)
        ),
        format!(
            "  at most {} of all items differ, {:.0} %",
            answer.differing_bound,
            answer.confidence * 100.0
        ),
    ];
    if let Some(bound) = answer.flip_rate_bound {
        lines.push(format!(
            "  run twice: {} of {} items differ, at most {:.1} % (95 %)",
            answer.flips,
            answer.repeats,
            bound * 100.0
        ));
    }
    if answer.assumed_exact {
        lines.push("  assumes   a re-run repeats exactly".to_owned());
    }
    lines.extend(answer.differing.iter().take(20).map(|item| {
        format!("  differs   {} {}: {} in the log, {} again", item.task, item.item, item.reported, item.rerun)
    }));
    lines.extend(answer.cannot_show.iter().map(|line| format!("  note      {line}")));
    lines.join("\n")
}
