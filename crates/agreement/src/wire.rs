//! The JSON of `agreement check`.

use std::collections::BTreeMap;

use serde::Serialize;
use stillmark_evidence::Digest;

use crate::provenance::Declaration;
use crate::ruling::{RuleCode, Ruling, Verdict};
use crate::words::{Action, Confidence, DutyKind, Fact, Trigger};

/// The answer of `agreement check --format json` (docs/spec/agreement.md).
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    schema: &'static str,
    verdict: Verdict,
    target: &'a str,
    on: String,
    reasons: Vec<ReasonWire<'a>>,
    duties: Vec<DutyWire<'a>>,
    asks: Vec<AskWire<'a>>,
    declared: Vec<DeclaredWire<'a>>,
    shares: Vec<ShareWire<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    grants: Vec<GrantWire<'a>>,
    notes: &'a [String],
    provenance_sha256: Digest,
    terms_sha256: &'a BTreeMap<String, Digest>,
}

#[derive(Debug, Serialize)]
struct ReasonWire<'a> {
    path: &'a str,
    terms: Option<&'a str>,
    clause: &'a str,
    effect: Verdict,
    confidence: Confidence,
    rule: RuleCode,
    says: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct DutyWire<'a> {
    duty: DutyKind,
    asset: &'a str,
    terms: &'a str,
    clause: &'a str,
    text: &'a str,
    due: Trigger,
}

#[derive(Debug, Serialize)]
struct AskWire<'a> {
    ask: &'a str,
    question: &'a str,
    fact: Option<Fact>,
    terms: Option<&'a str>,
    asset: &'a str,
    clause: &'a str,
}

#[derive(Debug, Serialize)]
struct DeclaredWire<'a> {
    fact: Fact,
    value: Declaration,
    terms: &'a [String],
}

#[derive(Debug, Serialize)]
struct ShareWire<'a> {
    from: &'a str,
    action: Action,
    tokens: u64,
    share: f64,
}

#[derive(Debug, Serialize)]
struct GrantWire<'a> {
    asset: &'a str,
    grant: Digest,
    issuer: &'a str,
    until: &'a str,
    tokens: Option<u64>,
    student_parameters: Option<u64>,
}

impl<'a> Answer<'a> {
    /// Copies a ruling into the form that leaves the process.
    pub fn of(ruling: &'a Ruling) -> Self {
        Self {
            schema: "stillmark/agreement-check/v1",
            verdict: ruling.verdict,
            target: ruling.target(),
            on: ruling.on().to_string(),
            reasons: ruling.reasons.iter().map(ReasonWire::of).collect(),
            duties: ruling.duties.iter().map(DutyWire::of).collect(),
            asks: ruling.asks.iter().map(AskWire::of).collect(),
            declared: ruling
                .declared
                .iter()
                .map(|(fact, used)| DeclaredWire { fact: *fact, value: used.value, terms: &used.terms })
                .collect(),
            shares: ruling
                .shares
                .iter()
                .map(|share| ShareWire {
                    from: &share.from,
                    action: share.action,
                    tokens: share.tokens,
                    share: share.share,
                })
                .collect(),
            grants: ruling
                .grants()
                .iter()
                .map(|(asset, granted)| GrantWire {
                    asset,
                    grant: granted.id,
                    issuer: &granted.issuer,
                    until: granted.until.as_str(),
                    tokens: granted.tokens,
                    student_parameters: granted.student_parameters,
                })
                .collect(),
            notes: &ruling.notes,
            provenance_sha256: ruling.provenance_digest(),
            terms_sha256: ruling.terms_digests(),
        }
    }
}

impl<'a> ReasonWire<'a> {
    fn of(reason: &'a crate::ruling::Reason) -> Self {
        Self {
            path: &reason.path,
            terms: reason.terms.as_deref(),
            clause: &reason.clause,
            effect: reason.effect,
            confidence: reason.confidence,
            rule: reason.rule,
            says: &reason.says,
            ask: reason.ask.as_deref(),
        }
    }
}

impl<'a> DutyWire<'a> {
    fn of(duty: &'a crate::ruling::Obligation) -> Self {
        Self {
            duty: duty.kind,
            asset: &duty.asset,
            terms: &duty.terms,
            clause: &duty.clause,
            text: &duty.text,
            due: duty.due,
        }
    }
}

impl<'a> AskWire<'a> {
    fn of(ask: &'a crate::ruling::Ask) -> Self {
        Self {
            ask: &ask.id,
            question: &ask.question,
            fact: ask.fact,
            terms: ask.terms.as_deref(),
            asset: &ask.asset,
            clause: &ask.clause,
        }
    }
}
