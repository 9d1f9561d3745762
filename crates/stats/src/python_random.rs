//! `CPython`'s `random.Random`: which items `sample` draws.

use crate::mt19937::{Mt19937, N};

/// The generator behind `random.Random(seed)`.
#[derive(Debug, Clone)]
pub struct Random {
    words: Mt19937,
}

impl Random {
    /// As `random.Random(seed)` with a non-negative integer.
    pub fn new(seed: u64) -> Self {
        let (low, high) = (seed as u32, (seed >> 32) as u32);
        let key: &[u32] = if high == 0 { &[low] } else { &[low, high] };
        Self { words: Mt19937::from_key(key) }
    }

    /// As `getrandbits(bits)`, for up to 64 bits.
    fn bits(&mut self, bits: u32) -> u64 {
        match bits {
            0 => 0,
            1..=32 => u64::from(self.words.next_u32() >> (32 - bits)),
            _ => {
                let low = u64::from(self.words.next_u32());
                low | u64::from(self.words.next_u32() >> (64 - bits.min(64))) << 32
            }
        }
    }

    /// As `_randbelow(n)`: a number below `n`, 0 where `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        let bits = u64::BITS - n.leading_zeros();
        loop {
            let drawn = self.bits(bits);
            if drawn < n {
                return drawn;
            }
        }
    }

    /// The places that `sample(range(n), k)` draws, in its order; all of them, shuffled, where `n < k`.
    pub fn sample(&mut self, n: usize, k: usize) -> Vec<usize> {
        let k = k.min(n);
        // Python keeps a list where it is smaller than a set of k.
        let mut set_size = 21_usize;
        if 5 < k {
            set_size = set_size.saturating_add(4_usize.saturating_pow(log4_above(3 * k)));
        }
        if n <= set_size { self.sample_of_list(n, k) } else { self.sample_of_set(n, k) }
    }

    fn sample_of_list(&mut self, n: usize, k: usize) -> Vec<usize> {
        let mut pool: Vec<usize> = (0..n).collect();
        let draw = |i: usize| {
            let at = self.below((n - i) as u64) as usize;
            let drawn = pool[at];
            pool[at] = pool[n - i - 1];
            drawn
        };
        (0..k).map(draw).collect()
    }

    fn sample_of_set(&mut self, n: usize, k: usize) -> Vec<usize> {
        let mut selected = std::collections::BTreeSet::new();
        let mut drawn = Vec::with_capacity(k);
        while drawn.len() < k {
            let at = self.below(n as u64) as usize;
            if selected.insert(at) {
                drawn.push(at);
            }
        }
        drawn
    }
}

/// The logarithm to base 4, rounded up.
fn log4_above(x: usize) -> u32 {
    (0..usize::BITS).find(|power| x <= 4_usize.saturating_pow(*power)).unwrap_or(0)
}

impl Mt19937 {
    /// Starts from a key of several words (`init_by_array`), as `CPython` does.
    pub fn from_key(key: &[u32]) -> Self {
        let mut state = *Self::new(19_650_218).words();
        let key = if key.is_empty() { &[0] } else { key };
        let mut i = 1;
        for k in 0..N.max(key.len()) {
            let j = k % key.len();
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] =
                (state[i] ^ before.wrapping_mul(1_664_525)).wrapping_add(key[j]).wrapping_add(j as u32);
            i = next_place(i, &mut state);
        }
        for _ in 1..N {
            let before = state[i - 1] ^ (state[i - 1] >> 30);
            state[i] = (state[i] ^ before.wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i = next_place(i, &mut state);
        }
        state[0] = 0x8000_0000;
        Self::of_words(&state)
    }
}

/// The place after `i`; at the end the last word is carried to the front.
fn next_place(i: usize, state: &mut [u32; N]) -> usize {
    if i + 1 < N {
        return i + 1;
    }
    state[0] = state[N - 1];
    1
}
