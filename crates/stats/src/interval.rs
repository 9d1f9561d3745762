//! How far a share or a mean may be off.

use std::collections::BTreeMap;

use crate::{PValue, student, tail};

/// A range that covers the truth with a stated confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The least value.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Interval {
    const WHOLE: Self = Self { low: 0.0, high: 1.0 };

    /// Whether a value lies inside.
    pub fn covers(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// A mean with its standard error and what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error; NaN where fewer than two independent values are there.
    pub stderr: f64,
    /// Degrees of freedom of the standard error: independent values less one.
    pub degrees: f64,
}

impl Estimate {
    /// The interval of Student's distribution about the mean; without bounds where there is no standard error.
    pub fn interval(self, confidence: f64) -> Interval {
        let reach = student::critical(PValue::new((1.0 - confidence) / 2.0), self.degrees) * self.stderr;
        if reach.is_nan() {
            return Interval { low: f64::NEG_INFINITY, high: f64::INFINITY };
        }
        Interval { low: self.mean - reach, high: self.mean + reach }
    }
}

/// Wilson's score interval (1927, without continuity correction) of a chance: short, and close to its confidence on average;
/// for single chances it may cover less. [`clopper_pearson`] never does.
pub fn wilson(successes: u64, trials: u64, confidence: f64) -> Interval {
    if trials == 0 || successes > trials {
        return Interval::WHOLE;
    }
    let (n, p) = (trials as f64, successes as f64 / trials as f64);
    let z = tail::normal_critical(PValue::new((1.0 - confidence) / 2.0));
    let scale = 1.0 + z * z / n;
    let center = (p + z * z / (2.0 * n)) / scale;
    let reach = z / scale * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    // At the ends the bound is exactly 0 or 1, which rounding must not miss.
    Interval {
        low: if successes == 0 { 0.0 } else { (center - reach).max(0.0) },
        high: if successes == trials { 1.0 } else { (center + reach).min(1.0) },
    }
}

/// Clopper and Pearson's exact interval (1934) of a chance: covers at least as often as stated, whatever the chance.
pub fn clopper_pearson(successes: u64, trials: u64, confidence: f64) -> Interval {
    let side = PValue::new((1.0 - confidence) / 2.0);
    Interval { low: lower_bound(successes, trials, side), high: upper_bound(successes, trials, side) }
}

/// The exact one-sided upper bound of a chance: the greatest under which so few successes have more than chance α.
pub fn upper_bound(successes: u64, trials: u64, alpha: PValue) -> f64 {
    1.0 - lower_bound(trials.saturating_sub(successes), trials, alpha)
}

/// The exact one-sided lower bound of a chance: the least under which so many successes have more than chance α.
pub fn lower_bound(successes: u64, trials: u64, alpha: PValue) -> f64 {
    if successes == 0 || successes > trials {
        return 0.0;
    }
    let (mut below, mut beyond) = (0.0, 1.0);
    loop {
        let middle = f64::midpoint(below, beyond);
        if middle <= below || middle >= beyond {
            return below;
        }
        if tail::binomial(successes, trials, middle).ln() > alpha.ln() {
            beyond = middle;
        } else {
            below = middle;
        }
    }
}

/// The mean of independent values and its standard error: the sample deviation (n − 1) over √n.
pub fn mean(values: &[f64]) -> Estimate {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Estimate { mean, stderr: (squares / (n - 1.0) / n).sqrt(), degrees: n - 1.0 }
}

/// The mean of values that come in clusters (questions on one passage) and its standard error (Miller 2024, eq. 4): values of
/// one cluster may sway each other, clusters are independent. With the factor G / (G − 1) for G clusters, so that with one
/// value a cluster it is that of [`mean`]. Values beyond the shorter of the two slices are left out.
pub fn clustered_mean<C: Ord>(values: &[f64], clusters: &[C]) -> Estimate {
    let n = values.len().min(clusters.len());
    let (values, n) = (&values[..n], n as f64);
    let mean = values.iter().sum::<f64>() / n;
    let mut sums: BTreeMap<&C, f64> = BTreeMap::new();
    for (cluster, value) in clusters.iter().zip(values) {
        *sums.entry(cluster).or_default() += value - mean;
    }
    let groups = sums.len() as f64;
    let squares: f64 = sums.values().map(|sum| sum * sum).sum();
    Estimate { mean, stderr: (squares * groups / (groups - 1.0)).sqrt() / n, degrees: groups - 1.0 }
}

/// The standard error of the mean of all values of several groups, from the size and standard error of each: the pooled
/// variance over the total, as evaluation harnesses print it for a group. NaN where no group has two values.
pub fn pooled_stderr(groups: &[(u64, f64)]) -> f64 {
    let total: f64 = groups.iter().map(|&(n, _)| n as f64).sum();
    let squares: f64 = groups.iter().map(|&(n, stderr)| (n as f64 - 1.0) * stderr * stderr * n as f64).sum();
    (squares / (total - groups.len() as f64) / total).sqrt()
}
