//! What was found of a watermark: the answer of `watermark detect`, which is also the predicate that is signed.
//!
//! A finding names the commitment of the key and never the key. [`check()`] says whether its numbers agree with each
//! other; that they follow from the text is for whoever holds the key to recompute.

mod attribution;
mod check;
mod number;
mod scores;

pub use attribution::{Attributed, Attribution, Candidate, Verdict};
pub use check::{Judgment, check, check_attribution};
pub use number::e_value;
pub use scores::{MOST_CURVE_POINTS, ScoreLine, parse_scores, scores_to_bytes};

use crate::Predicate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The names of the files in a finding's folder.
pub mod path {
    /// The signed statement.
    pub const FINDING: &str = "finding.sigstore.json";
    /// The log proof of the statement, where it was logged.
    pub const PROOF: &str = "finding.tlog-proof";
    /// The signer's public key.
    pub const SIGNER: &str = "signer.pub.pem";
    /// The scores of the tokens, and the curves.
    pub const SCORES: &str = "scores.jsonl";
    /// The log, where it lies beside the finding.
    pub const LOG: &str = "log";
    /// The page for people, which nothing pins.
    pub const REPORT: &str = "report.html";
}

/// The schema of [`WatermarkFinding`].
pub const SCHEMA: &str = "stillmark/watermark-detect/v1";

/// The id of the result over all texts together.
pub const POOLED: &str = "pooled";

/// What a detector found in some texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatermarkFinding {
    /// [`SCHEMA`].
    pub schema: String,
    /// The exact public variant of the mark.
    pub scheme: String,
    /// What the detector was compared with bit by bit, or `unverified: …`.
    pub reference: String,
    /// The commitment of the key: a SHA-256, never the key.
    pub key: Option<String>,
    /// The parameters that everyone may know, by name.
    pub parameters: BTreeMap<String, Value>,
    /// The digest of the tokenizer, where the judged file was text.
    pub tokenizer_sha256: Option<String>,
    /// The rate of false alarms that was asked for.
    #[serde(serialize_with = "number::finite")]
    pub level: f64,
    /// How many decoy keys were scored beside the true one.
    pub decoys: u64,
    /// The seed that the decoy keys were drawn from.
    pub decoy_seed: u64,
    /// How many keys were tried, this one included.
    pub keys_tried: u64,
    /// How many texts were tried, those shown included.
    pub texts_tried: u64,
    /// What `statistic` of a text is, in words.
    pub statistic: String,
    /// The results, text by text.
    pub texts: Vec<TextResult>,
    /// The result over all texts together.
    pub pooled: TextResult,
    /// What the numbers rest on.
    pub assumptions: Vec<String>,
    /// What the numbers cannot show.
    pub cannot_show: Vec<String>,
    /// The verifier key of the log that holds the signed statement; filled in where it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// What was found in one text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextResult {
    /// The id of the text, or [`POOLED`].
    pub id: String,
    /// How many tokens the text has.
    pub tokens: u64,
    /// How many of them were scored.
    pub scored: u64,
    /// Why the others were not.
    pub unscored: Unscored,
    /// The scheme's statistic.
    #[serde(serialize_with = "number::finite_or_null")]
    pub statistic: Option<f64>,
    /// The analytic p-value; null where it is withheld.
    #[serde(serialize_with = "number::finite_or_null")]
    pub p: Option<f64>,
    /// The natural logarithm of the analytic p-value.
    #[serde(serialize_with = "number::finite_or_null")]
    pub ln_p: Option<f64>,
    /// Why the analytic p-value is not stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// The p-value by the normal approximation, as some references give it.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::finite_or_null")]
    pub p_normal: Option<f64>,
    /// How many scored tokens are green.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub green: Option<u64>,
    /// The mean score, of schemes in layers.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::finite_or_null")]
    pub mean_score: Option<f64>,
    /// The mean score weighted by layer.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::finite_or_null")]
    pub weighted_mean_score: Option<f64>,
    /// The natural logarithm of the e-value.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::finite_or_null")]
    pub ln_e_value: Option<f64>,
    /// The e-value, at most the largest number that JSON readers hold.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::finite_or_null")]
    pub e_value: Option<f64>,
    /// The p-value by rank among the decoy keys.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::finite_or_null")]
    pub decoy_p: Option<f64>,
    /// The natural logarithm of that p-value.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::finite_or_null")]
    pub decoy_ln_p: Option<f64>,
    /// The natural logarithm of the p-value, corrected by Holm over the texts.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::finite_or_null")]
    pub adjusted_ln_p: Option<f64>,
    /// The verdict.
    pub mark: Mark,
    /// How many tokens a mark of the usual strength would need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed: Option<u64>,
    /// The stretch of the text that is marked most clearly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stretch: Option<Stretch>,
}

/// How many tokens were not scored, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unscored {
    /// They belong to the prompt.
    pub prompt: u64,
    /// They have too few tokens before them.
    pub edge: u64,
    /// Their context was scored before.
    pub repeated: u64,
    /// Their id is not in the vocabulary.
    pub outside: u64,
}

/// The verdict on a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// Scores like these come by chance at most as often as the level says.
    Marked,
    /// Nothing was found, which is not innocence.
    NoEvidence,
    /// The text is too short, or the tests do not agree.
    Inconclusive,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

impl Mark {
    /// The words for it, as people read them.
    pub fn words(self) -> &'static str {
        match self {
            Self::Marked => "marked",
            Self::NoEvidence => "no evidence",
            Self::Inconclusive => "inconclusive",
            Self::Unknown => "unknown",
        }
    }
}

/// A stretch of tokens, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Stretch {
    /// The first token.
    pub from: u64,
    /// The token after the last.
    pub to: u64,
    /// The natural logarithm of its p-value, corrected for the search.
    #[serde(serialize_with = "number::finite")]
    pub ln_p: f64,
    /// The p-value of the same search among the decoy keys.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "number::finite_or_null")]
    pub decoy_p: Option<f64>,
}

impl Predicate for WatermarkFinding {
    const TYPE: &'static str = "urn:stillmark:watermark-finding:v1";
}

impl WatermarkFinding {
    /// Every result, that of all texts together last.
    pub fn results(&self) -> impl Iterator<Item = &TextResult> {
        self.texts.iter().chain(std::iter::once(&self.pooled))
    }
}

impl TextResult {
    /// The result of a text in which nothing was scored yet.
    pub fn new(id: impl Into<String>, tokens: u64) -> Self {
        Self {
            id: id.into(),
            tokens,
            scored: 0,
            unscored: Unscored::default(),
            statistic: None,
            p: None,
            ln_p: None,
            withheld: None,
            p_normal: None,
            green: None,
            mean_score: None,
            weighted_mean_score: None,
            ln_e_value: None,
            e_value: None,
            decoy_p: None,
            decoy_ln_p: None,
            adjusted_ln_p: None,
            mark: Mark::Inconclusive,
            needed: None,
            stretch: None,
        }
    }
}

impl Unscored {
    /// All of them.
    pub fn total(self) -> u64 {
        [self.edge, self.repeated, self.outside].into_iter().fold(self.prompt, u64::saturating_add)
    }
}

impl Mark {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Marked => "marked",
            Self::NoEvidence => "no-evidence",
            Self::Inconclusive => "inconclusive",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether that name may be a judged file's: a plain one that no file of the folder goes by.
pub fn is_judged_name(name: &str) -> bool {
    let own = [path::FINDING, path::PROOF, path::SIGNER, path::SCORES, path::LOG, path::REPORT];
    !name.is_empty()
        && !name.contains(['/', '\\', '\0'])
        && ![".", ".."].contains(&name)
        && !own.contains(&name)
}

/// Whether a folder is that of a finding: it holds the signed statement of one, and no evidence of a run.
pub fn is_folder(dir: &Path) -> bool {
    dir.join(path::FINDING).exists() && !dir.join(crate::layout::path::EVIDENCE).exists()
}
