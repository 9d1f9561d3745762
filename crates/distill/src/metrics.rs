//! `metrics.jsonl`: what each step and each evaluation gave, one JSON object a line (docs/spec/metrics.md).

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::train::{Evaluation, StepRecord};
use stillmark_evidence::whole_file;

const SCHEMA: &str = "stillmark/metrics/v1";

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    schema: String,
    /// What the line holds.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What a line holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Entry {
    /// A step.
    Step(StepRecord),
    /// An evaluation on what is held out.
    Evaluation(EvaluationRecord),
}

/// An evaluation after a step; step 0 is the untrained student.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRecord {
    /// The step.
    pub step: u64,
    /// Rows that were looked at.
    pub rows: usize,
    /// KL(teacher || student) in nats.
    pub kl: Option<f64>,
    /// Share of rows where both find the same token the likeliest.
    pub agreement: Option<f64>,
    /// The student's perplexity of the text.
    pub perplexity: Option<f64>,
    /// The teacher's.
    pub teacher_perplexity: Option<f64>,
}

impl EvaluationRecord {
    /// What is written of an evaluation.
    pub fn new(step: u64, found: &Evaluation) -> Self {
        let Evaluation { rows, kl, agreement, perplexity, teacher_perplexity } = *found;
        Self { step, rows, kl, agreement, perplexity, teacher_perplexity }
    }
}

impl Entry {
    /// The step that it is of.
    pub fn step(&self) -> u64 {
        match self {
            Self::Step(record) => record.step,
            Self::Evaluation(record) => record.step,
        }
    }
}

/// The open file.
#[derive(Debug)]
pub struct Metrics {
    path: PathBuf,
    file: File,
}

impl Metrics {
    /// Opens the file, dropping what lies after `step`: those steps will be made again.
    pub fn resume(path: &Path, step: u64) -> Result<Self, Error> {
        let mut kept = Vec::new();
        for entry in read(path)? {
            if entry.step() <= step {
                kept.extend(line(path, &entry)?);
            }
        }
        whole_file::write(path, &kept).map_err(Error::io(path))?;
        Self::append(path)
    }

    /// Begins the file anew.
    pub fn begin(path: &Path) -> Result<Self, Error> {
        whole_file::write(path, &[]).map_err(Error::io(path))?;
        Self::append(path)
    }

    fn append(path: &Path) -> Result<Self, Error> {
        let file = OpenOptions::new().append(true).open(path).map_err(Error::io(path))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Adds a line.
    pub fn add(&mut self, entry: &Entry) -> Result<(), Error> {
        let line = line(&self.path, entry)?;
        self.file.write_all(&line).map_err(Error::io(&self.path))
    }

    /// Puts what was added on the disk.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(Error::io(&self.path))
    }
}

/// Reads a file of metrics; nothing where there is none. A last line that was cut short is passed over.
pub fn read(path: &Path) -> Result<Vec<Entry>, Error> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Io { path: path.to_owned(), source }),
    };
    let mut entries = Vec::new();
    for (idx, line) in text.split_inclusive('\n').enumerate().filter(|(_, line)| line.ends_with('\n')) {
        let fault = |detail: String| Error::Input { path: path.to_owned(), line: idx + 1, detail };
        let line: Line = serde_json::from_str(line).map_err(|error| fault(error.to_string()))?;
        if line.schema != SCHEMA {
            return Err(fault(format!("is of schema `{}`, not `{SCHEMA}`", line.schema)));
        }
        entries.push(line.entry);
    }
    Ok(entries)
}

fn line(path: &Path, entry: &Entry) -> Result<Vec<u8>, Error> {
    let line = Line { schema: SCHEMA.to_owned(), entry: entry.clone() };
    let mut bytes = serde_json::to_vec(&line).map_err(|error| Error::Input {
        path: path.to_owned(),
        line: 0,
        detail: error.to_string(),
    })?;
    bytes.push(b'\n');
    Ok(bytes)
}
