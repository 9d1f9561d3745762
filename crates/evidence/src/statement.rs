//! in-toto Statements, version 1.

use crate::{Digest, Error};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The `_type` of every statement.
pub(crate) const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What a statement says of its subjects.
pub trait Predicate: Serialize + DeserializeOwned {
    /// The predicate's type URI.
    const TYPE: &'static str;
}

/// A claim about subjects: an in-toto Statement v1. Fields it does not know are passed over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    /// What the claim is about.
    pub subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    /// What is claimed.
    pub predicate: P,
}

/// One thing that a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its name; a path below the signed folder where it is a file.
    pub name: String,
    /// What its bytes digest to.
    pub digest: DigestSet,
}

/// The digests of one thing; only SHA-256 is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestSet {
    /// The SHA-256 digest.
    pub sha256: Digest,
}

impl Subject {
    /// The subject of that name and digest.
    pub fn new(name: impl Into<String>, digest: Digest) -> Self {
        Self { name: name.into(), digest: DigestSet { sha256: digest } }
    }
}

impl<P: Predicate> Statement<P> {
    /// Claims `predicate` of the subjects.
    pub fn new(subject: Vec<Subject>, predicate: P) -> Self {
        let (kind, predicate_type) = (STATEMENT_TYPE.to_owned(), P::TYPE.to_owned());
        Self { kind, subject, predicate_type, predicate }
    }

    /// The bytes that are signed: canonical JSON (RFC 8785).
    pub fn to_canonical(&self) -> Result<Vec<u8>, Error> {
        Ok(serde_json_canonicalizer::to_vec(self)?)
    }

    /// The same JSON with line breaks, for a file that people read.
    pub fn to_pretty(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// The outside of a statement, to tell a foreign predicate from a broken one.
#[derive(Debug, Deserialize)]
pub(crate) struct Outside {
    #[serde(rename = "_type")]
    pub(crate) kind: String,
    #[serde(rename = "predicateType")]
    pub(crate) predicate_type: String,
}
