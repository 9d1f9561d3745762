//! Two things measured on the same items.

use crate::interval::{self, Estimate};
use crate::{PValue, tail};

/// Of the items on which two differ, how many each alone has right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Discordant {
    /// The first alone.
    pub first: u64,
    /// The second alone.
    pub second: u64,
}

impl Discordant {
    /// Counts the items that are right on one side only.
    pub fn count(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut counts = Self::default();
        for (first, second) in pairs {
            counts.first += u64::from(first && !second);
            counts.second += u64::from(second && !first);
        }
        counts
    }

    /// `McNemar`'s test, exact and two-sided: how often fair coins split the differing items at least so unevenly.
    pub fn p(self) -> PValue {
        let most = self.first.max(self.second);
        tail::binomial(most, self.first + self.second, 0.5).times(2.0)
    }

    /// `McNemar`'s test, exact and one-sided: how often fair coins would give the first at least so many.
    pub fn p_first_better(self) -> PValue {
        tail::binomial(self.first, self.first + self.second, 0.5)
    }
}

/// The mean difference, first less second, over the same items; items beyond the shorter slice are left out.
pub fn difference(first: &[f64], second: &[f64]) -> Estimate {
    interval::mean(&first.iter().zip(second).map(|(a, b)| a - b).collect::<Vec<_>>())
}

/// The mean difference over the same items, which come in clusters.
pub fn clustered_difference<C: Ord>(first: &[f64], second: &[f64], clusters: &[C]) -> Estimate {
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    interval::clustered_mean(&differences, clusters)
}
