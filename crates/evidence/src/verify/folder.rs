//! A whole run folder, offline: every signature, digest, log proof, provenance edge, share and claim.

use crate::checks::{Aspect, Check, FolderReport};
use crate::consent::Consent;
use crate::disclosure::Disclosure;
use crate::documents::{self, Beside, Record, Statements};
use crate::keys::{KeyId, PublicKey};
use crate::layout::{Document, foreign_evidence, path, read};
use crate::manifest::DatasetManifest;
use crate::provenance::Provenance;
use crate::verify::opening::{judge_signers, keep, report, signer, unopened};
use crate::verify::records::{Case, RecordReader};
use crate::verify::signed::{Trust, Verified, open, statement};
use crate::verify::upstream::{self, Ancestry};
use crate::verify::work::Work;
use crate::verify::{disclosed, edges, granted, logged, records, stated};
use crate::{Error, Finding, FindingKind, Predicate, Statement, bundle, model_signing};
use std::fs;
use std::path::Path;

/// What a run folder shows, each statement's signature checked, with the report on all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FolderFacts {
    /// Every check and contradiction.
    pub report: FolderReport,
    /// Who signed.
    pub signer: Option<KeyId>,
    /// The run's provenance.
    pub run: Option<Statement<Provenance>>,
    /// The dataset manifest.
    pub data: Option<Statement<DatasetManifest>>,
    /// The model signature.
    pub model: Option<Statement<model_signing::Manifest>>,
    /// The maker's disclosure.
    pub disclosure: Option<Statement<Disclosure>>,
    /// The grants that the run rests on.
    pub consents: Vec<Verified<Consent>>,
    /// The models that it was made from, where the folder carries their evidence.
    pub ancestry: Option<Ancestry>,
    /// What lies beside the statements.
    pub beside: Beside,
}

impl FolderFacts {
    /// What the statements say together, where all that are needed are sound.
    pub fn record(&self) -> Option<Record<'_>> {
        let of_run = (self.run.as_ref(), self.data.as_ref(), self.model.as_ref());
        record(of_run, self.disclosure.as_ref(), (&self.beside, &self.consents))
    }
}

fn record<'a>(
    of_run: Statements<'a>,
    disclosure: Option<&Statement<Disclosure>>,
    (beside, consents): (&'a Beside, &'a [Verified<Consent>]),
) -> Option<Record<'a>> {
    let consents = consents.iter().map(|consent| &**consent).collect();
    Record::new(of_run, disclosure, (beside, consents))
}

/// Verifies a run folder. What is missing, malformed or wrong is a check that failed, never an `Err`.
pub fn folder(dir: &Path, trust: &Trust, reader: &dyn RecordReader) -> Result<Verified<FolderFacts>, Error> {
    fs::read_dir(dir).map_err(|source| Error::Io { path: dir.to_owned(), source })?;
    let mut checks = Vec::new();
    let signer = keep(&mut checks, signer(dir, path::SIGNER));
    let keys = Trust::of(signer.clone().into_iter().chain(trust.keys().cloned()));
    let model = document::<model_signing::Manifest>(dir, Document::Model, &keys, &mut checks);
    let run = document::<Provenance>(dir, Document::Run, &keys, &mut checks);
    let data = document::<DatasetManifest>(dir, Document::Data, &keys, &mut checks);
    let disclosure = disclosed(dir, &keys, &mut checks);
    let mut signed = Document::ALL.to_vec();
    signed.retain(|document| *document != Document::Disclosure || disclosure.is_some());
    let signers = [
        model.as_ref().map(|found| found.1),
        run.as_ref().map(|found| found.1),
        data.as_ref().map(|found| found.1),
        disclosure.as_ref().map(|found| found.1),
    ];
    let signers: Vec<KeyId> = signers.into_iter().flatten().collect();
    let trusted = judge_signers(signer.as_ref().map(PublicKey::id), &signers, trust, &mut checks);
    checks.extend(foreign_evidence(dir).into_iter().map(|file| {
        Check::from(Finding::new(FindingKind::ExtraFile, file, "no statement of a run goes by that name"))
    }));
    let (model, run, data) = (model.map(|m| m.0), run.map(|r| r.0), data.map(|d| d.0));
    let disclosure = disclosure.map(|d| d.0);
    check_model(dir, model.as_ref(), &mut checks);
    edges::check(dir, run.as_ref(), model.as_ref(), data.as_ref(), &mut checks);
    let builder = signers.first().copied();
    let records = records::check(dir, data.as_ref(), reader, &mut checks);
    let consents = data.as_ref().map_or_else(Vec::new, |data| {
        let work = Work { dir, run: run.as_ref(), data: &data.predicate, records: &records, builder };
        granted::check(&work, trust, &mut checks)
    });
    if let (Some(run), Some(data)) = (&run, &data) {
        let disclosure = disclosure.as_ref().map(|disclosure| &disclosure.predicate);
        let (run, data, consents) = (&run.predicate, &data.predicate, consents.as_slice());
        let plan = &String::from_utf8_lossy(&read(dir, path::PLAN).unwrap_or_default()).into_owned();
        checks.extend(reader.judge(&Case { plan, data, run, consents, builder, disclosure }));
    }
    let is_logged = check_log(dir, run.as_ref(), &signed, &mut checks);
    stated::check_disclosure(model.as_ref(), data.as_ref(), disclosure.as_ref(), &mut checks);
    edges::check_base(run.as_ref(), disclosure.as_ref(), &mut checks);
    let own = |run| upstream::Own {
        run,
        model: model.as_ref(),
        data: data.as_ref(),
        disclosure: disclosure.as_ref(),
    };
    let ancestry = run.as_ref().and_then(|run| upstream::check(dir, own(run), trust, &mut checks));
    let mut contradictions = stated::check_card(dir, data.as_ref(), disclosure.as_ref(), &mut checks);
    let benchmarks = disclosed::check(dir, &keys, model.as_ref(), &mut checks);
    let beside = Beside::read(dir, run.as_ref(), benchmarks);
    let of_run = (run.as_ref(), data.as_ref(), model.as_ref());
    let record = record(of_run, disclosure.as_ref(), (&beside, &consents));
    contradictions.extend(record.iter().flat_map(|record| documents::check(dir, record, &mut checks)));
    let report = report(checks, contradictions, trusted, is_logged);
    let facts =
        FolderFacts { report, signer: builder, run, data, model, disclosure, consents, ancestry, beside };
    Ok(Verified::new(facts, builder))
}

/// The maker's disclosure, which a folder may do without; one half of it alone is a finding.
fn disclosed(dir: &Path, keys: &Trust, checks: &mut Vec<Check>) -> Option<(Statement<Disclosure>, KeyId)> {
    let files = [Document::Disclosure.bundle_path(), Document::Disclosure.proof_path()];
    if files.iter().any(|file| dir.join(file).exists()) {
        return document::<Disclosure>(dir, Document::Disclosure, keys, checks);
    }
    let [bundle, _] = files;
    checks.push(Check::not_recorded(Aspect::Disclosure, bundle, "no signed disclosure"));
    None
}

fn check_log(
    dir: &Path,
    run: Option<&Statement<Provenance>>,
    signed: &[Document],
    checks: &mut Vec<Check>,
) -> logged::Logged {
    let Some(run) = run else { return logged::Logged::NotAll };
    let place = logged::Place {
        names: Document::Run.bundle_path(),
        log: Some(path::LOG),
        proofs: signed.iter().map(|document| (document.bundle_path(), document.proof_path())).collect(),
        is_shared: false,
    };
    logged::check(dir, run.predicate.build_definition.internal_parameters.log.as_deref(), &place, checks)
}

/// A bundle of the folder with its signer, where its signature holds.
fn document<P: Predicate>(
    dir: &Path,
    which: Document,
    keys: &Trust,
    checks: &mut Vec<Check>,
) -> Option<(Statement<P>, KeyId)> {
    let subject = which.bundle_path();
    let found = read(dir, &subject).and_then(|bytes| {
        let (payload, signer) = open(&bundle::parse(&bytes)?, keys)?;
        if which == Document::Data && read(dir, path::MANIFEST)? != payload {
            let detail = "its bytes are not the signed ones";
            return Err(Finding::new(FindingKind::BadDigest, path::MANIFEST, detail));
        }
        Ok((statement(&payload)?, signer))
    });
    match found {
        Ok(found) => {
            checks.push(Check::pass(Aspect::Signature, subject, format!("signed by {}", found.1)));
            Some(found)
        }
        Err(mut finding) => {
            if !finding.subject.contains('/') {
                finding.subject = format!("{subject}: {}", finding.subject);
            }
            checks.push(unopened(finding).into());
            None
        }
    }
}

fn check_model(dir: &Path, model: Option<&Statement<model_signing::Manifest>>, checks: &mut Vec<Check>) {
    let Some(model) = model else { return };
    let mut findings = model_signing::check(&dir.join(path::MODEL), model);
    if !model.predicate.serialization.ignore_paths.is_empty() {
        let detail = "the signature of a run's model must leave nothing out";
        findings.push(Finding::new(FindingKind::ExtraFile, "ignore_paths", detail));
    }
    if findings.is_empty() {
        let detail = format!("{} files as signed", model.predicate.resources.len());
        checks.push(Check::pass(Aspect::ModelFiles, path::MODEL, detail));
    }
    for mut finding in findings {
        finding.subject = format!("{}/{}", path::MODEL, finding.subject);
        checks.push(finding.into());
    }
}
