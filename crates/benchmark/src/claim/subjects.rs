//! Whether an overall mean fits the scores of the parts it is made of.

use super::Printed;
use super::grain::{self, Grain, Rounding, Scale};

/// A part of a benchmark with its printed score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its items.
    pub items: u64,
    /// Its score.
    pub score: Printed,
}

/// What the parts leave for the whole, from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Means {
    /// The least and the greatest share of all items.
    pub micro: (f64, f64),
    /// The least and the greatest mean of the parts' shares.
    pub macro_: (f64, f64),
    /// The parts whose own score is impossible.
    pub impossible: Vec<String>,
}

/// Bounds both means by the counts that each part's score leaves.
pub fn means(subjects: &[Subject], scale: Scale) -> Means {
    let mut means = Means { micro: (0.0, 0.0), macro_: (0.0, 0.0), impossible: Vec::new() };
    let items: u64 = subjects.iter().map(|subject| subject.items).sum();
    let parts = subjects.len() as f64;
    for subject in subjects {
        let Grain { counts, .. } = grain::grain(subject.score, scale, subject.items);
        let nearest = counts.into_iter().find(|(rounding, ..)| *rounding == Rounding::Nearest);
        let Some((_, least, greatest)) = nearest else {
            means.impossible.push(subject.name.clone());
            continue;
        };
        let n = subject.items as f64;
        means.micro.0 += least as f64 / items as f64;
        means.micro.1 += greatest as f64 / items as f64;
        means.macro_.0 += least as f64 / n / parts;
        means.macro_.1 += greatest as f64 / n / parts;
    }
    means
}

/// Whether a printed number can be one of a range.
pub fn fits(printed: Printed, scale: Scale, range: (f64, f64)) -> bool {
    let whole = scale.whole() as f64;
    let (low, high) = (printed.value() - printed.half_unit(), printed.value() + printed.half_unit());
    // Sums of shares round in their last digits.
    low / whole <= range.1 + 1e-12 && range.0 - 1e-12 <= high / whole
}
