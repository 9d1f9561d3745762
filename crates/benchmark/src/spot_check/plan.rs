//! How many items are re-run.

use stillmark_stats::PValue;
use stillmark_stats::draws::Draws;
use stillmark_stats::e_process::{Alpha, EProcess as _};
use stillmark_stats::hypergeometric;

/// How often the sample size is simulated.
const RUNS: usize = 2_000;

/// What is to be excluded, and how surely.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Aim {
    /// The items of the benchmark.
    pub population: u64,
    /// The inflation that is to be excluded, in points (hundredths of the score).
    pub margin_points: f64,
    /// How often a greater inflation may pass.
    pub alpha: f64,
    /// How often a sound log is to pass.
    pub power: f64,
    /// The share of items whose score two honest runs do not have in common.
    pub flip_rate: f64,
}

impl Aim {
    /// The fewest items whose inflation is the margin or more.
    pub fn forged(&self) -> u64 {
        // A hair less, so that 2 % of 50 items is 1 item whatever rounding makes of it.
        ((self.population as f64 * self.margin_points / 100.0 - 1e-9).ceil() as u64).max(1)
    }

    /// The fewest items that show one of the forged ones with chance 1 − α: for runs that repeat exactly.
    pub fn discovery(&self) -> Option<u64> {
        hypergeometric::discovery_size(self.population, self.forged(), PValue::new(self.alpha))
    }

    /// The fewest items on which a share `power` of sound logs passes, where two honest runs differ at the flip rate: by
    /// simulated audits from a fixed seed. None where not even all items are enough.
    pub fn inflation(&self) -> Option<u64> {
        if self.flip_rate <= 0.0 {
            return self.stop(&mut Draws::new(0));
        }
        let mut draws = Draws::new(0x5eed);
        let mut stops: Vec<Option<u64>> = (0..RUNS).map(|_| self.stop(&mut draws)).collect();
        // None, never, sorts last.
        stops.sort_by_key(|stop| stop.unwrap_or(u64::MAX));
        stops[((RUNS as f64 * self.power).ceil() as usize).clamp(1, RUNS) - 1]
    }

    /// After how many items one honest audit stops.
    fn stop(&self, draws: &mut Draws) -> Option<u64> {
        let mut alpha = Alpha::new(self.population, null_mean(self.margin_points / 100.0), self.flip_rate);
        (1..=self.population).find(|_| {
            let uniform = draws.bits() as f64 / u64::MAX as f64;
            alpha.push(match uniform {
                low if low < self.flip_rate / 2.0 => 0.0,
                low if low < self.flip_rate => 1.0,
                _ => 0.5,
            });
            alpha.p().ln() <= PValue::new(self.alpha).ln()
        })
    }
}

/// The mean of (1 − e) / 2 at which the mean of e is so much.
pub(super) fn null_mean(inflation: f64) -> f64 {
    (1.0 - inflation) / 2.0
}
