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
    /// Counts or shares do not follow from the records.
    WrongShare,
    /// A duty of the record is not disclosed.
    OpenDuty,
    /// The record says that the plan was not permitted.
    NotPermitted,
    /// A card states something that the signed record contradicts.
    Contradiction,
    /// A grant lacks the grantee's countersignature in a log.
    GrantNotAccepted,
    /// A grant was taken back before the work ended.
    GrantRevoked,
    /// The work was done on days that the grant does not cover.
    GrantExpired,
    /// A grant was given to another key than the builder's.
    WrongGrantee,
    /// A grant is about another model than the teacher.
    WrongAsset,
    /// The student reaches more people than the grant allows.
    WrongAudience,
    /// The student is larger than the grant allows.
    StudentTooLarge,
    /// More tokens were taken than the grant allows.
    OverCap,
    /// A receipt is not in the provider's log, or does not open to the answer.
    ForgedReceipt,
    /// A receipt is another tenant's, or for another grant or model.
    ForeignReceipt,
    /// One receipt stands for more than one answer.
    ReplayedReceipt,
    /// An answer under a grant with receipts has none.
    MissingReceipt,
    /// An answer was given under the grant and is not in the records.
    DroppedRecord,
    /// One log shows two histories.
    SplitView,
    /// The records hold answers of a teacher that the manifest does not name.
    UndisclosedTeacher,
    /// The terms of the record are not those that were judged or granted from.
    AlteredTerms,
    /// The terms, judged again, say something else than the record.
    WrongVerdict,
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
    pub const ALL: [Self; 34] = [
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
        Self::WrongShare,
        Self::OpenDuty,
        Self::NotPermitted,
        Self::Contradiction,
        Self::GrantNotAccepted,
        Self::GrantRevoked,
        Self::GrantExpired,
        Self::WrongGrantee,
        Self::WrongAsset,
        Self::WrongAudience,
        Self::StudentTooLarge,
        Self::OverCap,
        Self::ForgedReceipt,
        Self::ForeignReceipt,
        Self::ReplayedReceipt,
        Self::MissingReceipt,
        Self::DroppedRecord,
        Self::SplitView,
        Self::UndisclosedTeacher,
        Self::AlteredTerms,
        Self::WrongVerdict,
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
            Self::WrongShare => "wrong-share",
            Self::OpenDuty => "open-duty",
            Self::NotPermitted => "not-permitted",
            Self::Contradiction => "contradiction",
            Self::GrantNotAccepted => "grant-not-accepted",
            Self::GrantRevoked => "grant-revoked",
            Self::GrantExpired => "grant-expired",
            Self::WrongGrantee => "wrong-grantee",
            Self::WrongAsset => "wrong-asset",
            Self::WrongAudience => "wrong-audience",
            Self::StudentTooLarge => "student-too-large",
            Self::OverCap => "over-cap",
            Self::ForgedReceipt => "forged-receipt",
            Self::ForeignReceipt => "foreign-receipt",
            Self::ReplayedReceipt => "replayed-receipt",
            Self::MissingReceipt => "missing-receipt",
            Self::DroppedRecord => "dropped-record",
            Self::SplitView => "split-view",
            Self::UndisclosedTeacher => "undisclosed-teacher",
            Self::AlteredTerms => "altered-terms",
            Self::WrongVerdict => "wrong-verdict",
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
