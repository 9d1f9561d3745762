//! Leaves the evidence of a run or a finding in its folder: statements, bundles, log proofs.

use crate::audit::{self, Audit};
use crate::bundle::Bundle;
use crate::disclosure::Disclosure;
use crate::evaluation::{self, EvaluationRun, Registration};
use crate::keys::PrivateKey;
use crate::layout::{Document, path, record_files};
use crate::manifest::DatasetManifest;
use crate::provenance::{
    BUILD_TYPE, BuildDefinition, Builder, InternalParameters, Metadata, Provenance, ResourceDescriptor,
    RunDetails, name,
};
use crate::test_result::{Configuration, TestResult};
use crate::watermark::{self, Judgment, ScoreLine, is_judged_name, scores_to_bytes};
use crate::{Digest, Error, Finding, FindingKind, Statement, Subject, model_signing, verify};
use serde_json::Value;
use std::fs;
use std::path::Path;
use stillmark_ledger::{Log, whole_file};

/// What the run's statement says beside what the folder itself shows.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The plan as JSON.
    pub external_parameters: Value,
    /// What the machine added; the log is filled in.
    pub internal_parameters: InternalParameters,
    /// Teacher, base, tokenizer, terms pack, prompts and code; plan and dataset manifest are added.
    pub dependencies: Vec<ResourceDescriptor>,
    /// Who ran it.
    pub builder: Builder,
    /// When, and under which id.
    pub metadata: Metadata,
    /// What the maker states, where anything is stated.
    pub disclosure: Option<Disclosure>,
}

/// Writes the dataset manifest of a folder's records; gives its digest, which the claims pin.
pub fn write_manifest(folder: &Path, record: DatasetManifest) -> Result<Digest, Error> {
    let data = folder.join(path::DATA);
    let mut subjects = Vec::new();
    for name in record_files(&data)? {
        let digest = Digest::of_file(&data.join(&name))?;
        subjects.push(Subject::new(name, digest));
    }
    let bytes = Statement::new(subjects, record).to_pretty()?;
    write_whole(&folder.join(path::MANIFEST), &bytes)?;
    Ok(Digest::of(&bytes))
}

/// Reads the dataset manifest of a folder, with the digest that the claims pin.
pub fn read_manifest(folder: &Path) -> Result<(DatasetManifest, Digest), Error> {
    let path = folder.join(path::MANIFEST);
    let bytes = fs::read(&path).map_err(|source| Error::Io { path, source })?;
    let statement = verify::statement::<DatasetManifest>(&bytes).map_err(Error::Unsealable)?;
    Ok((statement.predicate, Digest::of(&bytes)))
}

/// Signs a run folder and logs what was signed: every bundle, then one proof for each.
///
/// The folder must hold plan, records with their manifest, metrics and model, card included.
pub fn seal(
    folder: &Path,
    draft: Draft,
    key: &PrivateKey,
    log: &mut Log,
) -> Result<Statement<Provenance>, Error> {
    let manifest_path = folder.join(path::MANIFEST);
    let manifest = fs::read(&manifest_path).map_err(|source| Error::Io { path: manifest_path, source })?;
    verify::statement::<DatasetManifest>(&manifest).map_err(Error::Unsealable)?;
    let model = model_signing::statement(&folder.join(path::MODEL))?;
    let disclosure = draft.disclosure.clone();
    let run = run_statement(folder, draft, &model, &log.verifier().to_string())?;
    let mut bundles = vec![
        (Document::Data, Bundle::sign_bytes(&manifest, key)),
        (Document::Model, Bundle::sign(&model, key)?),
        (Document::Run, Bundle::sign(&run, key)?),
    ];
    if let Some(disclosure) = disclosure {
        let statement = Statement::new(model.subject.clone(), disclosure);
        bundles.push((Document::Disclosure, Bundle::sign(&statement, key)?));
    }
    write_whole(&folder.join(path::SIGNER), key.public().to_pem().as_bytes())?;
    let mut entries = Vec::new();
    for (document, bundle) in &bundles {
        let bytes = bundle.to_bytes()?;
        write_whole(&folder.join(document.bundle_path()), &bytes)?;
        entries.push(Digest::of(&bytes));
    }
    let raw: Vec<&[u8]> = entries.iter().map(|entry| entry.as_bytes().as_slice()).collect();
    let indices = log.append(&raw)?;
    for ((document, _), index) in bundles.iter().zip(indices) {
        let proof = log.prove(index)?.encode();
        write_whole(&folder.join(document.proof_path()), proof.as_bytes())?;
    }
    Ok(run)
}

/// Signs what was found in the judged files, with the scores beside it, and logs it where a log is given.
pub fn seal_finding<P: Judgment>(
    folder: &Path,
    judged: Vec<Subject>,
    predicate: P,
    scores: &[ScoreLine],
    key: &PrivateKey,
    log: Option<&mut Log>,
) -> Result<Statement<P>, Error> {
    if let Some(fault) = predicate.faults().into_iter().next() {
        return Err(Error::Unsealable(fault));
    }
    if let Some(subject) = judged.iter().find(|subject| !is_judged_name(&subject.name)) {
        let detail = "not a name that a judged file can have";
        return Err(Error::Unsealable(Finding::new(FindingKind::Malformed, subject.name.clone(), detail)));
    }
    let scores = scores_to_bytes(scores)?;
    let mut subjects = judged;
    subjects.push(Subject::new(watermark::path::SCORES, Digest::of(&scores)));
    let named = log.as_ref().map(|log| log.verifier().to_string());
    let statement = Statement::new(subjects, predicate.in_log(named));
    let bundle = Bundle::sign(&statement, key)?.to_bytes()?;
    write_whole(&folder.join(watermark::path::SCORES), &scores)?;
    write_whole(&folder.join(watermark::path::SIGNER), key.public().to_pem().as_bytes())?;
    write_whole(&folder.join(watermark::path::FINDING), &bundle)?;
    if let Some(log) = log {
        let index = log.append(&[Digest::of(&bundle).as_bytes()])?.start;
        let proof = log.prove(index)?.encode();
        write_whole(&folder.join(watermark::path::PROOF), proof.as_bytes())?;
    }
    Ok(statement)
}

/// Signs the test result that an audit comes to, over the audit, its findings for review tools, and the files that it read.
pub fn seal_audit(
    folder: &Path,
    audit: &Audit,
    sarif: &[u8],
    tested: (Vec<Configuration>, &[&str]),
    key: &PrivateKey,
) -> Result<Statement<TestResult>, Error> {
    let bytes = audit.to_bytes()?;
    let mut subjects = vec![
        Subject::new(audit::path::AUDIT, Digest::of(&bytes)),
        Subject::new(audit::path::SARIF, Digest::of(sarif)),
    ];
    subjects.extend(audit.files.iter().map(|file| Subject::new(format!("log/{}", file.name), file.sha256)));
    let (configuration, classes) = tested;
    let statement = Statement::new(subjects, TestResult::of_audit(audit, configuration, classes));
    let bundle = Bundle::sign(&statement, key)?.to_bytes()?;
    write_whole(&folder.join(audit::path::AUDIT), &bytes)?;
    write_whole(&folder.join(audit::path::SARIF), sarif)?;
    write_whole(&folder.join(audit::path::SIGNER), key.public().to_pem().as_bytes())?;
    write_whole(&folder.join(audit::path::RESULT), &bundle)?;
    Ok(statement)
}

/// Signs what is going to be asked, and logs it: before the first question. Gives the digest of the bundle.
pub fn seal_registration(
    folder: &Path,
    registration: Registration,
    key: &PrivateKey,
    log: &mut Log,
) -> Result<Digest, Error> {
    let subjects = registration.tasks.iter().map(|task| Subject::new(task.task.clone(), task.benchmark));
    let statement = Statement::new(subjects.collect(), registration);
    let bundle = Bundle::sign(&statement, key)?.to_bytes()?;
    write_whole(&folder.join(evaluation::path::SIGNER), key.public().to_pem().as_bytes())?;
    log_bundle(folder, &bundle, (evaluation::path::REGISTRATION, evaluation::path::REGISTRATION_PROOF), log)
}

/// Signs what came of a registered run, over the registration, the answers and the files made of them, and logs it.
pub fn seal_evaluation(
    folder: &Path,
    files: &[String],
    run: EvaluationRun,
    key: &PrivateKey,
    log: &mut Log,
) -> Result<Digest, Error> {
    let own = [evaluation::path::REGISTRATION, evaluation::path::ANSWERS];
    let names = own.into_iter().chain(files.iter().map(String::as_str));
    let subject = |name: &str| Ok(Subject::new(name, Digest::of_file(&folder.join(name))?));
    let subjects = names.map(subject).collect::<Result<Vec<_>, Error>>()?;
    let bundle = Bundle::sign(&Statement::new(subjects, run), key)?.to_bytes()?;
    log_bundle(folder, &bundle, (evaluation::path::RUN, evaluation::path::RUN_PROOF), log)
}

/// Writes a bundle, logs it, and writes the proof.
fn log_bundle(
    folder: &Path,
    bundle: &[u8],
    (name, proof_name): (&str, &str),
    log: &mut Log,
) -> Result<Digest, Error> {
    write_whole(&folder.join(name), bundle)?;
    let digest = Digest::of(bundle);
    let index = log.append(&[digest.as_bytes()])?.start;
    let proof = log.prove(index)?.encode();
    write_whole(&folder.join(proof_name), proof.as_bytes())?;
    Ok(digest)
}

fn run_statement(
    folder: &Path,
    draft: Draft,
    model: &Statement<model_signing::Manifest>,
    log: &str,
) -> Result<Statement<Provenance>, Error> {
    let pin = |name: &str, path: &str| {
        Ok::<_, Error>(ResourceDescriptor::of(
            name,
            format!("file:{path}"),
            Digest::of_file(&folder.join(path))?,
        ))
    };
    let mut resolved_dependencies = draft.dependencies;
    resolved_dependencies.push(pin(name::PLAN, path::PLAN)?);
    resolved_dependencies.push(pin(name::DATASET_MANIFEST, path::MANIFEST)?);
    let byproducts = vec![pin(name::METRICS, path::METRICS)?];
    let internal_parameters = InternalParameters { log: Some(log.to_owned()), ..draft.internal_parameters };
    let build_definition = BuildDefinition {
        build_type: BUILD_TYPE.to_owned(),
        external_parameters: draft.external_parameters,
        internal_parameters,
        resolved_dependencies,
    };
    let run_details = RunDetails { builder: draft.builder, metadata: draft.metadata, byproducts };
    Ok(Statement::new(model.subject.clone(), Provenance { build_definition, run_details }))
}

/// Writes a file whole, in a folder made if it has to be.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    folder
        .and_then(|()| whole_file::write(path, bytes))
        .map_err(|source| Error::Io { path: path.to_owned(), source })
}
