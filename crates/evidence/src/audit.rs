//! What an audit of benchmark logs found: the file `audit.json`, which the signed test result pins.

use crate::{Digest, Error};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Where the parts of an audit lie in its folder.
pub mod path {
    /// The audit.
    pub const AUDIT: &str = "audit.json";
    /// The findings in the form that code review tools read.
    pub const SARIF: &str = "audit.sarif";
    /// The signed test result.
    pub const RESULT: &str = "audit.sigstore.json";
    /// The signer's public key.
    pub const SIGNER: &str = "signer.pub.pem";
    /// The page for people, which nothing pins.
    pub const REPORT: &str = "report.html";
}

/// The `schema` of an audit.
pub const SCHEMA: &str = "stillmark/benchmark-audit/v1";

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// What the findings come to.
    pub verdict: Verdict,
    /// How much stands behind the numbers.
    pub assurance: Level,
    /// The files that were read.
    pub files: Vec<ReadFile>,
    /// The scores: one a task, filter and metric, and one a group of tasks.
    pub scores: Vec<Score>,
    /// What was found.
    pub findings: Vec<Found>,
    /// How many more findings there are than are listed.
    pub findings_left_out: u64,
    /// Where the log says itself that it departs from the benchmark or its usual recipe; these are no findings.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub departures: Vec<Found>,
    /// What no log can decide, with what hints there are.
    pub undecidable: Vec<Open>,
    /// What was not checked, and why.
    pub not_checked: Vec<Open>,
    /// What this level of assurance cannot show.
    pub cannot_show: Vec<String>,
    /// What drawn items came to that were run again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub spot_check: Option<SpotCheck>,
}

/// What a spot check of the log showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpotCheck {
    /// `within-margin`, `not-reproduced`, `inflated` or `inconclusive` (docs/spec/spot-check.md).
    pub verdict: String,
    /// The SHA-256 digest of the plan.
    pub plan: Digest,
    /// The commitment that was published before the log was fixed.
    pub commitment: Digest,
    /// The items of the log.
    pub population: u64,
    /// How many of them were run again.
    pub items: u64,
    /// How many of those do not come out as the log has them.
    pub differ: u64,
    /// The inflation that was to be excluded, in points.
    pub margin_points: f64,
    /// "The inflation is no more than so many points".
    pub bound_points: f64,
    /// How surely.
    pub confidence: f64,
    /// Whether exact repetition was assumed.
    pub assumed_exact: bool,
}

/// What the findings of an audit come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// All that was checked holds.
    NothingFound,
    /// The log says itself that it departs from the benchmark or its recipe.
    Departs,
    /// Something does not hold.
    Altered,
    /// Too little could be checked.
    Inconclusive,
}

/// How much stands behind the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// A number alone.
    L0,
    /// A log that is consistent with itself, with the benchmark and with the recipe.
    L1,
    /// Such a log, and a spot check that ran items again.
    L2,
    /// That, with receipts, and a run that was registered before it began.
    L3,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFile {
    /// Its name, without the folders of whoever ran the audit.
    pub name: String,
    /// The SHA-256 digest of its bytes.
    pub sha256: Digest,
    /// Its length in bytes.
    pub bytes: u64,
    /// The format it was read as.
    pub format: String,
}

/// One score: what was claimed, and what the rows come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The task, or the group of tasks.
    pub task: String,
    /// The subject within its benchmark, where it has such.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<String>,
    /// The metric.
    pub metric: String,
    /// The filter.
    pub filter: String,
    /// How a group's number is put together: `micro` or `macro`; none for a task.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub aggregation: Option<String>,
    /// How many items were scored.
    pub n: u64,
    /// How many items the pinned benchmark has.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub n_benchmark: Option<u64>,
    /// The number that was claimed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub claimed: Option<f64>,
    /// The number that follows from the answers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recomputed: Option<f64>,
    /// An interval for it at 95 %: what another draw of as many such items might have given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interval: Option<[f64; 2]>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A remark: nothing follows for the score.
    Note,
    /// Declared: the number is not the benchmark's usual number.
    Warning,
    /// Does not hold.
    Error,
}

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The class: a code that `stillmark explain` explains.
    pub class: String,
    /// How bad it is.
    pub severity: Severity,
    /// The file it is in.
    pub file: String,
    /// The line, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// The item, as the log names it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub doc_id: Option<String>,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub task: Option<String>,
    /// What was found, for a person.
    pub detail: String,
    /// What should stand there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected: Option<String>,
    /// What stands there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub found: Option<String>,
}

/// Something that stays open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// What: a code that `stillmark explain` explains.
    pub what: String,
    /// The task, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub task: Option<String>,
    /// Why it stays open, and what hints there are.
    pub why: String,
}

impl Audit {
    /// Whether the verdict follows from the findings: altered exactly where one of them does not hold.
    pub fn is_consistent(&self) -> bool {
        let is_error = |found: &Found| found.severity == Severity::Error;
        (self.verdict == Verdict::Altered) == self.findings.iter().any(is_error)
    }

    /// Its bytes in the folder.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Whether a folder is that of an audit.
pub fn is_folder(dir: &Path) -> bool {
    dir.join(path::RESULT).exists() && !dir.join(crate::layout::path::EVIDENCE).exists()
}
