//! Negative answers.

use serde::Serialize;
use std::fmt;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// A signature does not verify under the key it names.
    BadSignature,
    /// A signature is by a key that is not trusted.
    UnknownSigner,
    /// Some bytes do not have the digest that was signed for them.
    BadDigest,
    /// A document does not follow its format.
    Malformed,
    /// A file is there that was not signed.
    ExtraFile,
    /// A file that was signed, or that the format demands, is not there.
    MissingFile,
    /// A symbolic link or special file stands where only files may.
    Symlink,
    /// A statement carries another predicate than the one expected.
    WrongPredicate,
    /// A checkpoint is older than one that was signed before.
    StaleCheckpoint,
    /// An entry is not in the log that should hold it.
    NotInLog,
    /// The log's files contradict its signed checkpoint.
    BadLog,
    /// Two signed statements that should name the same thing name different things.
    BrokenEdge,
    /// A signed statement that nothing refers to.
    ExtraStatement,
    /// A model that is made from itself, over other models.
    Cycle,
    /// Counts or shares do not follow from the records.
    WrongShare,
    /// A duty of the record is not disclosed.
    OpenDuty,
    /// The record says that the plan was not permitted.
    NotPermitted,
    /// A card states something that the signed record contradicts.
    Contradiction,
    /// An algorithm or layout that this verifier does not know.
    Unsupported,
}

/// A negative answer: what, where, and the particulars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of thing was found.
    pub kind: FindingKind,
    /// The file, record or field it is about.
    pub subject: String,
    /// The particulars, for a person.
    pub detail: String,
}

impl FindingKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 19] = [
        Self::BadSignature,
        Self::UnknownSigner,
        Self::BadDigest,
        Self::Malformed,
        Self::ExtraFile,
        Self::MissingFile,
        Self::Symlink,
        Self::WrongPredicate,
        Self::StaleCheckpoint,
        Self::NotInLog,
        Self::BadLog,
        Self::BrokenEdge,
        Self::ExtraStatement,
        Self::Cycle,
        Self::WrongShare,
        Self::OpenDuty,
        Self::NotPermitted,
        Self::Contradiction,
        Self::Unsupported,
    ];

    /// The stable word for it, as test vectors, JSON and `explain` use it.
    pub fn code(self) -> &'static str {
        match self {
            Self::BadSignature => "bad-signature",
            Self::UnknownSigner => "unknown-signer",
            Self::BadDigest => "bad-digest",
            Self::Malformed => "malformed",
            Self::ExtraFile => "extra-file",
            Self::MissingFile => "missing-file",
            Self::Symlink => "symlink",
            Self::WrongPredicate => "wrong-predicate",
            Self::StaleCheckpoint => "stale-checkpoint",
            Self::NotInLog => "not-in-log",
            Self::BadLog => "bad-log",
            Self::BrokenEdge => "broken-edge",
            Self::ExtraStatement => "extra-statement",
            Self::Cycle => "cycle",
            Self::WrongShare => "wrong-share",
            Self::OpenDuty => "open-duty",
            Self::NotPermitted => "not-permitted",
            Self::Contradiction => "contradiction",
            Self::Unsupported => "unsupported",
        }
    }
}

impl Finding {
    /// A finding of that kind.
    pub fn new(kind: FindingKind, subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { kind, subject: subject.into(), detail: detail.into() }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.kind, self.subject, self.detail)
    }
}

impl std::error::Error for Finding {}
