//! A small generator for simulated streams: `SplitMix64` (Steele, Lea and Flood 2014).

/// The generator.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number strictly between 0 and 1.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.bits() >> 11) as f64 + 0.5) / 9_007_199_254_740_992.0
    }

    /// An exponential variable of mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -self.uniform().ln()
    }

    /// A success of a given chance.
    pub(crate) fn succeeds(&mut self, chance: f64) -> bool {
        self.uniform() < chance
    }

    /// The number of successes in n trials of that chance.
    pub(crate) fn successes(&mut self, n: u64, chance: f64) -> u64 {
        (0..n).filter(|_| self.succeeds(chance)).count() as u64
    }
}
