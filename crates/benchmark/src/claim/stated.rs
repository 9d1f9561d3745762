//! One claim: a number, what it is of, and what stands beside it.

use super::Printed;
use super::grain::Scale;
use super::names::Named;

/// What kind of score is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Each item is right or wrong.
    RightOrWrong,
    /// pass@k for k above 1: whether one of k answers is right, estimated from more of them.
    AnyOf(u64),
    /// Items may be partly right (TruthfulQA mc2, F1, BLEU): no count of items stands behind the mean.
    Graded,
}

/// A count of right items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many are right.
    pub right: u64,
    /// Of how many.
    pub items: u64,
}

/// One claim: a value, a count, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stated {
    /// The clause it stands in.
    pub text: String,
    /// The number.
    pub value: Option<Printed>,
    /// `k of n`.
    pub count: Option<Count>,
    /// How the number is scaled.
    pub scale: Scale,
    /// The stated standard error, on the same scale.
    pub stderr: Option<Printed>,
    /// The benchmark.
    pub named: Option<Named>,
    /// What kind of score it is.
    pub metric: Metric,
    /// Over how many answers to each item it is averaged, as far as the clause says (`avg@16`).
    pub runs: u64,
    /// Worked examples.
    pub shots: Option<u64>,
}

impl Stated {
    /// The share of right items, from 0 to 1.
    pub fn share(&self) -> f64 {
        match (self.value, self.count) {
            (Some(value), _) => value.value() / self.scale.whole() as f64,
            (None, Some(count)) => count.right as f64 / count.items as f64,
            (None, None) => 0.0,
        }
    }

    /// The pinned benchmark.
    pub fn benchmark(&self) -> Option<&'static str> {
        match self.named {
            Some(Named::Pinned { benchmark, .. }) => Some(benchmark),
            _ => None,
        }
    }
}

/// Scores that are no share of right items.
const GRADED: [&str; 7] = ["mc2", "f1", "bleu", "rouge", "perplexity", "byte", "brier"];

/// What kind of score words in lower case tell of.
pub(super) fn metric(lower: &str) -> Metric {
    if GRADED.iter().any(|word| lower.contains(word)) { Metric::Graded } else { Metric::RightOrWrong }
}
