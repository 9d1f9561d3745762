//! A provider's receipt for one answer (protocol section 3, docs/spec/receipt.md).
//!
//! For each answer the provider appends a [`Leaf`] to its log, which holds salted commitments instead of words, and hands
//! the client the leaf with its two salts: the [`Receipt`]. An [`Issuer`] makes them; [`Shown`] is how a folder keeps the
//! proofs that they are in the log.

mod issuer;
mod kept;

pub use issuer::{Answered, Issuer, receipt};
pub use kept::{Kept, Line, Shown, Witnessed, parse_kept, parse_shown, to_lines};

use crate::keys::KeyId;
use crate::{Digest, Error, Finding, FindingKind};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use stillmark_ledger::tree;

/// The header of an answer that holds its receipt.
pub const HEADER: &str = "x-stillmark-receipt";

/// The `schema` of every leaf.
pub const SCHEMA: &str = "stillmark/receipt/v1";

/// No header is longer.
const LONGEST: usize = 16 << 10;

/// What the provider logs of one answer. Its canonical JSON is the log's entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leaf {
    /// [`SCHEMA`].
    pub schema: String,
    /// Which answer under its grant it is, from 1; without a grant, which of the tenant's.
    pub sequence: u64,
    /// The tokens of answers under the grant so far, this one included.
    pub spent: u64,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// Whose answer it is: the name of the tenant's key.
    pub tenant: KeyId,
    /// The grant it was given under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Digest>,
    /// The offer in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Digest>,
    /// Which model answered.
    pub model: Model,
    /// Commits to the prompt.
    pub prompt: Digest,
    /// Commits to the answer.
    pub answer: Digest,
    /// How long both are, by the provider's count.
    pub tokens: Tokens,
    /// Commits to the key of the mark in the answer, where it carries one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Digest>,
}

/// The model that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// The name by which it was asked for.
    pub name: String,
    /// The digest of its weights, where the provider tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
}

/// Token counts of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Of the prompt.
    pub prompt: u64,
    /// Of the answer.
    pub answer: u64,
}

/// A leaf with what opens it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Receipt {
    /// The leaf, byte for byte as it was logged.
    pub leaf: String,
    /// Opens the commitment to the prompt.
    pub prompt_salt: Digest,
    /// Opens the commitment to the answer.
    pub answer_salt: Digest,
}

/// Commits to a text: SHA-256 over a label, 32 random bytes and the text. Without the salt it tells nothing.
pub fn commitment(salt: &Digest, text: &[u8]) -> Digest {
    Digest::of(&[b"stillmark receipt v1\n".as_slice(), salt.as_bytes(), text].concat())
}

impl Receipt {
    /// What is logged.
    pub fn leaf(&self) -> Result<Leaf, Finding> {
        let malformed = |detail: String| Finding::new(FindingKind::Malformed, "receipt", detail);
        let leaf: Leaf = serde_json::from_str(&self.leaf).map_err(|error| malformed(error.to_string()))?;
        if leaf.schema != SCHEMA {
            return Err(malformed(format!("schema `{}` instead of `{SCHEMA}`", leaf.schema)));
        }
        Ok(leaf)
    }

    /// The leaf's hash, by which the log proves it.
    pub fn hash(&self) -> Digest {
        Digest::from_bytes(tree::leaf_hash(self.leaf.as_bytes()).0)
    }

    /// Whether it is a receipt for this answer.
    pub fn is_for(&self, leaf: &Leaf, answer: &str) -> bool {
        commitment(&self.answer_salt, answer.as_bytes()) == leaf.answer
    }

    /// The text of the header.
    pub fn to_header(&self) -> Result<String, Error> {
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(self)?))
    }

    /// Reads the text of a header.
    pub fn from_header(text: &str) -> Result<Self, Finding> {
        let malformed = |detail: String| Finding::new(FindingKind::Malformed, HEADER, detail);
        if text.len() > LONGEST {
            return Err(malformed(format!("longer than {LONGEST} bytes")));
        }
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|error| malformed(error.to_string()))?;
        let receipt: Self = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        receipt.leaf()?;
        Ok(receipt)
    }
}

impl Leaf {
    /// The day of the answer.
    pub fn day(&self) -> Result<crate::Date, Error> {
        self.time.get(..10).unwrap_or_default().parse()
    }
}
