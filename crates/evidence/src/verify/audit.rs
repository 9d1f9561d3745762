//! An audit's folder, offline: signature, signer, the audit itself, and that the signed result follows from it.

use crate::audit::{Audit, SCHEMA, path};
use crate::checks::{Aspect, Check, FolderReport};
use crate::keys::{KeyId, PublicKey};
use crate::layout::read;
use crate::test_result::TestResult;
use crate::verify::finding::{check_extra, compare};
use crate::verify::logged::Logged;
use crate::verify::opening::{judge_signers, keep, report, signed, signer};
use crate::verify::signed::{Trust, Verified};
use crate::{Digest, Error, Finding, FindingKind, Statement, Subject};
use std::fs;
use std::path::Path;

/// What an audit's folder shows.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditFacts {
    /// Every check.
    pub report: FolderReport,
    /// Who signed.
    pub signer: Option<KeyId>,
    /// The signed result.
    pub result: Option<Statement<TestResult>>,
    /// The audit, where it is the signed one.
    pub audit: Option<Audit>,
}

/// Verifies an audit's folder. What is missing, malformed or wrong is a check that failed, never an `Err`.
pub fn audit(dir: &Path, trust: &Trust) -> Result<Verified<AuditFacts>, Error> {
    fs::read_dir(dir).map_err(|source| Error::Io { path: dir.to_owned(), source })?;
    let mut checks = Vec::new();
    let named = keep(&mut checks, signer(dir, path::SIGNER));
    let keys = Trust::of(named.clone().into_iter().chain(trust.keys().cloned()));
    let mut signers = Vec::new();
    let result = signed::<TestResult>(dir, path::RESULT, &keys, (&mut checks, &mut signers));
    let trusted = judge_signers(named.as_ref().map(PublicKey::id), &signers, trust, &mut checks);
    let audit = result.as_ref().and_then(|result| {
        for name in [path::AUDIT, path::SARIF] {
            checks.push(check_file(dir, &result.subject, name).unwrap_or_else(Check::from));
        }
        let known = [path::RESULT, path::SIGNER, path::REPORT, path::AUDIT, path::SARIF];
        check_extra(dir, &known, &mut checks);
        keep(&mut checks, signed_audit(dir, result))
    });
    if audit.is_some() {
        checks.push(Check::pass(Aspect::Numbers, path::RESULT, "the signed result follows from the audit"));
    }
    // An audit names no log: it can be signed again by whoever runs it.
    let by = signers.first().copied();
    let report = report(checks, Vec::new(), trusted, Logged::NotAll);
    Ok(Verified::new(AuditFacts { report, signer: by, result, audit }, by))
}

fn check_file(dir: &Path, subjects: &[Subject], name: &str) -> Result<Check, Finding> {
    let Some(subject) = subjects.iter().find(|subject| subject.name == name) else {
        return Err(Finding::new(FindingKind::Malformed, "subject", format!("it names no `{name}`")));
    };
    compare(subject, Digest::of(&read(dir, name)?))?;
    Ok(Check::pass(Aspect::Judged, name, "its bytes are the signed ones"))
}

/// The audit, if it is the signed one and the signed result follows from it.
fn signed_audit(dir: &Path, result: &Statement<TestResult>) -> Result<Audit, Finding> {
    let contradiction = |detail: &str| Finding::new(FindingKind::Contradiction, path::AUDIT, detail);
    let bytes = read(dir, path::AUDIT)?;
    if !result.subject.contains(&Subject::new(path::AUDIT, Digest::of(&bytes))) {
        return Err(contradiction("it is not the signed one: nothing is taken from it"));
    }
    let malformed =
        |err: serde_json::Error| Finding::new(FindingKind::Malformed, path::AUDIT, err.to_string());
    let audit: Audit = serde_json::from_slice(&bytes).map_err(malformed)?;
    if audit.schema != SCHEMA {
        return Err(Finding::new(
            FindingKind::Unsupported,
            path::AUDIT,
            format!("schema `{}`", audit.schema),
        ));
    }
    if !audit.is_consistent() {
        return Err(contradiction("its verdict does not follow from its findings"));
    }
    let is_signed = |file: &crate::audit::ReadFile| {
        result.subject.contains(&Subject::new(format!("log/{}", file.name), file.sha256))
    };
    if !audit.files.iter().all(is_signed) {
        return Err(contradiction("it read files that the signed result does not name"));
    }
    if !result.predicate.fits(&audit) {
        return Err(contradiction("the signed result does not follow from it"));
    }
    Ok(audit)
}
