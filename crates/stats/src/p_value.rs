//! A probability under the null hypothesis, as its logarithm.

use std::cmp::Ordering;

/// How probable it is, where there is nothing to find, to see at least as much as was seen.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct PValue {
    ln: f64,
}

impl PValue {
    /// The p-value that says nothing.
    pub const ONE: Self = Self { ln: 0.0 };

    /// Of a natural logarithm; what rounding has put above 1 is 1, and what is no number says nothing.
    pub fn from_ln(ln: f64) -> Self {
        Self { ln: if ln <= 0.0 { ln } else { 0.0 } }
    }

    /// Of a probability.
    pub fn new(p: f64) -> Self {
        Self::from_ln(p.ln())
    }

    /// Its natural logarithm.
    pub fn ln(self) -> f64 {
        self.ln
    }

    /// Its decimal logarithm.
    pub fn log10(self) -> f64 {
        self.ln / std::f64::consts::LN_10
    }

    /// The number itself; 0 where it is below what a double holds.
    pub fn value(self) -> f64 {
        self.ln.exp()
    }

    /// The p-value of the best of `tries` (Bonferroni).
    #[must_use]
    pub fn times(self, tries: f64) -> Self {
        Self::from_ln(self.ln + tries.ln())
    }

    /// Orders by size; no p-value is unordered.
    pub fn total_cmp(&self, other: &Self) -> Ordering {
        self.ln.total_cmp(&other.ln)
    }
}
