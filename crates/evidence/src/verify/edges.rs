//! The edges between signed statements: each must name the very thing the other signed.

use crate::checks::Check;
use crate::layout::{Document, path, read};
use crate::manifest::{DatasetManifest, SourceKind};
use crate::provenance::{BUILD_TYPE, Provenance, name};
use crate::{Digest, Finding, FindingKind, Statement, model_signing};
use std::path::Path;

/// Checks every edge that leaves the run's statement.
pub(super) fn check(
    dir: &Path,
    run: Option<&Statement<Provenance>>,
    model: Option<&Statement<model_signing::Manifest>>,
    data: Option<&Statement<DatasetManifest>>,
    checks: &mut Vec<Check>,
) {
    let Some(run) = run else { return };
    let provenance = &run.predicate;
    if provenance.build_definition.build_type != BUILD_TYPE {
        let detail = provenance.build_definition.build_type.clone();
        checks.push(Finding::new(FindingKind::Unsupported, "buildType", detail).into());
    }
    if let Some(model) = model {
        let (made, signed) = (run.subject[0].digest.sha256, model.subject[0].digest.sha256);
        checks.push(edge("run-model", &Document::Run.bundle_path(), Some(made), signed));
    }
    let pinned = [
        ("plan", path::PLAN, provenance.dependency(name::PLAN)),
        ("run-data", path::MANIFEST, provenance.dependency(name::DATASET_MANIFEST)),
        ("metrics", path::METRICS, provenance.byproduct(name::METRICS)),
    ];
    for (id, file, digest) in pinned {
        checks.push(match read(dir, file) {
            Ok(bytes) => pin(id, file, digest, Digest::of(&bytes)),
            Err(finding) => finding.into(),
        });
    }
    if let Some(data) = data {
        check_sources(provenance, &data.predicate, checks);
    }
}

fn check_sources(provenance: &Provenance, data: &DatasetManifest, checks: &mut Vec<Check>) {
    if let Some(tokenizer) = provenance.dependency(name::TOKENIZER) {
        checks.push(edge("tokenizer", path::MANIFEST, Some(data.tokenizer), tokenizer));
    } else {
        checks.push(Check::not_recorded(
            "tokenizer",
            Document::Run.bundle_path(),
            "the run names no tokenizer",
        ));
    }
    for source in data.sources.iter().filter(|source| source.kind == SourceKind::Teacher) {
        let named = provenance.dependency(&format!("{}:{}", name::TEACHER, source.id));
        let used = named.or_else(|| provenance.dependency(name::TEACHER));
        let recorded = source.teacher.as_ref().and_then(|teacher| teacher.weights);
        checks.push(match (recorded, used) {
            (recorded, Some(used)) => edge("teacher", &source.id, recorded, used),
            (Some(_), None) => broken(&source.id, "the run does not name the teacher of the record"),
            (None, None) => Check::not_recorded("teacher", &source.id, "its weights were not at hand"),
        });
    }
}

fn edge(id: &str, subject: &str, named: Option<Digest>, signed: Digest) -> Check {
    match named {
        Some(named) if named == signed => Check::pass(id, subject, format!("both name {signed}")),
        Some(named) => broken(subject, &format!("{id}: one names {named}, the other {signed}")),
        None => broken(subject, &format!("{id}: only one of them names a digest")),
    }
}

fn pin(id: &str, file: &str, signed: Option<Digest>, found: Digest) -> Check {
    match signed {
        Some(signed) if signed == found => Check::pass(id, file, "its bytes are the signed ones"),
        Some(signed) => {
            Finding::new(FindingKind::BadDigest, file, format!("signed as {signed}, found {found}")).into()
        }
        None => broken(file, "the run does not pin it"),
    }
}

fn broken(subject: &str, detail: &str) -> Check {
    Finding::new(FindingKind::BrokenEdge, subject, detail).into()
}
