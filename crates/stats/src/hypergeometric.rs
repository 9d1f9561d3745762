//! Draws without replacement from a finite population: tails, how many draws find a share of marked ones, and what few found
//! ones bound.

use crate::PValue;
use crate::deviance::ln_binomial_density;

/// A population some of whose members are marked, and a draw from it without replacement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// How many there are.
    pub population: u64,
    /// How many of them are marked.
    pub marked: u64,
    /// How many are drawn.
    pub drawn: u64,
}

impl Draw {
    /// ln P(X = k) for X the number of marked ones drawn, by three binomial densities (Loader 2000, sec. 4).
    pub fn ln_density(self, k: u64) -> f64 {
        let (low, high) = self.range();
        if k < low || high < k {
            return f64::NEG_INFINITY;
        }
        if self.drawn == 0 || self.drawn == self.population {
            return 0.0;
        }
        let [population, marked, drawn, k] = [self.population, self.marked, self.drawn, k].map(|n| n as f64);
        let share = drawn / population;
        let of = |k: f64, n: f64| if n == 0.0 { 0.0 } else { ln_binomial_density(k, n, share) };
        of(k, marked) + of(drawn - k, population - marked) - of(drawn, population)
    }

    /// P(X ≤ k).
    pub fn at_most(self, k: u64) -> PValue {
        let (low, high) = self.range();
        if k >= high {
            return PValue::ONE;
        }
        if k < low {
            return PValue::from_ln(f64::NEG_INFINITY);
        }
        if k as f64 <= self.mean() {
            return PValue::from_ln(self.ln_down_from(k));
        }
        PValue::from_ln((-self.ln_up_from(k + 1).exp()).ln_1p())
    }

    /// P(X ≥ k).
    pub fn at_least(self, k: u64) -> PValue {
        let (low, high) = self.range();
        if k <= low {
            return PValue::ONE;
        }
        if k > high {
            return PValue::from_ln(f64::NEG_INFINITY);
        }
        if k as f64 >= self.mean() {
            return PValue::from_ln(self.ln_up_from(k));
        }
        PValue::from_ln((-self.ln_down_from(k - 1).exp()).ln_1p())
    }

    /// The fewest and the most marked ones that can be drawn.
    fn range(self) -> (u64, u64) {
        let unmarked = self.population.saturating_sub(self.marked);
        (self.drawn.saturating_sub(unmarked), self.drawn.min(self.marked))
    }

    fn mean(self) -> f64 {
        self.drawn as f64 * self.marked as f64 / self.population as f64
    }

    /// ln P(X ≤ k), k not above the mean: each density is a falling share of the one above it.
    fn ln_down_from(self, k: u64) -> f64 {
        let (low, _) = self.range();
        let (mut term, mut sum) = (1.0, 1.0);
        for j in (low..k).rev() {
            let unmarked = (self.population - self.marked + j + 1 - self.drawn) as f64;
            term *= (j + 1) as f64 * unmarked / ((self.marked - j) as f64 * (self.drawn - j) as f64);
            sum += term;
            if term < sum * f64::EPSILON / 4.0 {
                break;
            }
        }
        self.ln_density(k) + f64::ln(sum)
    }

    /// ln P(X ≥ k), k not below the mean.
    fn ln_up_from(self, k: u64) -> f64 {
        let (_, high) = self.range();
        let (mut term, mut sum) = (1.0, 1.0);
        for j in k..high {
            let unmarked = (self.population - self.marked + j + 1 - self.drawn) as f64;
            term *= (self.marked - j) as f64 * (self.drawn - j) as f64 / ((j + 1) as f64 * unmarked);
            sum += term;
            if term < sum * f64::EPSILON / 4.0 {
                break;
            }
        }
        self.ln_density(k) + f64::ln(sum)
    }
}

/// The fewest draws that miss all marked ones with chance α at most: C(N − d, n) / C(N, n) ≤ α. None where nothing is marked
/// or there are more marked ones than members.
pub fn discovery_size(population: u64, marked: u64, alpha: PValue) -> Option<u64> {
    if marked == 0 || marked > population {
        return None;
    }
    let missed = |drawn: u64| Draw { population, marked, drawn }.at_most(0).ln();
    let (mut below, mut enough) = (0, population - marked + 1);
    if missed(below) <= alpha.ln() {
        return Some(0);
    }
    while enough - below > 1 {
        let middle = u64::midpoint(below, enough);
        if missed(middle) <= alpha.ln() { enough = middle } else { below = middle }
    }
    Some(enough)
}

/// The most marked ones that a population can hold of which so many were drawn and k found marked:
/// max { M : P(X ≤ k) > α }. An upper bound at confidence 1 − α, exact for every population and draw.
pub fn upper_bound(population: u64, drawn: u64, k: u64, alpha: PValue) -> u64 {
    if drawn == 0 || drawn > population || k >= drawn {
        return population;
    }
    let plausible = |marked: u64| Draw { population, marked, drawn }.at_most(k).ln() > alpha.ln();
    let (mut below, mut beyond) = (k, population - (drawn - k) + 1);
    while beyond - below > 1 {
        let middle = u64::midpoint(below, beyond);
        if plausible(middle) { below = middle } else { beyond = middle }
    }
    below
}
