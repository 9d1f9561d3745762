//! The log: every bundle has a proof, every proof a checkpoint, and the log's files agree with both.

use crate::checks::{Aspect, Check};
use crate::layout::read;
use crate::{Digest, Finding, FindingKind};
use std::path::Path;
use stillmark_ledger::note::VerifierKey;
use stillmark_ledger::{Checkpoint, Refusal, check, proof};

/// Whether every bundle was found in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logged {
    /// Every one.
    All,
    /// At least one was not.
    NotAll,
}

/// Where a folder's log and the proofs of its statements lie.
pub(super) struct Place<'a> {
    /// The bundle whose statement names the log.
    pub(super) names: String,
    /// The log, where the folder must hold it or does.
    pub(super) log: Option<&'a str>,
    /// Each bundle with its proof.
    pub(super) proofs: Vec<(String, String)>,
    /// Whether the log may hold what the folder does not.
    pub(super) is_shared: bool,
}

/// Checks the log that the signer named, and each bundle's proof.
pub(super) fn check(dir: &Path, named: Option<&str>, place: &Place<'_>, checks: &mut Vec<Check>) -> Logged {
    let Some(text) = named else {
        let subject = place.log.unwrap_or(&place.names);
        checks.push(Check::not_recorded(Aspect::Log, subject, "the statement names no log"));
        return Logged::NotAll;
    };
    let Ok(key) = VerifierKey::parse(text) else {
        let detail = "the log's key does not follow its format";
        checks.push(Finding::new(FindingKind::Malformed, place.names.clone(), detail).into());
        return Logged::NotAll;
    };
    let contents = place.log.map(|path| (path, check::check(&dir.join(path), &key)));
    let mut proven = Vec::new();
    for (bundle, proof) in &place.proofs {
        let agreed = check_proof(dir, bundle, proof, &key).and_then(|(index, checkpoint)| {
            if let Some((path, Ok(contents))) = &contents {
                agree(&checkpoint, contents, proof, path)?;
            }
            Ok((index, checkpoint))
        });
        checks.push(match agreed {
            Ok((index, checkpoint)) => {
                proven.push(index);
                let detail = format!("in the log `{}` of {} entries", checkpoint.origin, checkpoint.size);
                Check::pass(Aspect::LogProof, proof, detail)
            }
            Err(finding) => finding.into(),
        });
    }
    let all_proven = proven.len() == place.proofs.len();
    let Some((path, contents)) = contents else {
        return if all_proven { Logged::All } else { Logged::NotAll };
    };
    let last = if all_proven && !place.is_shared { proven.into_iter().max() } else { None };
    let log = check_log(path, contents, last);
    let is_sound = log.is_ok();
    checks.push(log.unwrap_or_else(Check::from));
    if all_proven && is_sound { Logged::All } else { Logged::NotAll }
}

/// The log itself; after the last of the folder's bundles nothing stands in it, for that bundle would be missing.
fn check_log(
    path: &str,
    contents: Result<check::Contents, Refusal>,
    last: Option<u64>,
) -> Result<Check, Finding> {
    let contents = contents.map_err(|refusal| Finding::new(kind(&refusal), path, refusal.to_string()))?;
    let size = contents.checkpoint.size;
    if let Some(next) = last.map(|last| last + 1).filter(|next| *next < size) {
        let detail = format!("entry {next} of its {size} is a statement that is not in the folder");
        return Err(Finding::new(FindingKind::MissingFile, path, detail));
    }
    Ok(Check::pass(Aspect::Log, path, format!("{size} entries, every tile as signed")))
}

fn check_proof(
    dir: &Path,
    bundle: &str,
    proof: &str,
    key: &VerifierKey,
) -> Result<(u64, Checkpoint), Finding> {
    let bundle = read(dir, bundle)?;
    let refuse = |refusal: Refusal| Finding::new(kind(&refusal), proof, refusal.to_string());
    let parsed = proof::parse(&read(dir, proof)?).map_err(refuse)?;
    let checkpoint =
        proof::verify(&parsed, Digest::of(&bundle).as_bytes(), std::slice::from_ref(key)).map_err(refuse)?;
    Ok((parsed.index, checkpoint))
}

/// The proof's checkpoint must be one the log has grown out of.
fn agree(
    checkpoint: &Checkpoint,
    contents: &check::Contents,
    proof: &str,
    path: &str,
) -> Result<(), Finding> {
    let known = contents.root_at(checkpoint.size);
    let known = known.map_err(|refusal| Finding::new(kind(&refusal), path, refusal.to_string()))?;
    match known {
        Some(root) if root == checkpoint.root => Ok(()),
        Some(_) => {
            Err(Finding::new(FindingKind::BadLog, proof, "the log has another history than the proof"))
        }
        None => {
            let known = Refusal::Stale { found: contents.checkpoint.size, known: checkpoint.size };
            Err(Finding::new(FindingKind::StaleCheckpoint, path, known.to_string()))
        }
    }
}

pub(super) fn kind(refusal: &Refusal) -> FindingKind {
    match refusal {
        Refusal::Malformed { .. } | Refusal::MalformedFile { .. } => FindingKind::Malformed,
        Refusal::BadSignature { .. } => FindingKind::BadSignature,
        // The signer named the log's key, so another key's log is not the one that was promised.
        Refusal::UnknownSigner
        | Refusal::WrongOrigin { .. }
        | Refusal::Inconsistent
        | Refusal::Changed { .. }
        | Refusal::SplitView { .. }
        | Refusal::TooFewWitnesses { .. } => FindingKind::BadLog,
        Refusal::NotInLog => FindingKind::NotInLog,
        Refusal::Stale { .. } => FindingKind::StaleCheckpoint,
        Refusal::MissingFile { .. } => FindingKind::MissingFile,
    }
}
