//! Whether a share of n items can be written as it was (GRIM: Brown and Heathers 2017).

use super::Printed;

/// How a share is scaled when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// From 0 to 1.
    Fraction,
    /// From 0 to 100.
    Percent,
}

impl Scale {
    /// What 1 is written as.
    pub fn whole(self) -> u64 {
        match self {
            Self::Fraction => 1,
            Self::Percent => 100,
        }
    }
}

/// How a number was brought to its decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rounding {
    /// To the nearest, halves either way.
    Nearest,
    /// Down: digits were cut off.
    Down,
    /// Up.
    Up,
}

/// What a printed share of n equal parts can be.
#[derive(Debug, Clone, PartialEq)]
pub struct Grain {
    /// The counts that round to the number, the least and the greatest, by each kind of rounding that gives any.
    pub counts: Vec<(Rounding, u64, u64)>,
    /// The share of the numbers with so many decimals that any count gives when rounded to the nearest: where it is 1 every
    /// number can be written, and this test has no power.
    pub possible_share: f64,
}

impl Grain {
    /// Whether some count gives the number, rounded to the nearest.
    pub fn is_possible(&self) -> bool {
        self.counts.iter().any(|&(rounding, ..)| rounding == Rounding::Nearest)
    }
}

/// Looks for counts of `parts` that are written so; `parts` is the number of items times the runs that were averaged over.
pub fn grain(printed: Printed, scale: Scale, parts: u64) -> Grain {
    // k / parts · whole · 10^decimals is compared with the digits, all times parts: whole numbers throughout.
    let unit = u128::from(scale.whole()) * 10_u128.pow(printed.decimals);
    let (n, goal) = (u128::from(parts), u128::from(printed.digits) * u128::from(parts));
    let fits = |rounding: Rounding, k: u128| match rounding {
        Rounding::Nearest => 2 * (k * unit).abs_diff(goal) <= n,
        Rounding::Down => goal <= k * unit && k * unit < goal + n,
        Rounding::Up => k * unit <= goal && goal < k * unit + n,
    };
    // What fits lies within one unit of the number.
    let least = |rounding| {
        let from = goal.saturating_sub(n) / unit;
        (from..=from + 2 + 2 * n / unit).take_while(|&k| k <= n).find(|&k| fits(rounding, k))
    };
    let greatest = |rounding, first: u128| {
        (first..=(first + 2 * n / unit + 2).min(n)).rev().find(|&k| fits(rounding, k))
    };
    let counts = [Rounding::Nearest, Rounding::Down, Rounding::Up].into_iter().filter_map(|rounding| {
        let first = least(rounding)?;
        Some((rounding, first as u64, greatest(rounding, first).unwrap_or(first) as u64))
    });
    let possible_share = ((n + 1) as f64 / (unit + 1) as f64).min(1.0);
    Grain { counts: if parts == 0 { Vec::new() } else { counts.collect() }, possible_share }
}
