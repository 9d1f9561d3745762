//! What a student's maker states in public: protocol section 5.

use crate::Predicate;
use crate::card::Claims;
use crate::manifest::{Duty, Verdict};
use serde::{Deserialize, Serialize};

/// The student's signed statement of where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Disclosure {
    /// Exactly what the model card claims: base, teachers, shares, tokens, license, record.
    pub claims: Claims,
    /// What the agreement check said of the plan.
    pub verdict: Verdict,
    /// What must be done in return.
    #[serde(default)]
    pub duties: Vec<Duty>,
}

impl Predicate for Disclosure {
    const TYPE: &'static str = "urn:stillmark:disclosure:v1";
}
