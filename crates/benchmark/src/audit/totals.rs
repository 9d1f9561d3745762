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
    rows: u64,
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
        for (metric, recorded) in &sample.scores {
            let column = self.column(&sample.filter, metric);
            column.rows += 1;
            if let Recorded::Number(value) = recorded {
                column.recorded.push(*value);
            }
        }
        for (metric, value) in &rescored.scores {
            self.column(&sample.filter, metric).derived.push(*value);
        }
    }

    fn column(&mut self, filter: &str, metric: &str) -> &mut Column {
        // A look-up by borrowed parts; a task has a handful of columns.
        let known = self
            .columns
            .iter()
            .find(|((by, of), _)| by == filter && of == metric)
            .map(|(key, _)| key.clone());
        let key = known.unwrap_or_else(|| (filter.to_owned(), metric.to_owned()));
        self.columns.entry(key).or_default()
    }

    /// Compares what the log claims with what its rows come to.
    pub(super) fn close(self, about: &About<'_>, total: Option<u64>, findings: &mut Findings<'_, '_>) {
        findings.part().rows += self.rows;
        let mut unclaimed: BTreeMap<&(String, String), &Column> = self.columns.iter().collect();
        for claim in about.claims.iter().filter(|claim| claim.metric != "bypass") {
            let key = (claim.filter.clone(), claim.metric.clone());
            unclaimed.remove(&key);
            let column = self.columns.get(&key);
            if let Some(column) = column.filter(|column| !column.recorded.is_empty()) {
                check(about, claim, column, findings);
            }
            let score = score(about, &key, Some(claim.value), column);
            let score = Score { n_benchmark: total.or(score.n_benchmark), ..score };
            push(score, column, findings);
        }
        for (key, column) in unclaimed.into_iter().filter(|(_, column)| !column.derived.is_empty()) {
            let score = score(about, key, None, Some(column));
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
        let score = score(about, &key, Some(claim.value), None);
        findings.part().scores.push(score);
    }
    findings.into_part()
}

fn push(score: Score, column: Option<&Column>, findings: &mut Findings<'_, '_>) {
    let part = findings.part();
    part.rescored += column.map_or(0, |column| column.derived.len() as u64);
    part.scores.push(score);
}

fn score(
    about: &About<'_>,
    (filter, metric): &(String, String),
    claimed: Option<f64>,
    column: Option<&Column>,
) -> Score {
    // Where some scores are in doubt, no mean follows.
    let whole = column.filter(|column| column.derived.len() == column.rows);
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
