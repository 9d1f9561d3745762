//! How many tokens are needed, and what so many are worth.

use crate::planner::Moments;
use crate::{PValue, tail};

/// More tokens than this are not planned for.
const MOST: u64 = 1 << 30;

/// The null distribution of the sum of n scores.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum NullSum {
    /// n exponential variables of mean 1.
    Gamma,
    /// One Gamma variable of mean n and variance n v: of the fused score of a dual key, v = α² + (1 − α)².
    Weighted {
        /// The variance of one score.
        variance: f64,
    },
    /// n trials of chance γ.
    Binomial {
        /// The chance.
        gamma: f64,
    },
    /// n times a mean of fair bits, so weighted (`SynthID`).
    Bits {
        /// The weight of each bit.
        weights: Vec<f64>,
    },
}

impl NullSum {
    /// The least sum whose tail is α or less; for sums of whole numbers half below, where a smooth curve crosses.
    pub fn critical(&self, n: u64, alpha: PValue) -> f64 {
        match self {
            Self::Gamma => tail::gamma_critical(n as f64, alpha),
            Self::Weighted { variance } => variance * tail::gamma_critical(n as f64 / variance, alpha),
            Self::Binomial { gamma } => tail::binomial_critical(n, *gamma, alpha) as f64 - 0.5,
            Self::Bits { weights } => tail::bits_critical(n, weights, alpha),
        }
    }

    fn mean(&self) -> f64 {
        match self {
            Self::Gamma | Self::Weighted { .. } => 1.0,
            Self::Binomial { gamma } => *gamma,
            Self::Bits { .. } => 0.5,
        }
    }
}

/// The chance that n independent scores of such moments reach the level α: the null side exact, the other by Edgeworth's
/// expansion to the skewness (Feller 1971, XVI.4, eq. 4.1).
pub fn power_at(n: u64, marked: Moments, null: &NullSum, alpha: PValue) -> f64 {
    let deviation = (n as f64 * marked.variance).sqrt();
    let distance = null.critical(n, alpha) - n as f64 * marked.mean;
    if deviation <= 0.0 {
        return if distance <= 0.0 { 1.0 } else { 0.0 };
    }
    let z = distance / deviation;
    let density = (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt();
    let skewed = marked.skewness / (6.0 * (n as f64).sqrt()) * (z * z - 1.0) * density;
    (tail::normal(z).value() + skewed).clamp(0.0, 1.0)
}

/// The least number of tokens with which a level α is reached with that power; none where the mark raises no score or a
/// thousand million are not enough.
pub fn tokens_needed(marked: Moments, null: &NullSum, alpha: PValue, power: f64) -> Option<u64> {
    if marked.mean.is_nan() || marked.mean <= null.mean() {
        return None;
    }
    let enough = |n: u64| power_at(n, marked, null, alpha) >= power;
    let mut beyond = 1;
    while !enough(beyond) {
        beyond *= 2;
        if beyond > MOST {
            return None;
        }
    }
    let mut below = beyond / 2;
    while beyond - below > 1 {
        let middle = u64::midpoint(below, beyond);
        if enough(middle) { beyond = middle } else { below = middle }
    }
    Some(beyond)
}
