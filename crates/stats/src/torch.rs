//! What `torch.manual_seed(s)` makes of torch's functions, on the CPU. A CUDA device draws otherwise.

use crate::mt19937::{Mt19937, N};

/// torch's generator of the CPU.
#[derive(Debug, Clone)]
pub struct Generator(Mt19937);

impl Generator {
    /// `torch.manual_seed(seed)`: the lower 32 bits of the seed alone count.
    pub fn manual_seed(seed: u64) -> Self {
        Self(Mt19937::new(seed as u32))
    }

    /// The next of `torch.rand(…)`, f32.
    pub fn rand(&mut self) -> f32 {
        unit(self.0.next_u32())
    }

    /// `torch.rand(…)[n]`, f32: the one after the next `n`.
    pub fn nth(&mut self, n: usize) -> f32 {
        self.0.skip(n);
        self.rand()
    }

    /// The next 32-bit words, which every function of torch draws from.
    pub fn fill(&mut self, words: &mut [u32]) {
        self.0.fill(words);
    }

    /// As [`Generator::fill`], in a vector.
    pub fn words(&mut self, count: usize) -> Vec<u32> {
        let mut words = vec![0; count];
        self.fill(&mut words);
        words
    }

    /// The next of `torch.randint(0, 2, …)`.
    pub fn bit(&mut self) -> bool {
        self.0.next_u32() & 1 == 1
    }

    /// `torch.randn(count)` for a count of 16 or more (the vectorized Box-Muller of such sizes), to within the rounding of its
    /// logarithm and cosine.
    pub fn randn(&mut self, count: usize) -> Vec<f32> {
        let mut numbers: Vec<f32> = (0..count).map(|_| self.rand()).collect();
        numbers.chunks_exact_mut(16).for_each(box_muller);
        // torch draws the last sixteen anew where the count is no multiple of that.
        if !count.is_multiple_of(16)
            && let Some(last) = count.checked_sub(16)
        {
            numbers[last..].fill_with(|| self.rand());
            box_muller(&mut numbers[last..]);
        }
        numbers
    }

    /// The first `k` entries of `torch.randperm(n)`, which later swaps leave alone, for n below 2³¹. `entries` is scratch
    /// space.
    pub fn randperm_head<'a>(&mut self, n: usize, k: usize, entries: &'a mut Vec<u32>) -> &'a [u32] {
        entries.clear();
        entries.extend(0..n as u32);
        let k = k.min(n);
        // The last entry of a whole permutation takes no draw.
        let draws = k.min(n.saturating_sub(1));
        let mut places = [0; N];
        for start in (0..draws).step_by(N) {
            let places = &mut places[..N.min(draws - start)];
            self.fill(places);
            remainders(places, n - start);
            for (i, z) in places.iter().enumerate() {
                entries.swap(start + i, start + i + *z as usize);
            }
        }
        &entries[..k]
    }
}

fn unit(word: u32) -> f32 {
    (word & 0x00ff_ffff) as f32 / 16_777_216.0
}

/// Takes the words modulo `first`, `first - 1`, …, without the processor's slow division of whole numbers.
///
/// The quotient rounded to the nearest whole number is the wanted one, or one more: then the rest is negative, which among
/// unsigned numbers is the larger of the two candidates.
fn remainders(words: &mut [u32], first: usize) {
    /// 2^52: adding it rounds to a whole number, which then stands in the lower bits.
    const MAGIC: f64 = 4_503_599_627_370_496.0;
    for (i, word) in words.iter_mut().enumerate() {
        let divisor = (first - i) as u32;
        let nearest = (f64::from(*word) / f64::from(divisor) + MAGIC).to_bits() as u32;
        let rest = word.wrapping_sub(nearest.wrapping_mul(divisor));
        *word = rest.min(rest.wrapping_add(divisor));
    }
}

/// Makes eight pairs of uniform numbers, each a number and the one eight places on, normal ones.
fn box_muller(block: &mut [f32]) {
    let (first, second) = block.split_at_mut(8);
    for (a, b) in first.iter_mut().zip(second) {
        let radius = (-2.0 * f64::from(1.0 - *a).ln()).sqrt();
        let angle = std::f64::consts::TAU * f64::from(*b);
        (*a, *b) = ((radius * angle.cos()) as f32, (radius * angle.sin()) as f32);
    }
}
