//! What a contamination test found: the answer of `benchmark contamination order|options|min-k|completion|constat`, and that of
//! `benchmark holdout judge`. It is the predicate that would be signed.

use crate::Predicate;
use serde::{Deserialize, Serialize};

/// Whether a model has seen the items of a benchmark, as far as one test can say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContaminationFinding {
    /// `stillmark/contamination-TEST/v1`.
    pub schema: String,
    /// The test: `order`, `options`, `min-k`, `completion`, `constat`, `holdout`.
    pub test: String,
    /// What follows.
    pub verdict: Seen,
    /// The rate of false alarms that was asked for.
    pub level: f64,
    /// How often chance brings as much, where the test has such a number.
    pub p: Option<f64>,
    /// Its natural logarithm.
    pub ln_p: Option<f64>,
    /// Whether that p-value may be relied on.
    pub valid: Validity,
    /// What was computed.
    pub statistic: Statistic,
    /// How many items were used.
    pub items: u64,
    /// How many independent comparisons they made: shards, items, models.
    pub units: u64,
    /// What the test could have seen.
    pub power: Power,
    /// What had to hold, and whether it did.
    pub checks: Vec<Check>,
    /// The same by part: by subset, or by method.
    pub parts: Vec<Part>,
    /// The digest of the questions that were asked, where any were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<String>,
    /// The name of the model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the numbers rest on.
    pub assumptions: Vec<String>,
    /// What the numbers cannot show.
    pub cannot_show: Vec<String>,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// The p-value is valid and reaches the level.
    Seen,
    /// The test could have seen something and did not; this is never innocence.
    NoEvidence,
    /// The test cannot say: too few items, a broken assumption, or no valid p-value.
    Inconclusive,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// Whether a p-value may be relied on, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// How far.
    pub kind: Kind,
    /// Why.
    pub why: String,
}

/// How far a p-value may be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// For every number of items, under the assumptions alone.
    Exact,
    /// In the limit of many items or models.
    Approximate,
    /// Not at all: there is no such number.
    NoPValue,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// A named number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statistic {
    /// What it is.
    pub name: String,
    /// The number; none where nothing could be computed.
    pub value: Option<f64>,
}

/// The smallest effect that a test of this size finds four times in five.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Power {
    /// How often it is found.
    pub power: f64,
    /// The effect; none where no effect would be found at this size.
    pub least_effect: Option<f64>,
    /// What it is measured in.
    pub effect: String,
}

/// One thing that had to hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it held.
    pub holds: bool,
    /// The natural logarithm of the p-value of the look, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ln_p: Option<f64>,
    /// What was seen.
    pub detail: String,
}

/// The result of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which part.
    pub name: String,
    /// How many comparisons.
    pub units: u64,
    /// Its statistic.
    pub value: Option<f64>,
    /// The natural logarithm of its own p-value.
    pub ln_p: Option<f64>,
    /// Why it was left out of the whole, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
}

/// Several tests of one model and benchmark together: the answer of `benchmark contamination combine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CombinedContamination {
    /// [`CombinedContamination::SCHEMA`].
    pub schema: String,
    /// What follows.
    pub verdict: Seen,
    /// The rate of false alarms over all tests together.
    pub level: f64,
    /// The tests, in the order given.
    pub tests: Vec<Adjusted>,
    /// Holm's smallest adjusted p-value.
    pub p: Option<f64>,
    /// Its natural logarithm.
    pub ln_p: Option<f64>,
    /// The natural logarithm of the mean of the e-values that the p-values are worth.
    pub ln_e_value: Option<f64>,
    /// What the numbers rest on.
    pub assumptions: Vec<String>,
    /// What the numbers cannot show.
    pub cannot_show: Vec<String>,
}

/// One of several tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjusted {
    /// The file it was read from.
    pub file: String,
    /// The test.
    pub test: String,
    /// Its verdict alone.
    pub alone: Seen,
    /// How far its p-value may be relied on.
    pub kind: Kind,
    /// Its p-value's natural logarithm; none where it takes no part.
    pub ln_p: Option<f64>,
    /// The same after Holm's correction.
    pub adjusted_ln_p: Option<f64>,
    /// What it could have seen.
    pub power: Power,
}

impl ContaminationFinding {
    /// The schema of a test's answer.
    pub fn schema(test: &str) -> String {
        format!("stillmark/contamination-{test}/v1")
    }
}

impl Predicate for ContaminationFinding {
    const TYPE: &'static str = "urn:stillmark:contamination-finding:v1";
}

impl CombinedContamination {
    /// The schema of the answer.
    pub const SCHEMA: &'static str = "stillmark/contamination-combine/v1";
}

impl Seen {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::NoEvidence => "no-evidence",
            Self::Inconclusive => "inconclusive",
            Self::Unknown => "unknown",
        }
    }
}

impl Kind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Approximate => "approximate",
            Self::NoPValue => "no-p-value",
            Self::Unknown => "unknown",
        }
    }
}
