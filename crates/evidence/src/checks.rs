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

/// What is checked: the ids of checks that hold. Those that do not bear the code of what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// A bundle's signature.
    Signature,
    /// Whose key signed, and that it is one key.
    Signer,
    /// The files of the model.
    ModelFiles,
    /// That the run made this very model.
    RunModel,
    /// That the run followed this very plan.
    Plan,
    /// That the run used this very dataset.
    RunData,
    /// That the run measured these very numbers.
    Metrics,
    /// That record and run name one tokenizer.
    Tokenizer,
    /// That record and run name one teacher for a source.
    Teacher,
    /// That disclosure and run name one base model.
    Base,
    /// The signed statements of the models that it was made from.
    Upstream,
    /// A duty of a model that it was made from.
    UpstreamDuty,
    /// The files of the records.
    Records,
    /// The counts and shares of the sources.
    Shares,
    /// That the plan was permitted, or what was open was accepted.
    Permission,
    /// That a bundle is in the log.
    LogProof,
    /// That the log holds together.
    Log,
    /// What the maker states in public.
    Disclosure,
    /// What the model card states.
    Card,
    /// Base, datasets and license on a card that no signed disclosure covers.
    CardBase,
    /// What the documents of the disclosure state.
    Documents,
    /// That the numbers of a finding agree with each other.
    Numbers,
    /// The scores beside a finding.
    Scores,
    /// The files that a finding is about.
    Judged,
    /// The grants that a run rests on.
    Grant,
    /// The receipts given under a grant.
    Receipts,
    /// That the terms, judged again, say what the record says.
    Judgment,
}

impl Aspect {
    /// Every aspect, in the order of the documentation.
    pub const ALL: [Self; 27] = [
        Self::Signature,
        Self::Signer,
        Self::ModelFiles,
        Self::RunModel,
        Self::Plan,
        Self::RunData,
        Self::Metrics,
        Self::Tokenizer,
        Self::Teacher,
        Self::Base,
        Self::Upstream,
        Self::UpstreamDuty,
        Self::Records,
        Self::Shares,
        Self::Permission,
        Self::LogProof,
        Self::Log,
        Self::Disclosure,
        Self::Card,
        Self::CardBase,
        Self::Documents,
        Self::Numbers,
        Self::Scores,
        Self::Judged,
        Self::Grant,
        Self::Receipts,
        Self::Judgment,
    ];

    /// The stable word for it, as JSON and `explain` use it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Signer => "signer",
            Self::ModelFiles => "model-files",
            Self::RunModel => "run-model",
            Self::Plan => "plan",
            Self::RunData => "run-data",
            Self::Metrics => "metrics",
            Self::Tokenizer => "tokenizer",
            Self::Teacher => "teacher",
            Self::Base => "base",
            Self::Upstream => "upstream",
            Self::UpstreamDuty => "upstream-duty",
            Self::Records => "records",
            Self::Shares => "shares",
            Self::Permission => "permission",
            Self::LogProof => "log-proof",
            Self::Log => "log",
            Self::Disclosure => "disclosure",
            Self::Card => "card",
            Self::CardBase => "card-base",
            Self::Documents => "documents",
            Self::Numbers => "numbers",
            Self::Scores => "scores",
            Self::Judged => "judged-file",
            Self::Grant => "grant",
            Self::Receipts => "receipts",
            Self::Judgment => "judgment",
        }
    }
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
    pub fn pass(aspect: Aspect, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(aspect.code(), CheckVerdict::Pass, subject, detail)
    }

    /// A check that nothing was recorded for.
    pub fn not_recorded(aspect: Aspect, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(aspect.code(), CheckVerdict::NotRecorded, subject, detail)
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
