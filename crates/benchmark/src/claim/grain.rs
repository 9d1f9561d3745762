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
    /// Not at all: all digits of a quotient of doubles, which is exact but for its last bits.
    Exact,
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
    /// Whether some count gives the number, as it is or rounded to the nearest.
    pub fn is_possible(&self) -> bool {
        self.counts.iter().any(|&(rounding, ..)| matches!(rounding, Rounding::Exact | Rounding::Nearest))
    }
}

/// Whether a number has all the digits that a double has: nothing rounded it.
pub fn is_exact(printed: Printed, scale: Scale) -> bool {
    let decimals = match scale {
        Scale::Fraction => 15,
        Scale::Percent => 13,
    };
    printed.decimals >= decimals
}

/// Looks for counts of `parts` that are written so; `parts` is the number of items times the runs that were averaged over.
pub fn grain(printed: Printed, scale: Scale, parts: u64) -> Grain {
    // k · unit is compared with digits · parts, both being the share times parts and times what makes the digits whole numbers.
    let unit = u128::from(scale.whole()).saturating_mul(10_u128.saturating_pow(printed.decimals));
    let n = u128::from(parts);
    let possible_share = ((n + 1) as f64 / (unit as f64 + 1.0)).min(1.0);
    if parts == 0 || u128::from(printed.digits) > unit {
        return Grain { counts: Vec::new(), possible_share };
    }
    let goal = u128::from(printed.digits) * n;
    let between = |low: u128, high: u128| (low.div_ceil(unit), (high / unit).min(n));
    let range = |rounding: Rounding| match rounding {
        // A sum and two divisions leave some 2⁻⁵³ each, of which 2⁻⁴⁹ is plenty and far below the grain.
        Rounding::Exact => {
            let slack = n / 2 + (goal >> 49);
            between(goal.saturating_sub(slack), goal.saturating_add(slack))
        }
        Rounding::Nearest => between(goal.saturating_sub(n / 2), goal.saturating_add(n / 2)),
        Rounding::Down => between(goal, goal.saturating_add(n - 1)),
        Rounding::Up => between((goal + 1).saturating_sub(n), goal),
    };
    let kinds: &[Rounding] = if is_exact(printed, scale) {
        &[Rounding::Exact]
    } else {
        &[Rounding::Nearest, Rounding::Down, Rounding::Up]
    };
    let found = kinds.iter().map(|&rounding| (rounding, range(rounding)));
    let counts = found.filter(|(_, (least, greatest))| least <= greatest);
    let counts =
        counts.map(|(rounding, (least, greatest))| (rounding, least as u64, greatest as u64)).collect();
    Grain { counts, possible_share }
}
