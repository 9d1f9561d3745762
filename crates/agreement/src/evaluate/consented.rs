//! The grants of a graph: which of them count, what they permit, and what they ask for.

use super::Findings;
use crate::consent::Consent;
use crate::pack::Entry;
use crate::provenance::Asset;
use crate::ruling::{Ask, Obligation, Reason, RuleCode, Verdict};
use crate::words::{Confidence, Trigger};

/// Takes in the grant about a source; one that does not count is a review, and whatever it should permit stays as it is.
pub(super) fn take<'a>(findings: &mut Findings<'a>, asset: &'a Asset, entries: &[&Entry]) {
    let provenance = findings.provenance;
    let Some(consent) = provenance.consent(&asset.id) else { return };
    let faults = consent.faults(entries, provenance.declared().audience, &findings.on);
    if faults.is_empty() {
        findings.consents.insert(&asset.id, consent);
        findings.grants.insert(asset.id.clone(), consent.granted());
        add_duties(findings, consent);
        return;
    }
    let (id, name) = (format!("void-grant/{}", asset.id), consent.name());
    findings.asks.push(Ask {
        id: id.clone(),
        question: format!("The {name} does not count here: may `{}` be used without it?", asset.id),
        fact: None,
        terms: None,
        asset: asset.id.clone(),
        clause: name.clone(),
    });
    findings.reasons.push(Reason {
        path: asset.id.clone(),
        assets: vec![asset.id.clone()],
        terms: None,
        clause: name,
        effect: Verdict::Review,
        confidence: Confidence::High,
        rule: RuleCode::VoidGrant,
        says: faults.join(" "),
        ask: Some(id),
    });
}

fn add_duties(findings: &mut Findings<'_>, consent: &Consent) {
    let name = consent.name();
    for (kind, text) in consent.duties() {
        findings.duties.push(Obligation {
            kind,
            asset: findings.provenance.target().to_owned(),
            terms: name.clone(),
            clause: "duties".to_owned(),
            text: text.to_owned(),
            due: Trigger::Always,
            compatible: Vec::new(),
        });
    }
}
