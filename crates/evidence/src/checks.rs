//! What `verify` answers.

use crate::card::Contradiction;
use crate::{Finding, FindingKind};
use serde::Serialize;

/// The schema of [`FolderReport`].
pub const SCHEMA: &str = "stillmark/verify/v1";

/// The answer on one folder, exactly as `verify --format json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FolderReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// The verdict over all checks.
    pub verdict: CheckVerdict,
    /// How far the evidence reaches.
    pub assurance: Assurance,
    /// Every check, in the order they were made.
    pub checks: Vec<Check>,
    /// Where the model card contradicts the signed record.
    pub contradictions: Vec<Contradiction>,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked, or the code of what was found.
    pub id: String,
    /// How it came out.
    pub verdict: CheckVerdict,
    /// The file, record or field it is about.
    pub subject: String,
    /// The particulars, for a person.
    pub detail: String,
}

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckVerdict {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It could not be decided.
    Inconclusive,
    /// Nothing was recorded that could be checked.
    NotRecorded,
}

/// How far the evidence reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// Something failed, or no signature holds: the folder shows nothing.
    None,
    /// Signed soundly by a key that nobody vouched for.
    SignedByUnknown,
    /// Signed by a trusted key.
    Signed,
    /// Signed by a trusted key and included in the log that the signer named.
    SignedAndLogged,
}

impl Check {
    /// A check that holds.
    pub fn pass(id: &str, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(id, CheckVerdict::Pass, subject, detail)
    }

    /// A check that nothing was recorded for.
    pub fn not_recorded(id: &str, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(id, CheckVerdict::NotRecorded, subject, detail)
    }

    /// A check of that outcome.
    pub fn new(
        id: &str,
        verdict: CheckVerdict,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self { id: id.to_owned(), verdict, subject: subject.into(), detail: detail.into() }
    }
}

impl From<Finding> for Check {
    fn from(finding: Finding) -> Self {
        let verdict = match finding.kind {
            FindingKind::UnknownSigner | FindingKind::Unsupported => CheckVerdict::Inconclusive,
            _ => CheckVerdict::Fail,
        };
        Self::new(finding.kind.code(), verdict, finding.subject, finding.detail)
    }
}
