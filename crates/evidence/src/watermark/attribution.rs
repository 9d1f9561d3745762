//! Whose key made a mark: the answer of `watermark attribute`.

use super::number;
use crate::Predicate;
use serde::{Deserialize, Serialize};

/// Which of many keys some texts were marked with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// [`Attribution::SCHEMA`].
    pub schema: String,
    /// The exact public variant of the mark.
    pub scheme: String,
    /// The rate of wrong attributions over all keys and texts that was asked for.
    #[serde(serialize_with = "number::finite")]
    pub level: f64,
    /// How many keys were tried.
    pub keys_tried: u64,
    /// How many texts were tried.
    pub texts_tried: u64,
    /// The results, text by text.
    pub texts: Vec<Attributed>,
    /// What the numbers rest on.
    pub assumptions: Vec<String>,
    /// What the numbers cannot show.
    pub cannot_show: Vec<String>,
    /// The verifier key of the log that holds the signed statement; filled in where it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// Whose key one text was marked with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attributed {
    /// The id of the text.
    pub id: String,
    /// How many tokens were scored.
    pub scored: u64,
    /// The keys that fit best, the best first.
    pub best: Vec<Candidate>,
    /// The verdict.
    pub verdict: Verdict,
    /// The name of the key it is attributed to.
    pub tenant: Option<String>,
}

/// One key and how well it fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The name that the key goes by, never the key.
    pub key_name: String,
    /// The commitment of the key, a SHA-256, where it was committed to.
    #[serde(default)]
    pub commitment: Option<String>,
    /// The natural logarithm of the p-value under this key alone.
    #[serde(serialize_with = "number::finite")]
    pub ln_p: f64,
    /// The same, corrected by Holm over all keys and texts.
    #[serde(serialize_with = "number::finite")]
    pub adjusted_ln_p: f64,
    /// The natural logarithm of the e-value, where one was computed.
    #[serde(default, serialize_with = "number::finite_or_null")]
    pub ln_e_value: Option<f64>,
}

/// Whether a text was attributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// To one key.
    Attributed,
    /// No key fits better than chance.
    NoEvidence,
    /// More than one key fits, or too few tokens were scored.
    Inconclusive,
    /// A word of a later version.
    #[serde(other)]
    Unknown,
}

impl Attribution {
    /// The schema of the answer.
    pub const SCHEMA: &'static str = "stillmark/watermark-attribute/v1";
}

impl Predicate for Attribution {
    const TYPE: &'static str = "urn:stillmark:watermark-attribution:v1";
}

impl Verdict {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attributed => "attributed",
            Self::NoEvidence => "no-evidence",
            Self::Inconclusive => "inconclusive",
            Self::Unknown => "unknown",
        }
    }
}
