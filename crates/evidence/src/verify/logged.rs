//! The log: every bundle has a proof, every proof a checkpoint, and the log's files agree with both.

use crate::checks::{Aspect, Check};
use crate::layout::{Document, path, read};
use crate::provenance::Provenance;
use crate::{Digest, Finding, FindingKind, Statement};
use std::path::Path;
use stillmark_ledger::note::VerifierKey;
use stillmark_ledger::{Checkpoint, Refusal, log, proof};

/// Whether every bundle was found in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logged {
    /// Every one.
    All,
    /// At least one was not.
    NotAll,
}

/// Checks the log that the run's signer named, and each document's proof.
pub(super) fn check(
    dir: &Path,
    run: Option<&Statement<Provenance>>,
    documents: &[Document],
    checks: &mut Vec<Check>,
) -> Logged {
    let Some(run) = run else { return Logged::NotAll };
    let Some(text) = &run.predicate.build_definition.internal_parameters.log else {
        checks.push(Check::not_recorded(Aspect::Log, path::LOG, "the run names no log"));
        return Logged::NotAll;
    };
    let Ok(key) = VerifierKey::parse(text) else {
        let detail = "the log's key does not follow its format";
        checks.push(Finding::new(FindingKind::Malformed, Document::Run.bundle_path(), detail).into());
        return Logged::NotAll;
    };
    let contents = log::check(&dir.join(path::LOG), &key);
    let mut proven = Vec::new();
    for document in documents {
        let subject = document.proof_path();
        let agreed = check_proof(dir, *document, &key).and_then(|(index, checkpoint)| {
            if let Ok(contents) = &contents {
                agree(&checkpoint, contents, &subject)?;
            }
            Ok((index, checkpoint))
        });
        checks.push(match agreed {
            Ok((index, checkpoint)) => {
                proven.push(index);
                let detail = format!("in the log `{}` of {} entries", checkpoint.origin, checkpoint.size);
                Check::pass(Aspect::LogProof, subject, detail)
            }
            Err(finding) => finding.into(),
        });
    }
    let all_proven = proven.len() == documents.len();
    let log = check_log(contents, if all_proven { proven.into_iter().max() } else { None });
    let is_sound = log.is_ok();
    checks.push(log.unwrap_or_else(Check::from));
    if all_proven && is_sound { Logged::All } else { Logged::NotAll }
}

/// The log itself; after the last of the folder's bundles nothing stands in it, for that bundle would be missing.
fn check_log(contents: Result<log::Contents, Refusal>, last: Option<u64>) -> Result<Check, Finding> {
    let contents =
        contents.map_err(|refusal| Finding::new(kind(&refusal), path::LOG, refusal.to_string()))?;
    let size = contents.checkpoint.size;
    if let Some(next) = last.map(|last| last + 1).filter(|next| *next < size) {
        let detail = format!("entry {next} of its {size} is a statement that is not in the folder");
        return Err(Finding::new(FindingKind::MissingFile, path::LOG, detail));
    }
    Ok(Check::pass(Aspect::Log, path::LOG, format!("{size} entries, every tile as signed")))
}

fn check_proof(dir: &Path, document: Document, key: &VerifierKey) -> Result<(u64, Checkpoint), Finding> {
    let bundle = read(dir, &document.bundle_path())?;
    let subject = document.proof_path();
    let refuse = |refusal: Refusal| Finding::new(kind(&refusal), subject.clone(), refusal.to_string());
    let proof = proof::parse(&read(dir, &subject)?).map_err(refuse)?;
    let checkpoint =
        proof::verify(&proof, Digest::of(&bundle).as_bytes(), std::slice::from_ref(key)).map_err(refuse)?;
    Ok((proof.index, checkpoint))
}

/// The proof's checkpoint must be one the log has grown out of.
fn agree(checkpoint: &Checkpoint, contents: &log::Contents, subject: &str) -> Result<(), Finding> {
    match contents.tree.root_at(checkpoint.size) {
        Some(root) if root == checkpoint.root => Ok(()),
        Some(_) => {
            Err(Finding::new(FindingKind::BadLog, subject, "the log has another history than the proof"))
        }
        None => {
            let known = Refusal::Stale { found: contents.checkpoint.size, known: checkpoint.size };
            Err(Finding::new(FindingKind::StaleCheckpoint, path::LOG, known.to_string()))
        }
    }
}

fn kind(refusal: &Refusal) -> FindingKind {
    match refusal {
        Refusal::Malformed { .. } => FindingKind::Malformed,
        Refusal::BadSignature { .. } => FindingKind::BadSignature,
        // The run's signer named the log's key, so another key's log is not the one that was promised.
        Refusal::UnknownSigner | Refusal::WrongOrigin { .. } | Refusal::Inconsistent => FindingKind::BadLog,
        Refusal::NotInLog => FindingKind::NotInLog,
        Refusal::Stale { .. } => FindingKind::StaleCheckpoint,
        Refusal::MissingFile { .. } => FindingKind::MissingFile,
    }
}
