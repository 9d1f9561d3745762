//! What lies beside the signed statements: evaluations, bundles, offers.

use crate::layout::{Document, path};
use crate::provenance::{Provenance, name};
use crate::{Digest, Statement};
use serde::Deserialize;
use std::fs;
use std::path::Path;

const METRICS_SCHEMA: &str = "stillmark/metrics/v1";
const CONSENT: &str = "evidence/consent";

/// What a verified folder holds beside its statements.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beside {
    /// The digest of the dataset manifest's bytes.
    pub record: Option<Digest>,
    /// The bundles, by path.
    pub evidence: Vec<(String, Digest)>,
    /// The evaluations, first to last; none where the run does not pin the metrics as they are.
    pub evaluations: Vec<Evaluation>,
    /// The offers that were made for this distillation.
    pub offers: Vec<Offer>,
}

/// An offer, by its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The file in the run folder.
    pub path: String,
    /// The digest of its bytes.
    pub digest: Digest,
}

/// An evaluation on held-out records after so many steps.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Evaluation {
    /// The step; 0 is the untrained student.
    pub step: u64,
    /// The positions that were looked at.
    pub rows: u64,
    /// KL(teacher, student) in nats.
    pub kl: Option<f64>,
    /// How often both find the same token likeliest.
    pub agreement: Option<f64>,
    /// The student's perplexity of the text.
    pub perplexity: Option<f64>,
    /// The teacher's.
    pub teacher_perplexity: Option<f64>,
}

#[derive(Deserialize)]
struct Head {
    schema: String,
    kind: String,
}

impl Beside {
    pub(crate) fn read(dir: &Path, run: Option<&Statement<Provenance>>) -> Self {
        let digest = |file: &str| fs::read(dir.join(file)).ok().map(|bytes| Digest::of(&bytes));
        let bundles = Document::ALL.into_iter().map(Document::bundle_path);
        let metrics = fs::read(dir.join(path::METRICS)).ok().filter(|bytes| {
            run.and_then(|run| run.predicate.byproduct(name::METRICS)) == Some(Digest::of(bytes))
        });
        Self {
            record: digest(path::MANIFEST),
            evidence: bundles.filter_map(|file| digest(&file).map(|digest| (file, digest))).collect(),
            evaluations: metrics
                .map(|bytes| evaluations(&String::from_utf8_lossy(&bytes)))
                .unwrap_or_default(),
            offers: offers(dir),
        }
    }
}

/// The evaluations among lines of metrics; other lines are passed over.
pub fn evaluations(metrics: &str) -> Vec<Evaluation> {
    let of_line = |line: &str| {
        let head: Head = serde_json::from_str(line).ok()?;
        let is_one = head.schema == METRICS_SCHEMA && head.kind == "evaluation";
        if is_one { serde_json::from_str(line).ok() } else { None }
    };
    metrics.lines().filter_map(of_line).collect()
}

fn offers(dir: &Path) -> Vec<Offer> {
    let entries = fs::read_dir(dir.join(CONSENT)).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut paths: Vec<String> =
        names.filter(|name| name.ends_with(".offer.toml")).map(|name| format!("{CONSENT}/{name}")).collect();
    paths.sort();
    let offer = |path: String| {
        let digest = Digest::of(&fs::read(dir.join(&path)).ok()?);
        Some(Offer { path, digest })
    };
    paths.into_iter().filter_map(offer).collect()
}
