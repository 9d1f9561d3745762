//! Audits of scores by re-running drawn items.

use super::{EProcess, Mixture, Product};

/// Evidence that the mean of values drawn from a finite population without replacement lies above what the null says: the
/// ALPHA supermartingale (Stark 2023, eq. 4), with the bet that grows fastest where few values are off their middle.
///
/// Values lie in [0, 1]. The bets look only at what was drawn before, so the evidence is valid whatever the population.
#[derive(Debug, Clone)]
pub struct Alpha {
    left: f64,
    /// What the values that are left may sum to under the null.
    null_sum: f64,
    flip_rate: f64,
    product: Product,
}

impl Alpha {
    /// Against a mean of `null_mean` or less in a population of so many, where a share `flip_rate` of the values is thought to
    /// be 0 or 1 by chance and the others ½. The share steers the bets alone; where it is wrong, power is lost, not validity.
    pub fn new(population: u64, null_mean: f64, flip_rate: f64) -> Self {
        let left = population as f64;
        Self {
            left,
            null_sum: left * null_mean,
            flip_rate: flip_rate.clamp(0.0, 1.0),
            product: Product::default(),
        }
    }

    /// The next value drawn.
    pub fn push(&mut self, value: f64) {
        if !(0.0..=1.0).contains(&value) || self.left < 1.0 {
            return;
        }
        // μ: the greatest mean of what is left that the null allows.
        let mean = self.null_sum / self.left;
        self.null_sum -= value;
        self.left -= 1.0;
        // What is left sums to 0 at least. Sums of halves are exact; what rounding makes of other values must not look like a null
        // that is refuted.
        if self.null_sum < -1e-6 {
            self.product.multiply(f64::INFINITY);
        } else if 0.0 < mean && mean < 1.0 {
            self.product.multiply((self.bet(mean) * (value / mean - 1.0)).ln_1p());
        }
    }

    /// λ in 1 + λ (x/μ − 1), which is ALPHA's (η − μ) / (1 − μ): where the expected logarithm is greatest.
    fn bet(&self, mean: f64) -> f64 {
        let (half, one, flip) = (0.5 / mean - 1.0, 1.0 / mean - 1.0, self.flip_rate / 2.0);
        let slope = |bet: f64| {
            (1.0 - self.flip_rate) * half / (1.0 + bet * half) + flip * one / (1.0 + bet * one)
                - flip / (1.0 - bet)
        };
        if flip == 0.0 {
            return if half > 0.0 { 1.0 } else { 0.0 };
        }
        let (mut low, mut high) = (0.0, 1.0);
        // A bet needs no more digits.
        for _ in 0..16 {
            let middle = f64::midpoint(low, high);
            if slope(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }
}

impl EProcess for Alpha {
    fn ln_value(&self) -> f64 {
        self.product.ln
    }

    fn ln_peak(&self) -> f64 {
        self.product.peak
    }
}

/// Evidence that values in [−1, 1] lie above 0 on average: bets on each at several stakes, and the mean over the stakes
/// (Waudby-Smith and Ramdas 2024, sec. 4). The null: given the past, each is expected to be 0 at most.
#[derive(Debug, Clone)]
pub struct Excess(Mixture);

/// What is staked on the next value.
const STAKES: [f64; 6] = [0.02, 0.05, 0.1, 0.2, 0.4, 0.8];

impl Excess {
    /// No value yet.
    pub fn new() -> Self {
        Self(Mixture::new(STAKES.len()))
    }

    /// The next value.
    pub fn push(&mut self, value: f64) {
        if (-1.0..=1.0).contains(&value) {
            self.0.multiply(STAKES.map(|stake| (stake * value).ln_1p()));
        }
    }
}

impl Default for Excess {
    fn default() -> Self {
        Self::new()
    }
}

impl EProcess for Excess {
    fn ln_value(&self) -> f64 {
        self.0.ln
    }

    fn ln_peak(&self) -> f64 {
        self.0.peak
    }
}
