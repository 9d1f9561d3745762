//! What lies beside the signed statements: evaluations, bundles, offers.

use super::benchmarks::Evaluated;
use crate::layout::{Document, path};
use crate::provenance::{Provenance, name};
use crate::{Digest, Statement};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

const METRICS_SCHEMA: &str = "stillmark/metrics/v1";
/// What safetensors allows.
const LONGEST_HEADER: u64 = 100_000_000;

/// What a verified folder holds beside its statements.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beside {
    /// The digest of the dataset manifest's bytes.
    pub record: Option<Digest>,
    /// The bundles, by path.
    pub evidence: Vec<(String, Digest)>,
    /// The evaluations, first to last; none where the run does not pin the metrics as they are.
    pub evaluations: Vec<Evaluation>,
    /// The kind of the student's architecture, as its configuration names it.
    pub architecture: Option<String>,
    /// How many numbers the student's weights are.
    pub parameters: Option<u64>,
    /// The evaluation runs whose statements lie in the folder, as far as they are sound.
    pub benchmarks: Vec<Evaluated>,
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
    pub(crate) fn read(dir: &Path, run: Option<&Statement<Provenance>>, benchmarks: Vec<Evaluated>) -> Self {
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
            architecture: architecture(&dir.join(path::MODEL)),
            parameters: parameters(&dir.join(path::MODEL)),
            benchmarks,
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

fn architecture(model: &Path) -> Option<String> {
    let config: Value = serde_json::from_slice(&fs::read(model.join("config.json")).ok()?).ok()?;
    config["model_type"].as_str().map(str::to_owned)
}

/// Counts the numbers of all tensors by the headers of the weights' files; none where one cannot be read.
fn parameters(model: &Path) -> Option<u64> {
    let names = fs::read_dir(model).ok()?.flatten().map(|entry| entry.path());
    let mut files = names.filter(|path| path.extension().is_some_and(|end| end == "safetensors")).peekable();
    files.peek()?;
    files.map(|path| numbers(&path)).sum()
}

fn numbers(file: &Path) -> Option<u64> {
    let mut file = File::open(file).ok()?;
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    let mut header = Vec::new();
    file.take(length.min(LONGEST_HEADER)).read_to_end(&mut header).ok()?;
    let tensors: BTreeMap<String, Value> = serde_json::from_slice(&header).ok()?;
    let sizes = tensors.iter().filter(|(name, _)| *name != "__metadata__").map(|(_, tensor)| {
        let mut dimensions = tensor["shape"].as_array()?.iter().map(Value::as_u64);
        dimensions.try_fold(1_u64, |product, size| product.checked_mul(size?))
    });
    sizes.sum()
}
