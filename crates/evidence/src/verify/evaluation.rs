//! An evaluation run's folder, offline: both signatures, the registration before the result, every file, the log's proofs.

use crate::checks::{Aspect, Check, FolderReport};
use crate::evaluation::{EvaluationRun, Registration, path};
use crate::keys::{KeyId, PublicKey};
use crate::layout::read;
use crate::verify::finding::{check_extra, compare};
use crate::verify::logged::{self, Logged, Place};
use crate::verify::opening::{judge_signers, keep, report, signed, signer};
use crate::verify::signed::{Trust, Verified};
use crate::{Digest, Error, Finding, FindingKind, Statement};
use std::fs;
use std::path::Path;
use stillmark_ledger::proof;

/// What the folder of an evaluation run shows.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluationFacts {
    /// Every check.
    pub report: FolderReport,
    /// Who signed.
    pub signer: Option<KeyId>,
    /// What was registered.
    pub registration: Option<Statement<Registration>>,
    /// What came of it; none where the run did not end.
    pub run: Option<Statement<EvaluationRun>>,
}

/// Verifies the folder of an evaluation run. What is missing, malformed or wrong is a check that failed, never an `Err`.
pub fn evaluation(dir: &Path, trust: &Trust) -> Result<Verified<EvaluationFacts>, Error> {
    fs::read_dir(dir).map_err(|source| Error::Io { path: dir.to_owned(), source })?;
    let mut checks = Vec::new();
    let named = keep(&mut checks, signer(dir, path::SIGNER));
    let keys = Trust::of(named.clone().into_iter().chain(trust.keys().cloned()));
    let mut signers = Vec::new();
    let (registration, run) = opened(dir, &keys, (&mut checks, &mut signers));
    let trusted = judge_signers(named.as_ref().map(PublicKey::id), &signers, trust, &mut checks);
    let mut is_logged = Logged::NotAll;
    if let (Some(registration), Some(run)) = (&registration, &run) {
        for subject in &run.subject {
            let found = read(dir, &subject.name).and_then(|bytes| compare(subject, Digest::of(&bytes)));
            let whole = || Check::pass(Aspect::Judged, &subject.name, "its bytes are the signed ones");
            checks.push(found.map_or_else(Check::from, |()| whole()));
        }
        let own =
            [path::REGISTRATION_PROOF, path::RUN, path::RUN_PROOF, path::SIGNER, path::REPORT, path::AUDIT];
        let known: Vec<&str> =
            own.into_iter().chain(run.subject.iter().map(|one| one.name.as_str())).collect();
        check_extra(dir, &known, &mut checks);
        is_logged = check_log(dir, (registration, run), &mut checks);
    }
    let by = signers.first().copied();
    let report = report(checks, Vec::new(), trusted, is_logged);
    Ok(Verified::new(EvaluationFacts { report, signer: by, registration, run }, by))
}

/// Both statements, as far as their signatures hold, and whether the one follows from the other.
pub(super) fn opened(
    dir: &Path,
    keys: &Trust,
    (checks, signers): (&mut Vec<Check>, &mut Vec<KeyId>),
) -> (Option<Statement<Registration>>, Option<Statement<EvaluationRun>>) {
    let registration = signed::<Registration>(dir, path::REGISTRATION, keys, (checks, signers));
    let run = signed::<EvaluationRun>(dir, path::RUN, keys, (checks, signers));
    if let (Some(registration), Some(run)) = (&registration, &run) {
        checks.push(follows(dir, registration, run).unwrap_or_else(Check::from));
    }
    (registration, run)
}

/// Whether the result is one of the registration that lies beside it.
fn follows(
    dir: &Path,
    registration: &Statement<Registration>,
    run: &Statement<EvaluationRun>,
) -> Result<Check, Finding> {
    let broken = |detail: String| Finding::new(FindingKind::BrokenEdge, path::RUN, detail);
    let found = Digest::of(&read(dir, path::REGISTRATION)?);
    if found != run.predicate.registration {
        let named = run.predicate.registration;
        return Err(broken(format!("it names the registration {named}, beside it lies {found}")));
    }
    if !run.subject.iter().any(|subject| subject.name == path::ANSWERS) {
        return Err(broken(format!("it does not name `{}`", path::ANSWERS)));
    }
    if let Some(detail) = run.predicate.departs_from(&registration.predicate) {
        return Err(broken(detail));
    }
    let count = run.predicate.registered_runs;
    Ok(Check::pass(
        Aspect::Numbers,
        path::RUN,
        format!("as registered; run {count} of this spec and model in its log"),
    ))
}

/// Whether both statements are in the log that they name, the registration first.
pub(super) fn check_log(
    dir: &Path,
    (registration, run): (&Statement<Registration>, &Statement<EvaluationRun>),
    checks: &mut Vec<Check>,
) -> Logged {
    if registration.predicate.log != run.predicate.log {
        let detail = "it names another log than the registration";
        checks.push(Finding::new(FindingKind::BadLog, path::RUN, detail).into());
        return Logged::NotAll;
    }
    let pair = |name: &str, proof: &str| (name.to_owned(), proof.to_owned());
    let place = Place {
        names: path::REGISTRATION.to_owned(),
        log: None,
        proofs: vec![pair(path::REGISTRATION, path::REGISTRATION_PROOF), pair(path::RUN, path::RUN_PROOF)],
        is_shared: true,
    };
    let is_logged = logged::check(dir, Some(&run.predicate.log), &place, checks);
    let index = |name: &str| proof::parse(&read(dir, name).ok()?).ok().map(|proof| proof.index);
    if let (Some(first), Some(last)) = (index(path::REGISTRATION_PROOF), index(path::RUN_PROOF))
        && last <= first
    {
        let detail = format!("the result is entry {last} of the log, its registration entry {first}");
        checks.push(Finding::new(FindingKind::BadLog, path::REGISTRATION_PROOF, detail).into());
        return Logged::NotAll;
    }
    is_logged
}
