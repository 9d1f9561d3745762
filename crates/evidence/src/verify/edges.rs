//! The edges between signed statements: each must name the very thing the other signed.

use crate::checks::{Aspect, Check};
use crate::disclosure::Disclosure;
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
        checks.push(edge(Aspect::RunModel, &Document::Run.bundle_path(), Some(made), signed));
    }
    let pinned = [
        (Aspect::Plan, path::PLAN, provenance.dependency(name::PLAN)),
        (Aspect::RunData, path::MANIFEST, provenance.dependency(name::DATASET_MANIFEST)),
        (Aspect::Metrics, path::METRICS, provenance.byproduct(name::METRICS)),
    ];
    for (aspect, file, digest) in pinned {
        checks.push(match read(dir, file) {
            Ok(bytes) => pin(aspect, file, digest, Digest::of(&bytes)),
            Err(finding) => finding.into(),
        });
    }
    if let Some(data) = data {
        check_sources(provenance, &data.predicate, checks);
    }
}

/// Checks that the disclosure names the base that the run began with.
pub(super) fn check_base(
    run: Option<&Statement<Provenance>>,
    disclosure: Option<&Statement<Disclosure>>,
    checks: &mut Vec<Check>,
) {
    let (Some(run), Some(disclosure)) = (run, disclosure) else { return };
    let (disclosed, used) = (disclosure.predicate.claims.base_model.join(", "), run.predicate.base());
    let subject = Document::Disclosure.bundle_path();
    checks.push(match used {
        Some(used) if used == disclosed => Check::pass(Aspect::Base, subject, format!("both name {used}")),
        None if disclosed.is_empty() => {
            Check::not_recorded(Aspect::Base, subject, "neither names one: the first weights were random")
        }
        used => {
            let word = |name: &str| {
                if name.is_empty() { "no base".to_owned() } else { format!("the base `{name}`") }
            };
            let (disclosed, used) = (word(&disclosed), word(used.unwrap_or_default()));
            broken(&subject, &format!("it names {disclosed}, the run {used}"))
        }
    });
}

pub(super) fn check_sources(provenance: &Provenance, data: &DatasetManifest, checks: &mut Vec<Check>) {
    if let Some(tokenizer) = provenance.dependency(name::TOKENIZER) {
        checks.push(edge(Aspect::Tokenizer, path::MANIFEST, Some(data.tokenizer), tokenizer));
    } else {
        checks.push(Check::not_recorded(
            Aspect::Tokenizer,
            Document::Run.bundle_path(),
            "the run names no tokenizer",
        ));
    }
    for source in data.sources.iter().filter(|source| source.kind == SourceKind::Teacher) {
        let named = provenance.dependency(&format!("{}:{}", name::TEACHER, source.id));
        let used = named.or_else(|| provenance.dependency(name::TEACHER));
        let recorded = source.teacher.as_ref().and_then(|teacher| teacher.weights);
        checks.push(match (recorded, used) {
            (recorded, Some(used)) => edge(Aspect::Teacher, &source.id, recorded, used),
            (Some(_), None) => broken(&source.id, "the run does not name the teacher of the record"),
            (None, None) => Check::not_recorded(Aspect::Teacher, &source.id, "its weights were not at hand"),
        });
    }
}

fn edge(aspect: Aspect, subject: &str, named: Option<Digest>, signed: Digest) -> Check {
    match named {
        Some(named) if named == signed => Check::pass(aspect, subject, format!("both name {signed}")),
        Some(named) => broken(subject, &format!("{}: one names {named}, the other {signed}", aspect.code())),
        None => broken(subject, &format!("{}: only one of them names a digest", aspect.code())),
    }
}

fn pin(aspect: Aspect, file: &str, signed: Option<Digest>, found: Digest) -> Check {
    match signed {
        Some(signed) if signed == found => Check::pass(aspect, file, "its bytes are the signed ones"),
        Some(signed) => {
            Finding::new(FindingKind::BadDigest, file, format!("signed as {signed}, found {found}")).into()
        }
        None => broken(file, "the run does not pin it"),
    }
}

fn broken(subject: &str, detail: &str) -> Check {
    Finding::new(FindingKind::BrokenEdge, subject, detail).into()
}
