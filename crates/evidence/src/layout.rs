//! Where things lie in a run folder.

use crate::{Error, Finding, FindingKind};
use std::fs;
use std::path::Path;

/// The paths of the run folder that evidence speaks of.
pub mod path {
    /// The plan.
    pub const PLAN: &str = "plan.toml";
    /// The dataset manifest, an in-toto statement.
    pub const MANIFEST: &str = "data/manifest.json";
    /// The folder of the records.
    pub const DATA: &str = "data";
    /// The model in Hugging Face layout.
    pub const MODEL: &str = "model";
    /// The model card.
    pub const CARD: &str = "model/README.md";
    /// The measurements.
    pub const METRICS: &str = "metrics.jsonl";
    /// The folder of the evidence.
    pub const EVIDENCE: &str = "evidence";
    /// The log.
    pub const LOG: &str = "evidence/log";
    /// The provider's receipts for the answers in the records.
    pub const RECEIPTS: &str = "data/receipts.jsonl";
    /// The proofs that the receipts are in the provider's log.
    pub const RECEIPT_PROOFS: &str = "evidence/receipts.jsonl";
    /// The folder of the grants that the run rests on.
    pub const CONSENT: &str = "evidence/consent";
    /// The offer that the teacher's provider makes.
    pub const OFFER: &str = "evidence/consent/distillation.toml";
    /// The signer's public key.
    pub const SIGNER: &str = "evidence/signer.pub.pem";
}

/// One of the bundles of a run folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// The dataset manifest.
    Data,
    /// The model signature.
    Model,
    /// The run's provenance.
    Run,
    /// The maker's disclosure.
    Disclosure,
}

impl Document {
    /// Every document, in the order they are signed and logged.
    pub const ALL: [Self; 4] = [Self::Data, Self::Model, Self::Run, Self::Disclosure];

    /// The bundle's path in the run folder.
    pub fn bundle_path(self) -> String {
        format!("{}/{}.sigstore.json", path::EVIDENCE, self.stem())
    }

    /// The log proof's path in the run folder.
    pub fn proof_path(self) -> String {
        format!("{}/{}.tlog-proof", path::EVIDENCE, self.stem())
    }

    fn stem(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Model => "model",
            Self::Run => "run",
            Self::Disclosure => "disclosure",
        }
    }
}

/// The names of the record files of a data folder, in their order.
pub(crate) fn record_files(data: &Path) -> Result<Vec<String>, Error> {
    let io = |source| Error::Io { path: data.to_owned(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(data).map_err(io)? {
        let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
        if name.starts_with("records-") && name.ends_with(".parquet") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// The paths of bundles and proofs beside the evidence that are of none of its documents, in their order.
pub(crate) fn foreign_evidence(dir: &Path) -> Vec<String> {
    let known =
        |path: &String| Document::ALL.iter().any(|one| [one.bundle_path(), one.proof_path()].contains(path));
    let entries = fs::read_dir(dir.join(path::EVIDENCE)).into_iter().flatten().flatten();
    let paths = entries.map(|entry| format!("{}/{}", path::EVIDENCE, entry.file_name().to_string_lossy()));
    let is_evidence = |path: &String| path.ends_with(".sigstore.json") || path.ends_with(".tlog-proof");
    let mut foreign: Vec<String> = paths.filter(|path| is_evidence(path) && !known(path)).collect();
    foreign.sort();
    foreign
}

/// Reads a file of the folder; what cannot be read is missing.
pub(crate) fn read(dir: &Path, name: &str) -> Result<Vec<u8>, Finding> {
    fs::read(dir.join(name)).map_err(|error| Finding::new(FindingKind::MissingFile, name, error.to_string()))
}
