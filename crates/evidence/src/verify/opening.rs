//! What every kind of folder has: a signer's key, statements whose signatures hold, and a report.

use crate::card::Contradiction;
use crate::checks::{Aspect, Assurance, Check, CheckVerdict, FolderReport, SCHEMA};
use crate::keys::{KeyId, PublicKey};
use crate::layout::{path, read};
use crate::verify::logged;
use crate::verify::signed::{Trust, open, statement};
use crate::{Finding, FindingKind, Predicate, Statement, bundle};
use std::path::Path;

/// The report on a folder, with its verdict and how far it can be relied upon.
pub(super) fn report(
    checks: Vec<Check>,
    contradictions: Vec<Contradiction>,
    trusted: SignerTrust,
    is_logged: logged::Logged,
) -> FolderReport {
    let any = |verdict| checks.iter().any(|check| check.verdict == verdict);
    let verdict = if any(CheckVerdict::Fail) || !contradictions.is_empty() {
        CheckVerdict::Fail
    } else if any(CheckVerdict::Inconclusive) {
        CheckVerdict::Inconclusive
    } else {
        CheckVerdict::Pass
    };
    let assurance = match (verdict, trusted, is_logged) {
        (CheckVerdict::Fail, _, _) => Assurance::None,
        (_, SignerTrust::Unknown, _) => Assurance::SignedByUnknown,
        (_, SignerTrust::Trusted, logged::Logged::All) => Assurance::SignedAndLogged,
        (_, SignerTrust::Trusted, logged::Logged::NotAll) => Assurance::Signed,
    };
    FolderReport { schema: SCHEMA.to_owned(), verdict, assurance, checks, contradictions }
}

/// Whether a trusted key signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignerTrust {
    Trusted,
    Unknown,
}

/// Whether one key signed all bundles, the one that the folder names, and a trusted one.
pub(super) fn judge_signers(
    named: Option<KeyId>,
    signers: &[KeyId],
    trust: &Trust,
    checks: &mut Vec<Check>,
) -> SignerTrust {
    let Some(first) = signers.first() else { return SignerTrust::Unknown };
    if let Some(named) = named.filter(|named| signers.iter().any(|signer| signer != named)) {
        let detail = format!("it is the key {named}, which did not sign all bundles");
        checks.push(Finding::new(FindingKind::BrokenEdge, path::SIGNER, detail).into());
    }
    if let Some(other) = signers.iter().find(|signer| *signer != first) {
        let detail = format!("the bundles are signed by {first} and by {other}");
        checks.push(Finding::new(FindingKind::BrokenEdge, path::EVIDENCE, detail).into());
    }
    if signers.iter().all(|signer| trust.contains(*signer)) {
        checks.push(Check::pass(Aspect::Signer, first.to_string(), "the signer is trusted"));
        return SignerTrust::Trusted;
    }
    checks.push(Finding::new(FindingKind::UnknownSigner, first.to_string(), "signer not trusted").into());
    SignerTrust::Unknown
}

/// The key that a folder names as its signer's.
pub(super) fn signer(dir: &Path, name: &str) -> Result<PublicKey, Finding> {
    let pem = String::from_utf8(read(dir, name)?);
    let pem = pem.map_err(|_| Finding::new(FindingKind::Malformed, name, "not text"))?;
    PublicKey::from_pem(&pem).map_err(|error| Finding::new(FindingKind::Malformed, name, error.to_string()))
}

/// A statement of the folder, where its signature holds.
pub(super) fn signed<P: Predicate>(
    dir: &Path,
    name: &str,
    keys: &Trust,
    (checks, signers): (&mut Vec<Check>, &mut Vec<KeyId>),
) -> Option<Statement<P>> {
    let opened = read(dir, name).and_then(|bytes| open(&bundle::parse(&bytes)?, keys));
    let (payload, signer) = keep(checks, opened.map_err(unopened))?;
    checks.push(Check::pass(Aspect::Signature, name, format!("signed by {signer}")));
    signers.push(signer);
    keep(checks, statement::<P>(&payload))
}

/// What stands for a bundle that no key opened: the folder's own signer must be the one it names.
pub(super) fn unopened(mut finding: Finding) -> Finding {
    if finding.kind == FindingKind::UnknownSigner {
        finding.kind = FindingKind::BrokenEdge;
        finding.detail.push_str(", and it is not the folder's signer");
    }
    finding
}

/// What was found; a finding is a check that failed.
pub(super) fn keep<T>(checks: &mut Vec<Check>, result: Result<T, Finding>) -> Option<T> {
    result.map_err(|finding| checks.push(finding.into())).ok()
}
