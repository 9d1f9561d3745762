//! The record of a distillation's data: protocol section 4, as an in-toto statement.
//!
//! Its subjects are the record files. It names every source with its terms, its consent and its share.

use crate::{Date, Digest, Predicate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where every token of a distillation dataset came from, and under what terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatasetManifest {
    /// The sources, in the order of the plan.
    pub sources: Vec<Source>,
    /// The digest of the tokenizer all tokens are of.
    pub tokenizer: Digest,
    /// The rows and tokens of all sources together.
    pub totals: Counts,
    /// What the agreement check said of the plan.
    pub verdict: Verdict,
    /// What must be done in return.
    #[serde(default)]
    pub duties: Vec<Duty>,
    /// The reviews that a named person accepted.
    #[serde(default)]
    pub accepted: Vec<Accepted>,
}

/// One source of records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its id in the plan and in the records.
    pub id: String,
    /// What kind of source it is.
    pub kind: SourceKind,
    /// The teacher, where a model answered or scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<Teacher>,
    /// The terms it was used under.
    pub terms: Vec<Terms>,
    /// The digest of the grant that permits it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Digest>,
    /// The leaf hashes of the provider's receipts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Digest>,
    /// Where prompts or texts came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Prompts>,
    /// The settings under which answers were generated, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub generation: BTreeMap<String, serde_json::Value>,
    /// The watermark in the answers, where they carry one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<Watermark>,
    /// What was left out, in the order of the steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<String>,
    /// How many records came of it.
    pub rows: u64,
    /// How many tokens are in them.
    pub tokens: u64,
    /// Its part of all tokens, between 0 and 1.
    pub share: f64,
}

/// What kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// A model that answered prompts or scored texts.
    Teacher,
    /// Text as it was found.
    Text,
    /// A kind of a later version.
    #[serde(other)]
    Unknown,
}

/// The model that taught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Teacher {
    /// The name it is published under.
    pub name: String,
    /// The digest of its weights, where they were at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Digest>,
    /// The API it was reached by, where it was remote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The digest of the offer the API made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Digest>,
}

/// Terms by id and text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// The id in the terms pack.
    pub id: String,
    /// The digest of their entry in the pack.
    pub digest: Digest,
}

/// Where prompts or texts came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prompts {
    /// The file or collection.
    pub origin: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// A watermark that answers carry, as far as it is public.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watermark {
    /// The scheme's name.
    pub scheme: String,
    /// Its public parameters, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// The sha256 that commits to the key without telling it.
    pub key_commitment: Digest,
}

/// Rows and tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// How many records.
    pub rows: u64,
    /// How many tokens in them.
    pub tokens: u64,
}

/// What the agreement check said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Permitted.
    Permit,
    /// Permitted, with something to do in return.
    PermitWithDuties,
    /// A person had to decide.
    Review,
    /// Not permitted.
    Forbid,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

/// Something that must be done in return.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Duty {
    /// Its kind, such as `attribution` or `name-prefix`.
    pub id: String,
    /// What to do, in words.
    pub text: String,
    /// The terms it comes from.
    pub terms: String,
    /// The clause it comes from.
    pub clause: String,
}

/// A review that a person took the responsibility for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The question that was open.
    pub ask: String,
    /// Who answered it.
    pub person: String,
    /// When.
    pub date: Date,
    /// Why.
    pub reason: String,
}

impl Predicate for DatasetManifest {
    const TYPE: &'static str = "urn:stillmark:distillation-record:v1";
}

impl Counts {
    /// The part that `part` is of these tokens; 0 where there are none.
    pub fn share(self, part: u64) -> f64 {
        if self.tokens == 0 { 0.0 } else { part as f64 / self.tokens as f64 }
    }
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::PermitWithDuties => "permit-with-duties",
            Self::Review => "review",
            Self::Forbid => "forbid",
            Self::Unknown => "unknown",
        }
    }
}
