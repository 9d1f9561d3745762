//! What the maker states, in the disclosure and on the card, against what was signed.

use crate::card::{self, Claims, Contradiction};
use crate::checks::{Aspect, Check};
use crate::disclosure::Disclosure;
use crate::layout::{Document, path, read};
use crate::manifest::{DatasetManifest, Duty};
use crate::{Digest, Finding, FindingKind, Statement, model_signing};
use std::path::Path;

/// Checks that the signed disclosure agrees with model and record, and names every duty.
pub(super) fn check_disclosure(
    model: Option<&Statement<model_signing::Manifest>>,
    data: Option<&Statement<DatasetManifest>>,
    disclosure: Option<&Statement<Disclosure>>,
    checks: &mut Vec<Check>,
) {
    let (Some(disclosure), Some(data)) = (disclosure, data) else { return };
    let subject = Document::Disclosure.bundle_path();
    let before = checks.len();
    if model.is_some_and(|model| model.subject[0].digest != disclosure.subject[0].digest) {
        let detail = "it discloses another model than the signed one";
        checks.push(Finding::new(FindingKind::BrokenEdge, subject.clone(), detail).into());
    }
    if disclosure.predicate.verdict != data.predicate.verdict {
        let (stated, recorded) = (disclosure.predicate.verdict.as_str(), data.predicate.verdict.as_str());
        let detail = format!("it states the verdict `{stated}`, the record `{recorded}`");
        checks.push(Finding::new(FindingKind::Contradiction, subject.clone(), detail).into());
    }
    let disclosed: &[Duty] = &disclosure.predicate.duties;
    for duty in data.predicate.duties.iter().filter(|duty| !disclosed.contains(duty)) {
        let detail = format!("{} ({}, {})", duty.text, duty.terms, duty.clause);
        checks.push(Finding::new(FindingKind::OpenDuty, duty.id.clone(), detail).into());
    }
    if checks.len() == before {
        checks.push(Check::pass(
            Aspect::Disclosure,
            subject,
            "it agrees with model, record, verdict and duties",
        ));
    }
}

/// Checks the model card against disclosure and record.
pub(super) fn check_card(
    dir: &Path,
    data: Option<&Statement<DatasetManifest>>,
    disclosure: Option<&Statement<Disclosure>>,
    checks: &mut Vec<Check>,
) -> Vec<Contradiction> {
    let Some(data) = data else { return Vec::new() };
    let Ok(manifest) = read(dir, path::MANIFEST) else { return Vec::new() };
    let Ok(card) = read(dir, path::CARD) else {
        checks.push(Check::not_recorded(Aspect::Card, path::CARD, "the model has no card"));
        return Vec::new();
    };
    let (stated, mut found) = match card::parse(&String::from_utf8_lossy(&card)) {
        Ok(parsed) => parsed,
        Err(finding) => {
            checks.push(finding.into());
            return Vec::new();
        }
    };
    let recorded = Claims {
        teachers: card::teachers(&data.predicate),
        tokens: data.predicate.totals.tokens,
        record: Digest::of(&manifest),
        ..stated.clone()
    };
    found.extend(card::record_contradictions(&stated, &recorded));
    if let Some(disclosure) = disclosure {
        let claims = &disclosure.predicate.claims;
        found.extend(card::contradictions(&stated, claims));
        for off in card::record_contradictions(claims, &recorded) {
            let detail = format!("it states `{}`, the record `{}`", off.stated, off.recorded);
            checks.push(Finding::new(FindingKind::Contradiction, off.field, detail).into());
        }
    } else {
        checks.push(Check::not_recorded(
            Aspect::CardBase,
            path::CARD,
            "base, datasets and license are in no signed record",
        ));
    }
    let text = String::from_utf8_lossy(&card);
    for duty in data.predicate.duties.iter().filter(|duty| !text.contains(&duty.text)) {
        let detail = format!("the card says nothing of: {} ({}, {})", duty.text, duty.terms, duty.clause);
        checks.push(Finding::new(FindingKind::OpenDuty, path::CARD, detail).into());
    }
    found.dedup();
    if found.is_empty() {
        checks.push(Check::pass(Aspect::Card, path::CARD, "it states what the signed record says"));
    }
    found
}
