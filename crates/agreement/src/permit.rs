//! The pass that `distill` asks for: made only here, only from a ruling, only for one graph.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use stillmark_evidence::{Date, Digest};

use crate::consent::Granted;
use crate::error::Error as ReadError;
use crate::provenance::Provenance;
use crate::ruling::{Ask, Obligation, Reason, Ruling, Verdict};

/// A person's answer to one ask, which is signed into the record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Accepted {
    /// The id of the ask.
    pub ask: String,
    /// Who answers for it.
    pub person: String,
    /// The day of the answer.
    pub date: Date,
    /// Why it may go ahead.
    pub reason: String,
}

/// Leave to carry out one plan, with the duties that go with it.
///
/// Nothing outside this crate can make one, so a function that takes `&Permit` cannot be called
/// for a plan that was not judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Permit {
    verdict: Verdict,
    duties: Vec<Obligation>,
    accepted: Vec<Accepted>,
    on: Date,
    provenance_digest: Digest,
    terms_digests: BTreeMap<String, Digest>,
    grants: BTreeMap<String, Granted>,
}

/// Why a ruling gives no permit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// A clause forbids it; no acceptance overrides that.
    #[error("forbidden by {}", clauses(reasons))]
    Forbidden {
        /// The clauses that forbid.
        reasons: Vec<Reason>,
    },
    /// Questions are open that nobody answered for.
    #[error("{} open: {}", count(asks.len(), "question is", "questions are"), ids(asks))]
    Open {
        /// The questions.
        asks: Vec<Ask>,
    },
    /// An acceptance lacks its person or its reason.
    #[error("the acceptance of `{ask}` names no {missing}")]
    Blank {
        /// The id of the ask.
        ask: String,
        /// What is blank: `person` or `reason`.
        missing: &'static str,
    },
    /// An acceptance answers a question that was not asked.
    #[error("`{ask}` is accepted but was not asked")]
    NotAsked {
        /// The id in the acceptance.
        ask: String,
    },
}

impl Ruling {
    /// Gives leave, unless a clause forbids or a question is left open.
    pub fn permit(&self, accepted: &[Accepted]) -> Result<Permit, Refusal> {
        if self.verdict == Verdict::Forbid {
            let forbids = |reason: &&Reason| reason.effect == Verdict::Forbid;
            return Err(Refusal::Forbidden {
                reasons: self.reasons.iter().filter(forbids).cloned().collect(),
            });
        }
        let asked: BTreeSet<&str> = self.asks.iter().map(|ask| ask.id.as_str()).collect();
        for answer in accepted {
            for (text, missing) in [(&answer.person, "person"), (&answer.reason, "reason")] {
                if text.trim().is_empty() {
                    return Err(Refusal::Blank { ask: answer.ask.clone(), missing });
                }
            }
            if !asked.contains(answer.ask.as_str()) {
                return Err(Refusal::NotAsked { ask: answer.ask.clone() });
            }
        }
        let answered: BTreeSet<&str> = accepted.iter().map(|answer| answer.ask.as_str()).collect();
        let open: Vec<Ask> =
            self.asks.iter().filter(|ask| !answered.contains(ask.id.as_str())).cloned().collect();
        if !open.is_empty() {
            return Err(Refusal::Open { asks: open });
        }
        Ok(Permit {
            verdict: self.verdict,
            duties: self.duties.clone(),
            accepted: accepted.to_vec(),
            on: self.on.clone(),
            provenance_digest: self.provenance_digest,
            terms_digests: self.terms_digests.clone(),
            grants: self.grants().clone(),
        })
    }
}

impl Permit {
    /// The verdict that it rests on: permit, permit-with-duties, or review with every ask accepted.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What has to be done in return.
    pub fn duties(&self) -> &[Obligation] {
        &self.duties
    }

    /// The answers that people gave.
    pub fn accepted(&self) -> &[Accepted] {
        &self.accepted
    }

    /// The day whose terms were applied.
    pub fn on(&self) -> &Date {
        &self.on
    }

    /// The digest of the provenance graph that it was given for.
    pub fn provenance_digest(&self) -> Digest {
        self.provenance_digest
    }

    /// The digests of the entries of the terms pack that were applied, by id.
    pub fn terms_digests(&self) -> &BTreeMap<String, Digest> {
        &self.terms_digests
    }

    /// The grants that it rests on, by the asset that they are about.
    pub fn grants(&self) -> &BTreeMap<String, Granted> {
        &self.grants
    }

    /// Whether it was given for this graph.
    pub fn is_for(&self, provenance: &Provenance) -> Result<bool, ReadError> {
        Ok(self.digest_of(provenance)? == self.provenance_digest)
    }

    /// The digest of a graph under the grants that this rests on.
    pub fn digest_of(&self, provenance: &Provenance) -> Result<Digest, ReadError> {
        provenance.digest_under(&self.grants)
    }
}

fn clauses(reasons: &[Reason]) -> String {
    let name =
        |reason: &Reason| format!("`{}` {}", reason.terms.as_deref().unwrap_or("no terms"), reason.clause);
    // One clause may stand against several paths.
    let names: BTreeSet<String> = reasons.iter().map(name).collect();
    names.into_iter().collect::<Vec<_>>().join("; ")
}

fn ids(asks: &[Ask]) -> String {
    let names: Vec<String> = asks.iter().map(|ask| format!("`{}`", ask.id)).collect();
    names.join(", ")
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
