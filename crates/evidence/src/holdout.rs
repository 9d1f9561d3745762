//! Hidden benchmark items: committed to before anyone is scored, and revealed later.

use crate::{Digest, Predicate};
use serde::{Deserialize, Serialize};

/// The names of the files in a holdout's folder.
pub mod path {
    /// The signed commitment.
    pub const COMMITMENT: &str = "commitment.sigstore.json";
    /// Its log proof, where it was logged.
    pub const COMMITMENT_PROOF: &str = "commitment.tlog-proof";
    /// The items that are public, with their places under the root.
    pub const PUBLIC: &str = "public.jsonl";
    /// The signed statement of what was revealed.
    pub const REVEAL: &str = "reveal.sigstore.json";
    /// Its log proof, where it was logged.
    pub const REVEAL_PROOF: &str = "reveal.tlog-proof";
    /// The hidden items that were revealed.
    pub const REVEALED: &str = "revealed.jsonl";
    /// The signer's public key.
    pub const SIGNER: &str = "signer.pub.pem";
}

/// Items are fixed, and so is which of them are hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldoutCommitment {
    /// [`HoldoutCommitment::SCHEMA`].
    pub schema: String,
    /// What the benchmark is called.
    pub name: String,
    /// How many items there are, public and hidden.
    pub items: u64,
    /// How many of them are hidden.
    pub hidden: u64,
    /// The root of the tree over all salted items.
    pub root: Digest,
    /// The SHA-256 of the seed by which the hidden ones were drawn.
    pub seed_sha256: Digest,
    /// Public words that nobody could choose, mixed into the draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beacon: Option<String>,
    /// The verifier key of the log that holds the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// Hidden items were shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldoutReveal {
    /// [`HoldoutReveal::SCHEMA`].
    pub schema: String,
    /// The SHA-256 of the commitment's bundle.
    pub commitment: Digest,
    /// The seed by which the hidden items were drawn: 64 hex digits.
    pub seed: Digest,
    /// How many hidden items are revealed.
    pub revealed: u64,
    /// How many there are.
    pub hidden: u64,
    /// The verifier key of the log that holds the statement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

impl HoldoutCommitment {
    /// The schema of the predicate and of the answer.
    pub const SCHEMA: &'static str = "stillmark/holdout-commit/v1";
}

impl Predicate for HoldoutCommitment {
    const TYPE: &'static str = "urn:stillmark:holdout-commitment:v1";
}

impl HoldoutReveal {
    /// The schema of the predicate and of the answer.
    pub const SCHEMA: &'static str = "stillmark/holdout-reveal/v1";
}

impl Predicate for HoldoutReveal {
    const TYPE: &'static str = "urn:stillmark:holdout-reveal:v1";
}
