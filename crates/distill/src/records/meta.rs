//! What a file of records says about itself, in its footer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stillmark_evidence::Digest;

/// The schema's name in the footer.
pub(super) const SCHEMA: &str = "stillmark/records/v1";
/// The footer's key.
pub(super) const KEY: &str = "stillmark";

/// Where a file's records come from. The same in every file of a dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// The teacher's name.
    pub teacher: String,
    /// Digest of the teacher's weights; absent behind an API.
    pub teacher_sha256: Option<String>,
    /// Digest of the tokenizer.
    pub tokenizer_sha256: String,
    /// The teacher's terms: ids of the terms pack.
    pub terms: Vec<String>,
    /// Digest of the facts about those terms.
    pub terms_sha256: Option<String>,
    /// Rows of the teacher's vocabulary (DistillKit's `d`).
    pub vocab_size: usize,
    /// Most tokens of a position (DistillKit's `k`).
    pub top_logprobs: usize,
    /// The temperature that was applied to the stored log-probabilities: 1 for the model's own.
    pub logprob_temperature: f64,
    /// How answers were sampled.
    pub settings: BTreeMap<String, String>,
    /// The sources of prompts and texts.
    pub sources: Vec<SourceMeta>,
    /// Digest of the plan.
    pub plan_sha256: String,
    /// What wrote the file.
    pub tool: String,
}

/// One source of prompts or texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMeta {
    /// Its name in the records.
    pub id: String,
    /// `prompts` or `texts`.
    pub kind: String,
    /// Digest of its bytes.
    pub sha256: String,
    /// Who made it and how.
    pub origin: Option<String>,
    /// Its terms.
    pub terms: Vec<String>,
}

/// The footer's object.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Footer {
    pub(super) schema: String,
    #[serde(flatten)]
    pub(super) meta: Meta,
    /// Digest of the content of each row group (see [`super::content_digest`]).
    pub(super) row_groups_sha256: Vec<Digest>,
}
