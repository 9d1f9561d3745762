//! A finding's folder, offline: signature, signer, scores, judged files, numbers and log proof.

use crate::checks::{Aspect, Check, FolderReport};
use crate::keys::{KeyId, PublicKey};
use crate::layout::read;
use crate::statement::Outside;
use crate::verify::logged;
use crate::verify::opening::{judge_signers, keep, report, signer, unopened};
use crate::verify::signed::{Trust, Verified, open, statement};
use crate::watermark::{
    Attribution, Judgment, ScoreLine, WatermarkFinding, is_judged_name, parse_scores, path,
};
use crate::{Digest, Error, Finding, FindingKind, Predicate, Statement, Subject, bundle};
use std::fs;
use std::path::Path;

/// What a finding's folder shows.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingFacts {
    /// Every check.
    pub report: FolderReport,
    /// Who signed.
    pub signer: Option<KeyId>,
    /// What was found, where that is what the statement says.
    pub finding: Option<Statement<WatermarkFinding>>,
    /// Whose key it was, where that is what the statement says.
    pub attribution: Option<Statement<Attribution>>,
    /// The signed scores; none where they are not the signed ones.
    pub scores: Vec<ScoreLine>,
}

/// Verifies a finding's folder. What is missing, malformed or wrong is a check that failed, never an `Err`.
pub fn finding(dir: &Path, trust: &Trust) -> Result<Verified<FindingFacts>, Error> {
    fs::read_dir(dir).map_err(|source| Error::Io { path: dir.to_owned(), source })?;
    let mut checks = Vec::new();
    let named = keep(&mut checks, signer(dir, path::SIGNER));
    let keys = Trust::of(named.clone().into_iter().chain(trust.keys().cloned()));
    let opened = read(dir, path::FINDING).and_then(|bytes| open(&bundle::parse(&bytes)?, &keys));
    let opened = keep(&mut checks, opened.map_err(unopened));
    let by = opened.as_ref().map(|(_, signer)| *signer);
    if let Some(signer) = by {
        checks.push(Check::pass(Aspect::Signature, path::FINDING, format!("signed by {signer}")));
    }
    let signers: Vec<KeyId> = by.into_iter().collect();
    let trusted = judge_signers(named.as_ref().map(PublicKey::id), &signers, trust, &mut checks);
    let (mut found, mut attribution) = (None, None);
    if let Some((payload, _)) = &opened {
        if is_attribution(payload) {
            attribution = keep(&mut checks, statement::<Attribution>(payload));
        } else {
            found = keep(&mut checks, statement::<WatermarkFinding>(payload));
        }
    }
    let mut scores = Vec::new();
    let mut is_logged = logged::Logged::NotAll;
    if let Some(found) = &found {
        (scores, is_logged) = judge(dir, found, &mut checks);
        check_lines(&found.predicate, &scores, &mut checks);
    } else if let Some(attribution) = &attribution {
        (scores, is_logged) = judge(dir, attribution, &mut checks);
    }
    let report = report(checks, Vec::new(), trusted, is_logged);
    Ok(Verified::new(FindingFacts { report, signer: by, finding: found, attribution, scores }, by))
}

fn is_attribution(payload: &[u8]) -> bool {
    serde_json::from_slice::<Outside>(payload)
        .is_ok_and(|outside| outside.predicate_type == Attribution::TYPE)
}

/// Checks what every judgment has: numbers, subjects, log.
fn judge<P: Judgment>(
    dir: &Path,
    statement: &Statement<P>,
    checks: &mut Vec<Check>,
) -> (Vec<ScoreLine>, logged::Logged) {
    let faults = statement.predicate.faults();
    if faults.is_empty() {
        checks.push(Check::pass(Aspect::Numbers, path::FINDING, "they agree with each other"));
    }
    checks.extend(faults.into_iter().map(Check::from));
    let scores = keep(checks, check_scores(dir, &statement.subject));
    if let Some(scores) = &scores {
        let detail = format!("as signed, of {} texts", scores.len());
        checks.push(Check::pass(Aspect::Scores, path::SCORES, detail));
    }
    let judged = || statement.subject.iter().filter(|subject| subject.name != path::SCORES);
    if judged().next().is_none() {
        checks.push(Finding::new(FindingKind::Malformed, "subject", "it names no judged file").into());
    }
    checks.extend(judged().map(|subject| check_judged(dir, subject).unwrap_or_else(Check::from)));
    let mut known = vec![path::FINDING, path::SIGNER, path::REPORT];
    known.extend(statement.subject.iter().map(|subject| subject.name.as_str()));
    if statement.predicate.log().is_some() {
        known.extend([path::PROOF, path::LOG]);
    }
    check_extra(dir, &known, checks);
    let place = logged::Place {
        names: path::FINDING.to_owned(),
        log: dir.join(path::LOG).exists().then_some(path::LOG),
        proofs: vec![(path::FINDING.to_owned(), path::PROOF.to_owned())],
        is_shared: true,
    };
    let is_logged = logged::check(dir, statement.predicate.log(), &place, checks);
    (scores.unwrap_or_default(), is_logged)
}

fn check_scores(dir: &Path, subjects: &[Subject]) -> Result<Vec<ScoreLine>, Finding> {
    let Some(subject) = subjects.iter().find(|subject| subject.name == path::SCORES) else {
        let detail = format!("it names no `{}`", path::SCORES);
        return Err(Finding::new(FindingKind::Malformed, "subject", detail));
    };
    let bytes = read(dir, path::SCORES)?;
    compare(subject, Digest::of(&bytes))?;
    parse_scores(&bytes)
}

fn check_judged(dir: &Path, subject: &Subject) -> Result<Check, Finding> {
    let name = subject.name.as_str();
    if !is_judged_name(name) {
        let detail = "not a name that a judged file can have";
        return Err(Finding::new(FindingKind::Malformed, name, detail));
    }
    if !dir.join(name).exists() {
        let detail = format!("not in the folder; its sha256 is {}", subject.digest.sha256);
        return Ok(Check::not_recorded(Aspect::Judged, name, detail));
    }
    let found = Digest::of_file(&dir.join(name));
    let found = found.map_err(|error| Finding::new(FindingKind::MissingFile, name, error.to_string()))?;
    compare(subject, found)?;
    Ok(Check::pass(Aspect::Judged, name, "its bytes are the judged ones"))
}

/// Whether bytes are the signed ones.
pub(super) fn compare(subject: &Subject, found: Digest) -> Result<(), Finding> {
    let signed = subject.digest.sha256;
    if found == signed {
        return Ok(());
    }
    let detail = format!("signed as {signed}, found {found}");
    Err(Finding::new(FindingKind::BadDigest, subject.name.clone(), detail))
}

/// Every file must be one that the statement or the format knows.
pub(super) fn check_extra(dir: &Path, known: &[&str], checks: &mut Vec<Check>) {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.file_type())).collect();
    names.sort_by(|left, right| left.0.cmp(&right.0));
    for (name, kind) in names {
        if kind.is_ok_and(|kind| kind.is_symlink()) {
            let detail = "a link to what may lie anywhere";
            checks.push(Finding::new(FindingKind::Symlink, name, detail).into());
        } else if !known.contains(&name.as_str()) {
            checks.push(Finding::new(FindingKind::ExtraFile, name, "the statement does not name it").into());
        }
    }
}

/// The side file must speak of the same texts.
fn check_lines(finding: &WatermarkFinding, scores: &[ScoreLine], checks: &mut Vec<Check>) {
    for line in scores {
        let detail = match finding.results().find(|result| result.id == line.id) {
            None => format!("scores of `{}`, which the finding does not name", line.id),
            Some(result) if line.curve.last().is_some_and(|last| last.0 > result.scored) => {
                format!("a curve of `{}` over more than its {} scored tokens", line.id, result.scored)
            }
            Some(_) => continue,
        };
        checks.push(Finding::new(FindingKind::Contradiction, path::SCORES, detail).into());
    }
}
