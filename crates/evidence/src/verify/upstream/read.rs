//! The lines of the file: each a bundle whose signature is checked, side by side.

use crate::disclosure::Disclosure;
use crate::keys::{KeyId, PublicKey};
use crate::layout::path;
use crate::manifest::DatasetManifest;
use crate::provenance::Provenance;
use crate::statement::{Outside, STATEMENT_TYPE};
use crate::verify::signed::{Trust, body, open};
use crate::{Digest, Finding, FindingKind, Predicate, Statement, bundle, model_signing};
use rayon::prelude::*;

/// A statement whose signature holds.
pub(super) struct Entry {
    /// The line that it stands on.
    pub(super) line: usize,
    /// Who signed it.
    pub(super) signer: KeyId,
    /// What it says.
    pub(super) stated: Stated,
}

/// What a statement says.
pub(super) enum Stated {
    /// Which files are the model: the digests that it goes by, the subject's first.
    Model { name: String, digests: Vec<Digest> },
    /// How a model was made.
    Run(Box<Statement<Provenance>>),
    /// What it was trained on, with the digest of the signed bytes.
    Data(Box<Statement<DatasetManifest>>, Digest),
    /// What its maker states in public.
    Disclosure(Box<Statement<Disclosure>>),
}

/// Opens every line; what cannot be opened is a finding.
pub(super) fn entries(bytes: &[u8], keys: &Trust) -> (Vec<Entry>, Vec<Finding>) {
    let lines: Vec<(usize, &[u8])> = lines(bytes).collect();
    let opened: Vec<Result<Entry, Finding>> = lines.par_iter().map(|line| entry(*line, keys)).collect();
    let (mut entries, mut findings) = (Vec::with_capacity(opened.len()), Vec::new());
    for (result, (line, _)) in opened.into_iter().zip(&lines) {
        match result {
            Ok(entry) => entries.push(entry),
            Err(finding) => {
                let detail = format!("{}: {}", finding.subject, finding.detail);
                findings.push(Finding::new(finding.kind, place(*line), detail));
            }
        }
    }
    (entries, findings)
}

/// The lines of a file that hold anything, with their numbers.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let all = bytes.split(|byte| *byte == b'\n').enumerate();
    all.map(|(position, line)| (position + 1, line)).filter(|(_, line)| !line.trim_ascii().is_empty())
}

/// How a line is called.
pub(crate) fn place(number: usize) -> String {
    format!("{}:{number}", path::UPSTREAM)
}

/// Reads the keys, one PEM block after another.
pub(crate) fn parse_keys(bytes: &[u8]) -> Result<Vec<PublicKey>, Finding> {
    let malformed = |detail: String| Finding::new(FindingKind::Malformed, path::UPSTREAM_KEYS, detail);
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("not text".to_owned()))?;
    PublicKey::all_from_pem(text).map_err(|error| malformed(error.to_string()))
}

fn entry((line, bytes): (usize, &[u8]), keys: &Trust) -> Result<Entry, Finding> {
    let (payload, signer) = open(&bundle::outside(bytes)?, keys).map_err(|mut finding| {
        if finding.kind == FindingKind::UnknownSigner {
            finding.kind = FindingKind::BrokenEdge;
            finding.detail.push_str(", and no carried key checks it");
        }
        finding
    })?;
    Ok(Entry { line, signer, stated: stated(&payload)? })
}

fn stated(payload: &[u8]) -> Result<Stated, Finding> {
    let outside: Outside = serde_json::from_slice(payload)
        .map_err(|error| Finding::new(FindingKind::Malformed, "payload", error.to_string()))?;
    if outside.kind != STATEMENT_TYPE {
        let detail = format!("`{}` instead of `{STATEMENT_TYPE}`", outside.kind);
        return Err(Finding::new(FindingKind::Malformed, "_type", detail));
    }
    Ok(match outside.predicate_type.as_str() {
        model_signing::Manifest::TYPE => {
            let model = body::<model_signing::Manifest>(payload)?;
            let mut digests = vec![model_signing::consistent(&model)?];
            digests.extend(model_signing::weights(&model.predicate));
            let name = model.subject.into_iter().next().map(|subject| subject.name).unwrap_or_default();
            Stated::Model { name, digests }
        }
        Provenance::TYPE => Stated::Run(Box::new(body(payload)?)),
        DatasetManifest::TYPE => Stated::Data(Box::new(body(payload)?), Digest::of(payload)),
        Disclosure::TYPE => Stated::Disclosure(Box::new(body(payload)?)),
        other => {
            let detail = format!("`{other}` says nothing of where a model comes from");
            return Err(Finding::new(FindingKind::WrongPredicate, "predicateType", detail));
        }
    })
}
