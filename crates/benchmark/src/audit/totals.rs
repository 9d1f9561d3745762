//! Totals, derived from the rows.

use std::collections::BTreeMap;

use stillmark_evidence::audit::Score;
use stillmark_stats::interval::wilson;

use super::findings::{Contrast, Findings};
use super::{Class, Part};
use crate::json::Value;
use crate::log::{About, Claim, Harness, Sample, Score as Recorded};
use crate::rescore::{Agreement, Rescored, mean, stderr};

/// How far a total may lie from its rows: what adding in another order can change, and more than any forger could use.
const TOLERANCE: f64 = 1e-9;

/// The scores of a task, by filter and metric.
#[derive(Debug, Default)]
pub(super) struct Totals {
    columns: BTreeMap<(String, String), Column>,
    filters: BTreeMap<String, Seen>,
    rows: u64,
}

/// The rows of one filter.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    rows: usize,
    /// Rows that hold scores and no answer to score.
    unanswered: usize,
}

#[derive(Debug, Default)]
struct Column {
    recorded: Vec<f64>,
    derived: Vec<f64>,
    rows: usize,
}

impl Totals {
    /// Adds the scores of one sample, recorded and derived.
    pub(super) fn row(&mut self, sample: &Sample<'_>, rescored: &Rescored<'_>) {
        self.rows += 1;
        if !self.filters.contains_key(sample.filter.as_ref()) {
            self.filters.insert(sample.filter.to_string(), Seen::default());
        }
        if let Some(seen) = self.filters.get_mut(sample.filter.as_ref()) {
            let is_unanswered = sample.requests.iter().all(|request| request.responses.is_empty());
            seen.rows += 1;
            seen.unanswered += usize::from(is_unanswered && !sample.scores.is_empty());
        }
        for (metric, recorded) in &sample.scores {
            let Some(column) = self.column(&sample.filter, metric) else { continue };
            column.rows += 1;
            if let Recorded::Number(value) = recorded {
                column.recorded.push(*value);
            }
        }
        for (metric, value) in &rescored.scores {
            if let Some(column) = self.column(&sample.filter, metric) {
                column.derived.push(*value);
            }
        }
    }

    /// The column of a filter and metric, made where there is none yet.
    fn column(&mut self, filter: &str, metric: &str) -> Option<&mut Column> {
        // A look-up by borrowed parts; a task has a handful of columns.
        let is_it = |(by, of): &(String, String)| by == filter && of == metric;
        if !self.columns.keys().any(is_it) {
            self.columns.insert((filter.to_owned(), metric.to_owned()), Column::default());
        }
        self.columns.iter_mut().find(|(key, _)| is_it(key)).map(|(_, column)| column)
    }

    /// Rows that lack what others of their filter have: a mean over the others alone is another number.
    fn holes(&self, about: &About<'_>, findings: &mut Findings<'_, '_>) {
        if about.harness != Harness::LmEval {
            return;
        }
        for (filter, seen) in &self.filters {
            let (lacking, all) = (seen.unanswered, seen.rows);
            if 0 < lacking && lacking < all {
                let detail =
                    format!("{lacking} of {all} rows under the filter `{filter}` have a score and no answer");
                findings.task(Class::AnswerForged, detail, Contrast::default());
            } else if 0 < lacking {
                findings.unchecked(Class::ScoreForged, "its rows hold scores and no answers");
            }
        }
        let claimed = |filter: &str, metric: &str| {
            about.claims.iter().any(|claim| claim.filter == filter && claim.metric == metric)
        };
        for ((filter, metric), column) in &self.columns {
            let all = self.filters.get(filter).map_or(0, |seen| seen.rows);
            let is_known = 2 * column.derived.len() > all || claimed(filter, metric);
            if is_known && 0 < column.rows && column.rows < all {
                let detail = format!(
                    "{} of {all} rows under the filter `{filter}` lack the score `{metric}`",
                    all - column.rows
                );
                findings.task(Class::ScoreForged, detail, Contrast::of(&all, &column.rows));
            }
        }
    }

    fn score(
        &self,
        about: &About<'_>,
        (filter, metric): &(String, String),
        claimed: Option<f64>,
        column: Option<&Column>,
    ) -> Score {
        // Where some scores are in doubt, or some rows have none, no mean follows.
        let rows = self.filters.get(filter).map_or(0, |seen| seen.rows);
        let whole = column.filter(|column| column.derived.len() == rows && column.rows == rows);
        let derived = whole.map(|column| column.derived.as_slice()).filter(|all| !all.is_empty());
        let n = column.map_or(about.counts.map_or(0, |counts| counts.effective), |column| column.rows as u64);
        let hits = derived.filter(|all| all.iter().all(|score| *score == 0.0 || *score == 1.0));
        let interval = hits.map(|all| {
            let interval =
                wilson(all.iter().filter(|score| **score == 1.0).count() as u64, all.len() as u64, 0.95);
            [interval.low, interval.high]
        });
        Score {
            task: about.task.clone(),
            subject: about.task.strip_prefix("mmlu_").map(str::to_owned),
            metric: metric.clone(),
            filter: filter.clone(),
            aggregation: None,
            n,
            n_benchmark: about.counts.map(|counts| counts.original),
            claimed: claimed.filter(|claimed| claimed.is_finite()),
            recomputed: derived.and_then(mean).filter(|mean| mean.is_finite()),
            interval,
        }
    }

    /// Compares what the log claims with what its rows come to.
    pub(super) fn close(self, about: &About<'_>, total: Option<u64>, findings: &mut Findings<'_, '_>) {
        findings.part().rows += self.rows;
        self.holes(about, findings);
        let mut unclaimed: BTreeMap<&(String, String), &Column> = self.columns.iter().collect();
        for claim in about.claims.iter().filter(|claim| claim.metric != "bypass") {
            let key = (claim.filter.clone(), claim.metric.clone());
            unclaimed.remove(&key);
            let column = self.columns.get(&key);
            if let Some(column) = column.filter(|column| !column.recorded.is_empty()) {
                check(about, claim, column, findings);
            } else if self.rows > 0 && about.harness == Harness::LmEval {
                let detail =
                    format!("no sample has a score `{}` under the filter `{}`", claim.metric, claim.filter);
                findings.task(
                    Class::AggregateForged,
                    detail,
                    Contrast { expected: None, found: Some(claim.value.to_string()) },
                );
            }
            let score = self.score(about, &key, Some(claim.value), column);
            let score = Score { n_benchmark: total.or(score.n_benchmark), ..score };
            push(score, column, findings);
        }
        for (key, column) in unclaimed.into_iter().filter(|(_, column)| !column.derived.is_empty()) {
            let score = self.score(about, key, None, Some(column));
            let score = Score { n_benchmark: total.or(score.n_benchmark), ..score };
            push(score, Some(column), findings);
        }
    }
}

/// What a log without samples shows: its claims.
pub(super) fn bare(about: &About<'_>) -> Part {
    let mut findings = Findings::new(about);
    findings.unchecked(Class::ScoreForged, "there are no samples: only the numbers were left");
    for claim in &about.claims {
        let key = (claim.filter.clone(), claim.metric.clone());
        let score = Totals::default().score(about, &key, Some(claim.value), None);
        findings.part().scores.push(score);
    }
    findings.into_part()
}

fn push(score: Score, column: Option<&Column>, findings: &mut Findings<'_, '_>) {
    let part = findings.part();
    part.rescored += column.map_or(0, |column| column.derived.len() as u64);
    part.scores.push(score);
}

fn check(about: &About<'_>, claim: &Claim, column: &Column, findings: &mut Findings<'_, '_>) {
    let what = format!("`{}` under the filter `{}`", claim.metric, claim.filter);
    // Missing or repeated rows are told already; their total cannot fit.
    let rows = [Class::SampleDropped, Class::SamplePicked, Class::SampleDuplicated];
    if rows.iter().any(|class| findings.count(*class) > 0) {
        return;
    }
    let (Some(recorded), true) = (mean(&column.recorded), is_mean(about, &claim.metric)) else {
        findings.unchecked(Class::AggregateForged, format!("{what} is no mean, and is not derived anew"));
        return;
    };
    let fits = |scores: &[f64]| mean(scores).is_some_and(|mean| agree(mean, claim.value));
    let derived = if column.derived.len() == column.rows { column.derived.as_slice() } else { &[] };
    if !fits(&column.recorded) && !fits(derived) {
        let detail = format!("{what} is not the mean of its {} samples", column.recorded.len());
        findings.task(Class::AggregateForged, detail, Contrast::of(&recorded, &claim.value));
        return;
    }
    let Some(stated) = claim.stderr else { return };
    let fits = |scores: &[f64]| stderr(scores).is_some_and(|stderr| agree(stderr, stated));
    if !fits(&column.recorded) && !fits(&column.derived) {
        let derived = stderr(&column.recorded).unwrap_or(f64::NAN);
        let detail = format!(
            "the standard error of {what} does not follow from its {} samples",
            column.recorded.len()
        );
        findings.task(Class::AggregateForged, detail, Contrast::of(&derived, &stated));
    }
}

fn agree(expected: f64, found: f64) -> bool {
    Agreement::within(expected, found, TOLERANCE).holds()
}

/// Whether a metric is averaged; `false` also where nothing says so and it is none that is known to be.
fn is_mean(about: &About<'_>, metric: &str) -> bool {
    if about.harness != Harness::LmEval {
        // Their readers keep means alone.
        return true;
    }
    let listed = about
        .setup
        .config
        .as_ref()
        .and_then(|config| config.get("metric_list"))
        .map_or(&[][..], Value::items);
    let known = ["acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match"].contains(&metric);
    if known && crate::task::find(&about.task).is_some() {
        // Whatever the log says: the pinned recipe averages.
        return true;
    }
    match listed
        .iter()
        .find(|listed| listed.get("metric").and_then(Value::text).is_some_and(|name| name.is(metric)))
    {
        Some(listed) => match listed.get("aggregation").and_then(Value::string) {
            Some(aggregation) => aggregation == "mean" || aggregation.contains("def mean("),
            None => known,
        },
        None => known || metric.starts_with("pass@"),
    }
}
