//! What the re-run of drawn items shows.

use stillmark_stats::e_process::{Alpha, EProcess as _, Excess};
use stillmark_stats::{PValue, hypergeometric, interval};

use super::plan::{Aim, null_mean};

/// The steps, in points, in which a bound is stated.
const STEP_POINTS: f64 = 0.05;

/// One drawn item: what the log says and what the re-run says.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The score in the log, from 0 to 1.
    pub reported: f64,
    /// The score of the re-run.
    pub rerun: f64,
    /// Log-likelihoods in the log, where the item is scored by them.
    pub reported_ln: Vec<f64>,
    /// Log-likelihoods of the re-run.
    pub rerun_ln: Vec<f64>,
}

/// How one item compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The same, as far as the tolerance tells.
    Same,
    /// The score differs.
    Score,
    /// The score is the same, a log-likelihood is further off than the tolerance.
    Likelihood,
}

impl Pair {
    /// Compares, with log-likelihoods that lie within `tolerance` taken as equal: where all do and they are not the very same, another
    /// score is a near tie.
    pub fn compare(&self, tolerance: f64) -> Match {
        let both = self.reported_ln.len() == self.rerun_ln.len() && !self.reported_ln.is_empty();
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= tolerance || a == b;
        let is_near = both && self.reported_ln.iter().zip(&self.rerun_ln).all(near);
        // The very same log-likelihoods have one score: no tie explains two.
        let is_tie = is_near && self.reported_ln != self.rerun_ln;
        if self.reported != self.rerun && !is_tie {
            Match::Score
        } else if both && !is_near {
            Match::Likelihood
        } else {
            Match::Same
        }
    }

    /// By how much the log's score is higher; 0 in a near tie.
    fn inflation(&self, tolerance: f64) -> f64 {
        if self.compare(tolerance) == Match::Score { self.reported - self.rerun } else { 0.0 }
    }
}

/// What two runs of the auditor's own have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Repeats {
    /// The items run twice.
    pub items: u64,
    /// How many of them do not agree.
    pub flips: u64,
}

/// Whether a re-run is expected to repeat exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeatability {
    /// It is: one item that differs is a finding, as long as the auditor's own runs do not differ.
    Exact,
    /// It is not: only scores that are higher than those of the re-run, more than chance has it, are a finding.
    Noisy,
}

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The inflation is less than the margin.
    WithinMargin,
    /// A run that repeats exactly did not: drawn items of the log are not what the model answers.
    NotReproduced,
    /// The log's scores are higher than the re-run's, more than chance has it.
    Inflated,
    /// Not enough to say.
    Inconclusive,
}

/// What the re-run shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What is found.
    pub verdict: Verdict,
    /// Items compared.
    pub items: u64,
    /// Items whose score differs.
    pub scores_differ: u64,
    /// Items whose score agrees and whose log-likelihoods do not.
    pub likelihoods_differ: u64,
    /// The mean of reported less re-run score.
    pub inflation: f64,
    /// How often a log without inflation looks so inflated, at any time.
    pub p_inflated: PValue,
    /// How often a log inflated by the margin looks so sound, at any time.
    pub p_margin: PValue,
    /// "The inflation is no more than so many points", at confidence 1 − α.
    pub bound_points: f64,
    /// The most items that may differ in the whole benchmark, at confidence 1 − α; for exact runs the stronger bound.
    pub differing_bound: u64,
    /// The auditor's own flip rate: its upper bound at 95 %, where items were run twice.
    pub flip_rate_bound: Option<f64>,
    /// Whether exact repetition was assumed.
    pub repeatability: Repeatability,
}

/// Judges pairs in the order in which they were drawn.
pub fn judge(aim: &Aim, pairs: &[Pair], tolerance: f64, repeats: Repeats, declared: Repeatability) -> Judged {
    let matches: Vec<Match> = pairs.iter().map(|pair| pair.compare(tolerance)).collect();
    let count = |kind: Match| matches.iter().filter(|&&found| found == kind).count() as u64;
    let (scores_differ, likelihoods_differ) = (count(Match::Score), count(Match::Likelihood));
    let differences: Vec<f64> = pairs.iter().map(|pair| pair.inflation(tolerance)).collect();
    // A run that differs from itself does not repeat exactly, whatever was declared.
    let repeatability = if repeats.flips > 0 { Repeatability::Noisy } else { declared };
    let flip_rate_bound =
        (repeats.items > 0).then(|| interval::upper_bound(repeats.flips, repeats.items, PValue::new(0.05)));
    let flip_rate = match repeatability {
        Repeatability::Exact => 0.0,
        // The bets that waste least where the rate is not known well.
        Repeatability::Noisy => flip_rate_bound.unwrap_or(0.0).max(aim.flip_rate).max(1e-3),
    };
    let mut excess = Excess::new();
    for &difference in &differences {
        excess.push(difference);
    }
    let level = PValue::new(aim.alpha);
    let p_margin = sound(aim, &differences, aim.margin_points / 100.0, flip_rate);
    let differ = scores_differ + likelihoods_differ;
    let bound_points = bound(aim, &differences, flip_rate);
    let is_inflated = excess.p().ln() <= level.ln();
    let verdict = match repeatability {
        Repeatability::Exact if differ > 0 => Verdict::NotReproduced,
        _ if is_inflated => Verdict::Inflated,
        _ if p_margin.ln() <= level.ln() => Verdict::WithinMargin,
        _ => Verdict::Inconclusive,
    };
    Judged {
        verdict,
        items: pairs.len() as u64,
        scores_differ,
        likelihoods_differ,
        inflation: differences.iter().sum::<f64>() / (pairs.len() as f64).max(1.0),
        p_inflated: excess.p(),
        p_margin,
        bound_points,
        differing_bound: hypergeometric::upper_bound(aim.population, pairs.len() as u64, differ, level),
        flip_rate_bound,
        repeatability,
    }
}

/// How often an inflation of so much or more looks so sound.
fn sound(aim: &Aim, differences: &[f64], inflation: f64, flip_rate: f64) -> PValue {
    let mut alpha = Alpha::new(aim.population, null_mean(inflation), flip_rate);
    for &difference in differences {
        alpha.push((1.0 - difference) / 2.0);
    }
    alpha.p()
}

/// The least inflation that is excluded together with greater ones, in points: the test turned round, by halving in steps.
fn bound(aim: &Aim, differences: &[f64], flip_rate: f64) -> f64 {
    let level = PValue::new(aim.alpha).ln();
    let steps = (100.0 / STEP_POINTS) as u32;
    let points = |step: u32| f64::from(step) * STEP_POINTS;
    let is_excluded = |step: u32| sound(aim, differences, points(step) / 100.0, flip_rate).ln() <= level;
    let (mut below, mut excluded) = (0, steps);
    while excluded - below > 1 {
        let middle = u32::midpoint(below, excluded);
        if is_excluded(middle) {
            excluded = middle;
        } else {
            below = middle;
        }
    }
    // The bets differ from step to step, so a greater inflation might not be excluded: then the bound lies beyond it.
    let greater = std::iter::successors(Some(excluded), |step| Some(step + step / 4 + 1))
        .take_while(|&step| step < steps);
    greater
        .filter(|&step| !is_excluded(step))
        .last()
        .map_or(points(excluded), |step| points(step + step / 4 + 1))
        .min(100.0)
}
