//! Random numbers by position: the draw at an index is a function of seed, stream and index alone, so that a resumed or
//! replayed run needs no generator state.

/// A stream of draws: one seed, one purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    key: u64,
}

/// The increment of `SplitMix64`: 2^64 divided by the golden ratio.
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

impl Draws {
    /// The stream numbered `stream` of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self { key: mix(mix(seed.wrapping_add(GAMMA)) ^ stream.wrapping_mul(GAMMA)) }
    }

    /// 64 random bits (Steele, Lea & Flood 2014, `SplitMix64`'s output function on a counter).
    pub fn bits(self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_add(1).wrapping_mul(GAMMA)))
    }

    /// A number in [0, 1) with 53 random bits.
    pub fn uniform(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 * f64::from_bits(0x3ca0_0000_0000_0000)
    }

    /// A number of the standard normal distribution (Box & Muller 1958), from uniform draws `2 index` and `2 index + 1`.
    pub fn normal(self, index: u64) -> f64 {
        let (u, v) = (1.0 - self.uniform(2 * index), self.uniform(2 * index + 1));
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }

    /// A whole number below `bound`, each as likely as the other to within 2^-64 of `bound`.
    pub fn below(self, index: u64, bound: u64) -> u64 {
        ((u128::from(self.bits(index)) * u128::from(bound)) >> 64) as u64
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
