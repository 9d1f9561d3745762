//! The grants that a run rests on, in the words of the page.

use serde::Serialize;
use stillmark_evidence::consent::{Consent, stem};
use stillmark_evidence::verify::FolderFacts;

/// One grant: a heading, and its rows.
#[derive(Debug, Serialize)]
pub(super) struct Grant {
    title: String,
    rows: Vec<(&'static str, String)>,
}

/// Every grant of a folder.
pub(super) fn of(facts: &FolderFacts) -> Vec<Grant> {
    facts.consents.iter().map(|consent| grant(consent)).collect()
}

fn grant(consent: &Consent) -> Grant {
    let grant = &consent.grant.predicate;
    let cap = |value: Option<u64>| value.map_or("no cap".to_owned(), |value| value.to_string());
    let trusted = if consent.is_issuer_trusted { "trusted" } else { "not trusted" };
    let terms: Vec<&str> = grant.terms.iter().map(|terms| terms.id.as_str()).collect();
    let receipts =
        grant.receipts.as_ref().map_or("none are given".to_owned(), |log| format!("in the log {}", log.log));
    let rows = vec![
        ("From", format!("{} ({}, {trusted})", grant.issuer.name, consent.issuer)),
        ("To", format!("{} ({})", grant.grantee.name, consent.grantee)),
        ("About", format!("{}, departing from {}", grant.asset.name, terms.join(", "))),
        ("Permits", grant.permits.join(", ")),
        ("Tokens", cap(grant.caps.tokens)),
        ("Student's parameters", cap(grant.caps.student_parameters)),
        ("Audience", grant.caps.audience.clone().unwrap_or_else(|| "any".to_owned())),
        ("Holds", format!("{} to {}", grant.not_before, grant.until)),
        ("Standing", consent.standing.to_string()),
        ("Receipts", receipts),
    ];
    Grant { title: format!("Grant {}", stem(consent.id)), rows }
}
