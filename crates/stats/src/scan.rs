//! Where in a text the marked stretch lies.
//!
//! Windows of every length 2ʲ, half a length apart, the last of each length flush with the end, and the whole text: any
//! stretch holds a window of more than a third of its length. The smallest of their p-values, times their number
//! (Bonferroni), is valid for the text; the smallest itself may be ranked among those of decoys, which costs nothing for the
//! overlap.

use std::ops::Range;

use crate::{PValue, tail};

/// What a site's score is where there is no mark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Null {
    /// An exponential variable of mean 1 (a single Gumbel key).
    Gamma,
    /// The sum of (1 − α) and α times one each (a dual key).
    Fused {
        /// The weight of the second key.
        alpha: f64,
    },
    /// A Gamma variable of mean 1 and this variance: as engines' detectors take the dual key, and weights by entropy.
    Weighted {
        /// The variance.
        variance: f64,
    },
    /// 1 with chance γ, otherwise 0 (a green list); γ itself for a site that tells nothing.
    Bernoulli {
        /// The chance.
        gamma: f64,
    },
    /// A normal variable, as a mean of many bits nearly is.
    Normal {
        /// The mean.
        mean: f64,
        /// The variance.
        variance: f64,
    },
}

/// The stretch that is least like unmarked text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stretch {
    /// Its first site, after refinement of the window's ends.
    pub from: usize,
    /// The site after its last.
    pub to: usize,
    /// The p-value of the text: that of the best window times the number of windows.
    pub p: PValue,
    /// The number of windows.
    pub windows: usize,
    /// The p-value of the best window alone: a statistic to rank among decoys, no p-value of the text.
    pub smallest: PValue,
}

impl Null {
    /// The probability that n unmarked sites have this sum or a greater one.
    pub fn tail(self, n: usize, sum: f64) -> PValue {
        match self {
            Self::Gamma => tail::gamma(n as f64, sum),
            Self::Fused { alpha } => tail::gamma_fused(n as u64, alpha, sum),
            Self::Weighted { variance } => tail::gamma(n as f64 / variance, sum / variance),
            Self::Bernoulli { gamma } => tail::binomial((sum + 1e-9) as u64, n as u64, gamma),
            Self::Normal { mean, variance } => {
                tail::normal((sum - n as f64 * mean) / (n as f64 * variance).sqrt())
            }
        }
    }

    /// How much a site's score speaks for a mark as strong as the mean score of a window, in nats or a multiple of them.
    fn gain(self, mean: f64) -> (f64, f64) {
        match self {
            // e^(λ x) (1 − λ), whose mean score is 1 / (1 − λ).
            Self::Gamma | Self::Fused { .. } | Self::Weighted { .. } => (1.0 - 1.0 / mean, -mean.ln()),
            Self::Bernoulli { gamma } => {
                let chance = mean.min(1.0 - 1e-3);
                let red = ((1.0 - chance) / (1.0 - gamma)).ln();
                ((chance / gamma).ln() - red, red)
            }
            Self::Normal { mean: unmarked, variance } => {
                ((mean - unmarked) / variance, (unmarked * unmarked - mean * mean) / (2.0 * variance))
            }
        }
    }

    fn mean(self) -> f64 {
        match self {
            Self::Gamma | Self::Fused { .. } | Self::Weighted { .. } => 1.0,
            Self::Bernoulli { gamma } => gamma,
            Self::Normal { mean, .. } => mean,
        }
    }
}

/// The best window of `least` sites or more, its ends refined; none where the text is shorter. A score that is no number
/// counts as 0.
pub fn best_window(scores: &[f64], null: Null, least: usize) -> Option<Stretch> {
    let scores: Vec<f64> = scores.iter().map(|score| if score.is_finite() { *score } else { 0.0 }).collect();
    let mut sums = vec![0.0];
    sums.extend(scores.iter().scan(0.0, |sum, score| {
        *sum += score;
        Some(*sum)
    }));
    let (mut windows, mut best) = (0, None::<(PValue, Range<usize>)>);
    for length in lengths(scores.len(), least) {
        let sum = |from: usize| sums[from + length] - sums[from];
        let starts = starts(scores.len(), length);
        windows += starts.len();
        // One length has one null: its greatest sum is its smallest p-value.
        let greatest = starts.into_iter().max_by(|&a, &b| sum(a).total_cmp(&sum(b)));
        if let Some((from, p)) = greatest.map(|from| (from, null.tail(length, sum(from))))
            && best.as_ref().is_none_or(|(smallest, _)| p.total_cmp(smallest).is_lt())
        {
            best = Some((p, from..from + length));
        }
    }
    let (smallest, window) = best?;
    let Range { start: from, end: to } = refine(&scores, null, window);
    Some(Stretch { from, to, p: smallest.times(windows as f64), windows, smallest })
}

fn lengths(sites: usize, least: usize) -> impl Iterator<Item = usize> {
    let dyadic = std::iter::successors(Some(1_usize), |length| length.checked_mul(2));
    let shorter = dyadic.take_while(move |&length| length < sites).filter(move |&length| length >= least);
    shorter.chain((sites > 0 && sites >= least).then_some(sites))
}

fn starts(sites: usize, length: usize) -> Vec<usize> {
    let last = sites - length;
    let mut starts: Vec<usize> = (0..=last).step_by((length / 2).max(1)).collect();
    if starts.last() != Some(&last) {
        starts.push(last);
    }
    starts
}

/// The part of the window and one length to either side whose scores speak most for a mark as strong as the window's: the
/// maximal sum (Kadane).
fn refine(scores: &[f64], null: Null, window: Range<usize>) -> Range<usize> {
    let mean = scores[window.clone()].iter().sum::<f64>() / window.len() as f64;
    if mean <= null.mean() {
        return window;
    }
    let (slope, offset) = null.gain(mean);
    let (first, end) =
        (window.start.saturating_sub(window.len()), scores.len().min(window.end + window.len()));
    let (mut sum, mut from, mut greatest, mut best) = (0.0, first, 0.0, window);
    for (site, score) in scores.iter().enumerate().take(end).skip(first) {
        sum += slope * score + offset;
        if sum <= 0.0 {
            (sum, from) = (0.0, site + 1);
        } else if sum > greatest {
            (greatest, best) = (sum, from..site + 1);
        }
    }
    best
}
