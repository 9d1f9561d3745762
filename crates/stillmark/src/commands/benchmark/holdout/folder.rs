//! The files of a holdout's folder: signed statements, their log proofs, and the items.

use std::path::Path;

use serde::de::DeserializeOwned;
use stillmark_benchmark::holdout::{self, Line};
use stillmark_evidence::bundle::Bundle;
use stillmark_evidence::holdout::path;
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::verify::{self, Trust};
use stillmark_evidence::{Digest, Finding, FindingKind, Predicate, Statement};
use stillmark_ledger::Log;
use stillmark_ledger::note::VerifierKey;

use crate::files::{self, Secrecy};
use crate::problem::{Problem, Stop};

/// Checks the proof that a bundle is in the log that it names.
pub(super) fn unlogged(folder: &Path, log: &str, bundle: &str, proof: &str) -> Result<(), Finding> {
    let off = |detail: String| Finding::new(FindingKind::NotInLog, proof, detail);
    let key = VerifierKey::parse(log).map_err(|err| off(err.to_string()))?;
    let bytes = std::fs::read(folder.join(proof)).map_err(|err| off(err.to_string()))?;
    let entry = std::fs::read(folder.join(bundle)).map_err(|err| off(err.to_string()))?;
    let parsed = stillmark_ledger::proof::parse(&bytes).map_err(|err| off(err.to_string()))?;
    let held = stillmark_ledger::proof::verify(&parsed, Digest::of(&entry).as_bytes(), &[key]);
    held.map(|_| ()).map_err(|err| off(err.to_string()))
}

/// Signs a statement into a folder, and logs it where there is a log.
pub(super) fn seal<P: Predicate>(
    folder: &Path,
    (bundle, proof): (&str, &str),
    statement: &Statement<P>,
    key: &PrivateKey,
    log: Option<&mut Log>,
) -> Result<(), Stop> {
    let bytes = Bundle::sign(statement, key)
        .and_then(|signed| signed.to_bytes())
        .map_err(|err| Problem::from_error(&err))?;
    files::write(&folder.join(bundle), &bytes, Secrecy::Public)?;
    if let Some(log) = log {
        let failed = |err: stillmark_ledger::Error| {
            Problem::from_error(&err).while_doing("the statement could not be logged")
        };
        let index = log.append(&[Digest::of(&bytes).as_bytes()]).map_err(failed)?.start;
        let text = log.prove(index).map_err(failed)?.encode();
        files::write(&folder.join(proof), text.as_bytes(), Secrecy::Public)?;
    }
    Ok(())
}

/// A predicate with the bytes of its bundle, or what is wrong with it.
pub(super) type Signed<P> = Result<(P, Vec<u8>), Finding>;

/// A signed statement of a folder with its bytes; its first subject must lie in the folder as it was signed.
pub(super) fn read<P: Predicate + DeserializeOwned>(
    folder: &Path,
    name: &str,
    trust: &Trust,
) -> Result<Signed<P>, Problem> {
    let place = folder.join(name);
    let bytes = std::fs::read(&place).map_err(|err| files::cannot("read", &place, &err))?;
    let statement: Statement<P> = match verify::bundle(&bytes, trust) {
        Ok(verified) => verified.into_inner(),
        Err(finding) => {
            return Ok(Err(Finding::new(
                finding.kind,
                name,
                format!("{}: {}", finding.subject, finding.detail),
            )));
        }
    };
    for subject in &statement.subject {
        // A statement of ours names one of two files, never a path.
        if ![path::PUBLIC, path::REVEALED].contains(&subject.name.as_str()) {
            return Ok(Err(Finding::new(
                FindingKind::Malformed,
                name,
                "it is about another file than a holdout has",
            )));
        }
        let file = folder.join(&subject.name);
        let found = std::fs::read(&file).map_err(|err| files::cannot("read", &file, &err))?;
        if Digest::of(&found) != subject.digest.sha256 {
            return Ok(Err(Finding::new(
                FindingKind::BadDigest,
                subject.name.clone(),
                "the file is not the one that was signed",
            )));
        }
    }
    Ok(Ok((statement.predicate, bytes)))
}

pub(super) fn lines_of(folder: &Path, name: &str) -> Result<Vec<Line>, Problem> {
    let place = folder.join(name);
    let text = files::read_text(&place)?;
    holdout::parse(&text)
        .map_err(|err| Problem::from_error(&err).while_doing(format!("{} cannot be read", place.display())))
}
