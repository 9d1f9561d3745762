//! The evidence of the models that a student was made from (docs/spec/upstream-evidence.md).

mod facts;
mod join;
mod judge;
mod read;

pub(crate) use read::{lines, parse_keys, place};

pub use facts::{Ancestor, Ancestry, Origin, Role};

use crate::checks::{Aspect, Check};
use crate::disclosure::Disclosure;
use crate::layout::{path, read};
use crate::manifest::DatasetManifest;
use crate::provenance::{Provenance, name};
use crate::verify::signed::Trust;
use crate::{Digest, Finding, FindingKind, Statement, model_signing};
use std::path::Path;

/// What the folder's own statements say.
#[derive(Clone, Copy)]
pub(super) struct Own<'a> {
    /// How the student was made.
    pub(super) run: &'a Statement<Provenance>,
    /// Its signed files.
    pub(super) model: Option<&'a Statement<model_signing::Manifest>>,
    /// What it was trained on.
    pub(super) data: Option<&'a Statement<DatasetManifest>>,
    /// What its maker states.
    pub(super) disclosure: Option<&'a Statement<Disclosure>>,
}

/// Checks the folder's upstream evidence; nothing, where there is none and the run pins none.
pub(super) fn check(dir: &Path, own: Own<'_>, trust: &Trust, checks: &mut Vec<Check>) -> Option<Ancestry> {
    let pinned = own.run.predicate.dependency(name::UPSTREAM);
    if pinned.is_none() && !dir.join(path::UPSTREAM).exists() {
        return None;
    }
    let bytes = match pinned_bytes(dir, pinned) {
        Ok(bytes) => bytes,
        Err((finding, bytes)) => {
            checks.push(finding.into());
            bytes?
        }
    };
    let keys = match read(dir, path::UPSTREAM_KEYS).and_then(|bytes| parse_keys(&bytes)) {
        Ok(keys) => keys,
        Err(finding) => {
            checks.push(finding.into());
            Vec::new()
        }
    };
    let keys = Trust::of(keys.into_iter().chain(trust.keys().cloned()));
    let before = checks.len();
    let (entries, findings) = read::entries(&bytes, &keys);
    checks.extend(findings.into_iter().map(Check::from));
    let joined = join::join(&entries, &own.run.predicate);
    let ancestry = facts::ancestry(&entries, &joined, own, trust);
    judge::statements(&entries, &joined, &ancestry, checks);
    let mine = own.model.map(digests).unwrap_or_default();
    judge::cycle(&entries, &joined, &ancestry, (&own.run.predicate, &mine), checks);
    if checks.len() == before {
        let detail =
            format!("{} statements about {} models, joined by digest", entries.len(), ancestry.models.len());
        checks.push(Check::pass(Aspect::Upstream, path::UPSTREAM, detail));
    }
    judge::ends(&entries, &joined, &ancestry, own.run, checks);
    judge::signers(&entries, &ancestry, trust, checks);
    judge::duties(&ancestry, own.disclosure, checks);
    Some(ancestry)
}

type Unpinned = (Finding, Option<Vec<u8>>);

/// The file's bytes; where they are not the pinned ones, the finding, and the bytes all the same.
fn pinned_bytes(dir: &Path, pinned: Option<Digest>) -> Result<Vec<u8>, Unpinned> {
    let bytes = read(dir, path::UPSTREAM).map_err(|finding| (finding, None))?;
    let found = Digest::of(&bytes);
    match pinned.filter(|pinned| *pinned != found) {
        None => Ok(bytes),
        Some(pinned) => {
            let detail = format!("the run pins {pinned}, found {found}");
            Err((Finding::new(FindingKind::BadDigest, path::UPSTREAM, detail), Some(bytes)))
        }
    }
}

/// Every digest by which a run may name the model.
fn digests(model: &Statement<model_signing::Manifest>) -> Vec<Digest> {
    let root = model.subject.iter().map(|subject| subject.digest.sha256);
    root.chain(model_signing::weights(&model.predicate)).collect()
}
