//! Decoys: the same evidence scored under keys that were not used.
//!
//! The rank among decoys needs no model of the text: where the true key has marked nothing, it is one of the keys, and any
//! rank is as probable as any other. It cannot fall below 1 / (K + 1). The analytic p-value can, but assumes a null
//! distribution; [`agreement`] says whether the decoys' own analytic p-values bear it out, and above all whether they come
//! out too small anywhere, which would make accusations of chance.

use crate::uniformity::{Distance, too_large, too_small};
use crate::{PValue, tail};

/// Fewer decoys than this leave an inflation of the variance by a third unseen.
pub const LEAST_DECOYS: usize = 199;

/// How often the check calls a right null distribution wrong, at most, on either side.
pub const REFUSAL_LEVEL: f64 = 1e-3;

/// The levels at which the tail is counted.
pub const TAIL_LEVELS: [f64; 3] = [0.05, 0.01, 0.001];

/// The rank of a statistic among its decoys as a p-value: (1 + #{decoy ≥ statistic}) / (K + 1) (Phipson and Smyth 2010, eq. 2).
/// It is exact where the statistic and its decoys are exchangeable. A tie counts against the statistic, and so does what is
/// no number.
pub fn rank_p(statistic: f64, decoys: &[f64]) -> PValue {
    let below = decoys.iter().filter(|&&decoy| decoy < statistic).count();
    PValue::new((1 + decoys.len() - below) as f64 / (decoys.len() + 1) as f64)
}

/// An analytic p-value with and without the probability of what was seen itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// P(X > x).
    pub lower: PValue,
    /// P(X ≥ x): the p-value that is valid.
    pub upper: PValue,
}

/// What the decoys say of the analytic null distribution.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// How many decoys there were.
    pub decoys: usize,
    /// How far their p-values P(X ≥ x) lie below uniform ones anywhere (D⁺): p-values that are too small.
    pub too_small: Distance,
    /// How far their P(X > x) lie above uniform ones anywhere (D⁻): p-values that are larger than need be.
    pub too_large: Distance,
    /// The variance of the normal scores of the mid-p values; 1 under a right continuous null, less under a coarse one.
    pub variance: f64,
    /// How often a right null brings as large a variance (χ² of K − 1 degrees).
    pub variance_p: PValue,
    /// The counts in the tail.
    pub tail: [TailCount; 3],
    /// The smallest of the decoys' p-values, corrected for their number.
    pub smallest: PValue,
    /// What follows.
    pub verdict: Verdict,
}

/// How many decoys lie in a tail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TailCount {
    /// Analytic p-values up to here count.
    pub level: f64,
    /// So many decoys have one.
    pub count: u64,
    /// How often a right null brings as many (binomial).
    pub p: PValue,
}

/// Whether the analytic p-value may be stated.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// The decoys are as the null says.
    Agrees,
    /// The decoys' p-values are too small: the analytic p overstates the evidence and must not be stated.
    TooHeavy {
        /// The check that found it.
        check: Check,
        /// The p-value of that check, corrected for the number of checks.
        p: PValue,
    },
    /// The decoys' p-values are larger than need be: the analytic p is valid but understates the evidence.
    TooLight {
        /// The p-value of D⁻.
        p: PValue,
    },
    /// There are too few decoys to tell; the analytic p must not be stated.
    TooFew,
}

/// What is looked at for p-values that are too small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// The whole distribution (D⁺).
    Distribution,
    /// The variance of the normal scores.
    Variance,
    /// The count of one of [`TAIL_LEVELS`], by its index.
    Tail(usize),
    /// The smallest p-value.
    Smallest,
}

impl Interval {
    /// Of a continuous statistic.
    pub fn continuous(p: PValue) -> Self {
        Self { lower: p, upper: p }
    }

    /// Of k successes in n trials of chance p each.
    pub fn binomial(k: u64, n: u64, p: f64) -> Self {
        let lower = if k >= n { PValue::from_ln(f64::NEG_INFINITY) } else { tail::binomial(k + 1, n, p) };
        Self { lower, upper: tail::binomial(k, n, p) }
    }

    /// Halfway: P(X > x) + ½ P(X = x).
    pub fn middle(self) -> PValue {
        let ratio = (self.lower.ln() - self.upper.ln()).exp();
        PValue::from_ln(self.upper.ln() + if ratio < 1.0 { (0.5 + 0.5 * ratio).ln() } else { 0.0 })
    }
}

impl Verdict {
    /// Whether an analytic p-value may be stated.
    pub fn admits_analytic(self) -> bool {
        matches!(self, Self::Agrees | Self::TooLight { .. })
    }
}

/// Compares the decoys' analytic p-values with what the null says of them.
///
/// Too small: D⁺ of P(X ≥ x), the variance, three tail counts and the smallest p, each at a sixth of [`REFUSAL_LEVEL`].
/// P(X ≥ x) of a discrete statistic is larger than uniform by nature, so that discreteness alone never brings a refusal; in
/// the same way D⁻ looks at P(X > x).
pub fn agreement(decoys: &[Interval]) -> Agreement {
    let upper: Vec<f64> = decoys.iter().map(|decoy| decoy.upper.value()).collect();
    let lower: Vec<f64> = decoys.iter().map(|decoy| decoy.lower.value()).collect();
    let variance = variance_of_scores(decoys);
    let freedom = decoys.len().saturating_sub(1) as f64;
    let smallest = decoys.iter().map(|decoy| decoy.upper).min_by(PValue::total_cmp).unwrap_or(PValue::ONE);
    let mut agreement = Agreement {
        decoys: decoys.len(),
        too_small: too_small(&upper),
        too_large: too_large(&lower),
        variance,
        variance_p: tail::gamma(freedom / 2.0, freedom * variance / 2.0),
        tail: TAIL_LEVELS.map(|level| tail_count(&upper, level)),
        smallest: smallest.times(decoys.len() as f64),
        verdict: Verdict::TooFew,
    };
    agreement.verdict = verdict(&agreement);
    agreement
}

fn verdict(agreement: &Agreement) -> Verdict {
    if agreement.decoys < LEAST_DECOYS {
        return Verdict::TooFew;
    }
    let mut checks = vec![
        (Check::Distribution, agreement.too_small.p),
        (Check::Variance, agreement.variance_p),
        (Check::Smallest, agreement.smallest),
    ];
    checks.extend(agreement.tail.iter().enumerate().map(|(index, count)| (Check::Tail(index), count.p)));
    let number = checks.len() as f64;
    let level = REFUSAL_LEVEL.ln();
    match checks.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((check, p)) if p.times(number).ln() <= level => Verdict::TooHeavy { check, p: p.times(number) },
        _ if agreement.too_large.p.ln() <= level => Verdict::TooLight { p: agreement.too_large.p },
        _ => Verdict::Agrees,
    }
}

fn tail_count(upper: &[f64], level: f64) -> TailCount {
    let count = upper.iter().filter(|&&p| p <= level).count() as u64;
    TailCount { level, count, p: tail::binomial(count, upper.len() as u64, level) }
}

fn variance_of_scores(decoys: &[Interval]) -> f64 {
    // A p-value that rounds to 1 is one that a double cannot tell from it.
    let score = |decoy: &Interval| tail::normal_critical(decoy.middle()).max(-8.3);
    let scores: Vec<f64> = decoys.iter().map(score).collect();
    if scores.len() < 2 {
        return 0.0;
    }
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / (scores.len() - 1) as f64
}
