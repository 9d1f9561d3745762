//! What `torch.manual_seed(s)` makes of torch's functions, on the CPU. A CUDA device draws otherwise.

use crate::mt19937::Mt19937;

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
        (self.0.next_u32() & 0x00ff_ffff) as f32 / 16_777_216.0
    }

    /// The next of `torch.randint(0, 2, …)`.
    pub fn bit(&mut self) -> bool {
        self.0.next_u32() & 1 == 1
    }

    /// `torch.randn(count)` for a count of 16 or more, a multiple of 16 (the vectorized Box-Muller of such sizes), to within
    /// the rounding of its logarithm and cosine.
    pub fn randn(&mut self, count: usize) -> Vec<f32> {
        let mut numbers: Vec<f32> = (0..count).map(|_| self.rand()).collect();
        for block in numbers.chunks_exact_mut(16) {
            let (first, second) = block.split_at_mut(8);
            for (a, b) in first.iter_mut().zip(second) {
                let radius = (-2.0 * f64::from(1.0 - *a).ln()).sqrt();
                let angle = std::f64::consts::TAU * f64::from(*b);
                (*a, *b) = ((radius * angle.cos()) as f32, (radius * angle.sin()) as f32);
            }
        }
        numbers
    }

    /// The first `k` entries of `torch.randperm(n)`, which later swaps leave alone. `entries` is scratch space.
    pub fn randperm_head<'a>(&mut self, n: usize, k: usize, entries: &'a mut Vec<u32>) -> &'a [u32] {
        entries.clear();
        entries.extend(0..n as u32);
        let k = k.min(n);
        // The last entry of a whole permutation takes no draw.
        for i in 0..k.min(n.saturating_sub(1)) {
            let z = self.0.next_u32() % (n - i) as u32;
            entries.swap(i, i + z as usize);
        }
        &entries[..k]
    }
}
