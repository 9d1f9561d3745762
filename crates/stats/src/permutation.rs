//! Exact tests by permutation: which of several exchangeable values was the observed one, and which of two groups is larger.
//!
//! Nothing is assumed of the values but that they could as well have come in another order. Ties are counted as they are: the
//! null distribution is that of the very values seen, so that identical items cost power and never validity.

use crate::PValue;
use crate::draws::Draws;
use crate::uniformity::ln_sum;

/// More steps than this are not taken for an exact two-sample tail; permutations are drawn instead.
const MOST_STEPS: u64 = 200_000_000;

/// What is lost of a distribution whose ends are cut below this share of its peak is far below rounding.
const NEGLIGIBLE: f64 = 1e-45;

/// Values of which, where there is nothing to find, any might as well have been the observed one.
#[derive(Debug, Clone, PartialEq)]
pub struct Stratum {
    /// The observed value.
    pub observed: f64,
    /// The values it is compared with.
    pub others: Vec<f64>,
}

/// How high the observed values stand among all of theirs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankSum {
    /// The mean share of the others that lie below, ties by half: ½ where there is nothing to find, 1 where all lie below.
    pub quantile: f64,
    /// How often chance ranks them as high.
    pub p: PValue,
}

/// How the p-value of two groups was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// All ways to split the values were counted.
    Counted,
    /// So many ways were drawn; the p-value is exact still, and no smaller than 1 / (draws + 1).
    Drawn(u32),
}

impl Stratum {
    /// Less how many others lie above than below the observed value; what is no number lies below all numbers.
    fn score(&self) -> i64 {
        self.others.iter().map(|&other| direction(self.observed, other)).sum()
    }

    /// The same of every value in turn: the null distribution of [`Self::score`].
    fn scores(&self) -> Vec<i64> {
        let mut all: Vec<f64> = self.others.iter().copied().chain([self.observed]).map(ranked).collect();
        all.sort_by(f64::total_cmp);
        let below = |value: f64| all.partition_point(|&other| other < value) as i64;
        let up_to = |value: f64| all.partition_point(|&other| other <= value) as i64;
        all.iter().map(|&value| below(value) + up_to(value) - all.len() as i64).collect()
    }
}

/// The test of the sum of the observed values' ranks over all strata, one-sided: high ranks are evidence.
///
/// Exact under exchangeability within each stratum and independence between them, at any depth of the tail: the
/// distribution is convolved after tilting it to where the observation lies.
pub fn rank_sum(strata: &[Stratum]) -> RankSum {
    let parts: Vec<Vec<i64>> = strata.iter().map(Stratum::scores).collect();
    let observed = strata.iter().map(Stratum::score).sum();
    let filled: Vec<&Stratum> = strata.iter().filter(|stratum| !stratum.others.is_empty()).collect();
    let quantile = |one: &Stratum| 0.5 + 0.5 * one.score() as f64 / one.others.len() as f64;
    let quantiles = filled.iter().map(|one| quantile(one)).sum::<f64>();
    let quantile = if filled.is_empty() { 0.5 } else { quantiles / filled.len() as f64 };
    RankSum { quantile, p: sum_tail(&parts, observed) }
}

/// P(sum ≥ observed), where the sum takes one number of each part, all of a part as probable.
pub fn sum_tail(parts: &[Vec<i64>], observed: i64) -> PValue {
    let parts: Vec<Part> = parts.iter().filter(|part| !part.is_empty()).map(|part| Part::new(part)).collect();
    let greatest: i64 = parts.iter().map(|part| part.last().0).sum();
    let least: i64 = parts.iter().map(|part| part.0[0].0).sum();
    if observed <= least {
        return PValue::ONE;
    }
    if observed >= greatest {
        let all = parts.iter().map(|part| part.last().1.ln()).sum();
        return PValue::from_ln(if observed > greatest { f64::NEG_INFINITY } else { all });
    }
    let theta = tilt(&parts, observed as f64);
    let (mut start, mut density) = (0_i64, vec![1.0]);
    let mut log_mass = 0.0;
    for part in &parts {
        let (log_norm, tilted) = part.tilted(theta);
        log_mass += log_norm;
        (start, density) = convolved(start, &density, &tilted);
    }
    let above = (start..).zip(&density).filter(|(sum, _)| *sum >= observed);
    let logs: Vec<f64> = above.map(|(sum, mass)| mass.ln() - theta * (sum - observed) as f64).collect();
    PValue::from_ln(log_mass - theta * observed as f64 + ln_sum(&logs))
}

/// One number of each part: its values, ascending, with their probabilities.
struct Part(Vec<(i64, f64)>);

impl Part {
    fn new(values: &[i64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let share = 1.0 / sorted.len() as f64;
        Self(sorted.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as f64 * share)).collect())
    }

    fn last(&self) -> (i64, f64) {
        self.0[self.0.len() - 1]
    }

    /// ln Σ p e^(θ s), and p e^(θ s) over that sum.
    fn tilted(&self, theta: f64) -> (f64, Vec<(i64, f64)>) {
        let logs: Vec<f64> = self.0.iter().map(|(score, p)| p.ln() + theta * *score as f64).collect();
        let log_norm = ln_sum(&logs);
        (log_norm, self.0.iter().zip(&logs).map(|((score, _), ln)| (*score, (ln - log_norm).exp())).collect())
    }

    fn mean(&self, theta: f64) -> f64 {
        self.tilted(theta).1.iter().map(|(score, p)| *score as f64 * p).sum()
    }
}

/// The tilt under which the sum's mean is the observed one; none where chance alone brings as much.
fn tilt(parts: &[Part], observed: f64) -> f64 {
    let mean = |theta: f64| parts.iter().map(|part| part.mean(theta)).sum::<f64>();
    if mean(0.0) >= observed {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, 1e-3);
    while mean(high) < observed && high < 64.0 {
        (low, high) = (high, high * 2.0);
    }
    // Any tilt is right, a near one keeps the digits.
    for _ in 0..24 {
        let middle = f64::midpoint(low, high);
        if mean(middle) < observed { low = middle } else { high = middle }
    }
    high
}

fn convolved(start: i64, density: &[f64], part: &[(i64, f64)]) -> (i64, Vec<f64>) {
    let (first, last) = (part[0].0, part[part.len() - 1].0);
    let mut sum = vec![0.0; density.len() + (last - first) as usize];
    for (score, p) in part {
        let from = (score - first) as usize;
        for (to, mass) in sum[from..].iter_mut().zip(density) {
            *to += p * mass;
        }
    }
    let least = NEGLIGIBLE * sum.iter().copied().fold(0.0, f64::max);
    let cut = sum.iter().position(|mass| *mass >= least).unwrap_or(0);
    let end = sum.iter().rposition(|mass| *mass >= least).map_or(sum.len(), |last| last + 1);
    (start + first + cut as i64, sum[cut..end].to_vec())
}

/// Whether the first group's values are larger than the second's (Wilcoxon, Mann and Whitney), one-sided, with ties: how often
/// a split of the very same values by lot ranks the first group as high.
pub fn larger(first: &[f64], second: &[f64], draws: u32, seed: u64) -> (PValue, Way) {
    if first.is_empty() || second.is_empty() {
        return (PValue::ONE, Way::Counted);
    }
    let pooled = Stratum { observed: first[0], others: first[1..].iter().chain(second).copied().collect() };
    let scores = pooled.scores();
    let score = |value: f64| Stratum { observed: value, others: second.to_vec() }.score();
    // Within the first group every pair cancels.
    let observed: i64 = first.iter().map(|&value| score(value)).sum();
    let steps = (scores.len() * first.len().min(second.len())) as u64
        * (first.len() as u64 * second.len() as u64 * 2 + 1);
    if steps <= MOST_STEPS {
        return (counted(&scores, first.len(), observed), Way::Counted);
    }
    let values: Vec<f64> = scores.iter().map(|score| *score as f64).collect();
    (drawn(&values, first.len(), observed as f64, draws, seed), Way::Drawn(draws))
}

/// Whether the first group's mean is larger than the second's, one-sided: how often a split of the same values by lot, of which
/// `draws` are tried, brings as large a difference (Phipson and Smyth 2010).
pub fn larger_mean(first: &[f64], second: &[f64], draws: u32, seed: u64) -> PValue {
    if first.is_empty() || second.is_empty() {
        return PValue::ONE;
    }
    let all: Vec<f64> = first.iter().chain(second).copied().collect();
    drawn(&all, first.len(), first.iter().sum(), draws, seed)
}

/// P(the sum of `size` of the scores, drawn without replacement, ≥ observed).
fn counted(scores: &[i64], size: usize, observed: i64) -> PValue {
    // The smaller group is followed; the scores of all sum to 0.
    let flips = size > scores.len() - size;
    let size = size.min(scores.len() - size);
    let mut ordered = scores.to_vec();
    ordered.sort_unstable();
    let up: i64 = ordered[ordered.len() - size..].iter().filter(|score| **score > 0).sum();
    let down: i64 = ordered[..size].iter().filter(|score| **score < 0).sum();
    let span = up.max(-down);
    let width = (2 * span + 1) as usize;
    let mut held = vec![vec![0.0; width]; size + 1];
    held[0][span as usize] = 1.0;
    for (idx, score) in ordered.iter().enumerate() {
        let left = (ordered.len() - idx) as f64;
        for count in (0..=size.min(idx)).rev() {
            let chance = (size - count) as f64 / left;
            let from = std::mem::take(&mut held[count]);
            if count < size {
                let to = &mut held[count + 1];
                for (at, mass) in from.iter().enumerate().filter(|(_, mass)| **mass > 0.0) {
                    if let Some(to) = to.get_mut((at as i64 + score) as usize) {
                        *to += mass * chance;
                    }
                }
            }
            held[count] = from.into_iter().map(|mass| mass * (1.0 - chance)).collect();
        }
    }
    let reaches = |at: usize| {
        let sum = at as i64 - span;
        if flips { -sum >= observed } else { sum >= observed }
    };
    let tail: f64 = held[size].iter().enumerate().filter(|(at, _)| reaches(*at)).map(|(_, mass)| mass).sum();
    PValue::new(tail)
}

fn drawn(values: &[f64], size: usize, observed: f64, draws: u32, seed: u64) -> PValue {
    let mut source = Draws::new(seed);
    let mut pool = values.to_vec();
    let size_of_sums: f64 = values.iter().map(|value| value.abs()).sum();
    // Sums taken in another order differ in their last digits: a near tie is a tie, and counts against the observation.
    let goal = observed - size_of_sums * 1e-13;
    let mut reached = 1_u64;
    for _ in 0..draws {
        for idx in 0..size {
            let other = idx + source.below(pool.len() - idx);
            pool.swap(idx, other);
        }
        let sum: f64 = pool[..size].iter().sum();
        reached += u64::from(sum.is_nan() || goal.is_nan() || sum >= goal);
    }
    PValue::new(reached as f64 / (f64::from(draws) + 1.0))
}

fn direction(observed: f64, other: f64) -> i64 {
    match ranked(observed).total_cmp(&ranked(other)) {
        std::cmp::Ordering::Less => -1,
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Greater => 1,
    }
}

/// What is no number lies below all numbers, and both zeros are one.
fn ranked(value: f64) -> f64 {
    if value.is_nan() { f64::NEG_INFINITY } else { value + 0.0 }
}
