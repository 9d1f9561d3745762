//! Finding tampering in a log.
//!
//! [`log`] goes through one task's rows once: digests, scores, items, prompts, settings; [`run`] does so for every task of a run and adds
//! the averages over tasks; [`joined`] puts runs together. What no log can decide is always told as undecidable, never as sound.

use std::collections::BTreeSet;

use rayon::prelude::*;
use stillmark_evidence::audit::{
    Audit, Found, Level, Open, ReadFile, SCHEMA, Score, Severity, SpotCheck, Verdict,
};

use crate::Error;
use crate::log::{Log, Run};

mod again;
mod against;
mod class;
mod coverage;
mod examples;
mod findings;
mod frames;
mod groups;
mod hashes;
mod hints;
mod items;
mod leaks;
mod prompts;
mod recipe;
mod rows;
mod sarif;
mod settings;
mod totals;

pub use again::{Differing, spot_check};
pub use against::Copy;
pub use class::Class;
pub(crate) use items::record as record_of;
pub use sarif::sarif;

/// The verdict of a spot check that holds.
const WITHIN_MARGIN: &str = "within-margin";

/// What was found in one task, or in one run.
#[derive(Debug, Default)]
pub struct Part {
    /// The scores, claimed and recomputed.
    pub scores: Vec<Score>,
    /// What does not hold.
    pub findings: Vec<Found>,
    /// How many more findings there are.
    pub left_out: u64,
    /// Where the log says itself that it departs.
    pub departures: Vec<Found>,
    /// What was not checked, and why.
    pub not_checked: Vec<Open>,
    /// What no log can decide, with hints.
    pub undecidable: Vec<Open>,
    /// How many rows were read.
    pub rows: u64,
    /// How many scores were derived anew.
    pub rescored: u64,
    /// What drawn items came to that were run again.
    pub spot_check: Option<SpotCheck>,
}

/// Audits one task, against a copy of its benchmark where one is given, else against what is pinned.
pub fn log(log: Log<'_>, copy: Option<&Copy>) -> Result<Part, Error> {
    let Log { about, rows } = log;
    match rows {
        Some(rows) => rows::audit(&about, rows, copy),
        None => Ok(totals::bare(&about)),
    }
}

/// Audits every task of a run, and the averages over them.
pub fn run(run: Run<'_>, copy: Option<&Copy>) -> Result<Part, Error> {
    let groups = run.groups;
    let claims = groups::claimed(&run.logs);
    let parts: Vec<Part> = run.logs.into_par_iter().map(|one| log(one, copy)).collect::<Result<_, _>>()?;
    let mut whole = Part::default();
    for part in parts {
        whole.take(part);
    }
    groups::audit(&groups, &claims, &mut whole);
    Ok(whole)
}

/// The audit of several runs.
pub fn joined(files: Vec<ReadFile>, parts: Vec<Part>) -> Audit {
    let mut whole = Part::default();
    for part in parts {
        whole.take(part);
    }
    let altered = whole.findings.iter().any(|found| found.severity == Severity::Error);
    // A claim that nothing was derived for is open, whatever else holds.
    let is_open = whole.rescored == 0
        || whole.scores.iter().any(|score| score.claimed.is_some() && score.recomputed.is_none());
    let verdict = match (altered, is_open, whole.departures.is_empty()) {
        (true, _, _) => Verdict::Altered,
        (false, true, _) => Verdict::Inconclusive,
        (false, false, false) => Verdict::Departs,
        (false, false, true) => Verdict::NothingFound,
    };
    let bound = whole.spot_check.as_ref().filter(|check| check.verdict == WITHIN_MARGIN);
    let assurance = match (whole.rows, bound) {
        (0, _) => Level::L0,
        (_, None) => Level::L1,
        (_, Some(_)) => Level::L2,
    };
    Audit {
        schema: SCHEMA.to_owned(),
        verdict,
        assurance,
        files,
        scores: whole.scores,
        findings: whole.findings,
        findings_left_out: whole.left_out,
        departures: whole.departures,
        undecidable: whole.undecidable,
        not_checked: distinct(whole.not_checked),
        cannot_show: cannot_show(assurance, bound),
        spot_check: whole.spot_check,
    }
}

impl Part {
    fn take(&mut self, other: Self) {
        self.scores.extend(other.scores);
        self.findings.extend(other.findings);
        self.left_out += other.left_out;
        self.departures.extend(other.departures);
        self.not_checked.extend(other.not_checked);
        self.undecidable.extend(other.undecidable);
        self.rows += other.rows;
        self.rescored += other.rescored;
        self.spot_check = other.spot_check.or(self.spot_check.take());
    }
}

fn distinct(all: Vec<Open>) -> Vec<Open> {
    let mut seen = BTreeSet::new();
    all.into_iter()
        .filter(|open| seen.insert((open.what.clone(), open.task.clone(), open.why.clone())))
        .collect()
}

/// What the level cannot show; with a spot check that holds, what stays open beyond its bound.
fn cannot_show(level: Level, bound: Option<&SpotCheck>) -> Vec<String> {
    if level == Level::L0 {
        return [
            "that any item was asked: no sample stands behind the numbers",
            "that the scores follow from answers: there are none to score",
        ]
        .map(str::to_owned)
        .into();
    }
    let model = match bound {
        Some(check) => format!(
            "that the model gave every one of these answers: the spot check of {} items bounds the inflation by {:.2} points at {:.0} %, \
             if its commitment {} was published before the log was fixed",
            check.items,
            check.bound_points,
            check.confidence * 100.0,
            check.commitment
        ),
        None => "that a model gave these answers: whoever edits a log can write any output or log-likelihood into it; a spot check that runs \
                 items again can (`stillmark benchmark spot-check`)"
            .to_owned(),
    };
    let others = [
        "that this was the only run: a better one of several may have been kept; a run that was registered before it began shows it",
        "that the model had not seen the items: see `stillmark benchmark contamination`",
    ];
    std::iter::once(model).chain(others.map(str::to_owned)).collect()
}
