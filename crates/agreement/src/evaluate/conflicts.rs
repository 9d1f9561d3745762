//! Holds the duties of the target against each other.

use super::Findings;
use crate::ruling::{Ask, Obligation, Reason, RuleCode, Verdict};
use crate::words::{Confidence, DutyKind};

/// Finds pairs of duties that cannot both be met.
pub(super) fn find(findings: &mut Findings<'_>) {
    let mut duties = findings.duties.clone();
    duties.sort();
    duties.dedup();
    for (position, left) in duties.iter().enumerate() {
        for right in &duties[position + 1..] {
            for (left, right) in [(left, right), (right, left)] {
                if forbids(left, right) {
                    let says = format!(
                        "`{}` asks for the same license, which cannot carry what `{}` asks to pass on.",
                        left.terms, right.terms
                    );
                    findings.reasons.push(conflict(left, right, Verdict::Forbid, says));
                }
            }
            if names_clash(left, right) {
                clash(findings, left, right);
            }
        }
    }
}

fn forbids(left: &Obligation, right: &Obligation) -> bool {
    use DutyKind::{PassOn, SameLicense, SameTerms};
    let meets = |one: &Obligation, other: &Obligation| one.compatible.contains(&other.text);
    let differ = left.text < right.text && !meets(left, right) && !meets(right, left);
    match (left.kind, right.kind) {
        (SameLicense, PassOn) => left.terms != right.terms,
        (SameLicense | SameTerms, SameLicense | SameTerms) => differ,
        _ => false,
    }
}

fn names_clash(left: &Obligation, right: &Obligation) -> bool {
    left.kind == DutyKind::NamePrefix
        && right.kind == DutyKind::NamePrefix
        && !left.text.starts_with(right.text.as_str())
        && !right.text.starts_with(left.text.as_str())
}

fn clash(findings: &mut Findings<'_>, left: &Obligation, right: &Obligation) {
    let says = format!("One name cannot begin with both `{}` and `{}`.", left.text, right.text);
    let mut reason = conflict(left, right, Verdict::Review, says);
    let id = format!("names/{}+{}/{}", left.terms, right.terms, left.asset);
    findings.asks.push(Ask {
        id: id.clone(),
        question: format!("Which name meets both `{}` and `{}`?", left.terms, right.terms),
        fact: None,
        terms: Some(left.terms.clone()),
        asset: left.asset.clone(),
        clause: reason.clause.clone(),
    });
    reason.ask = Some(id);
    findings.reasons.push(reason);
}

fn conflict(left: &Obligation, right: &Obligation, effect: Verdict, says: String) -> Reason {
    Reason {
        path: left.asset.clone(),
        assets: vec![left.asset.clone()],
        terms: Some(left.terms.clone()),
        clause: format!("{}; against `{}` {}", left.clause, right.terms, right.clause),
        effect,
        confidence: Confidence::High,
        rule: RuleCode::DutyConflict,
        says,
        ask: None,
    }
}
