//! What the model gave, kept as it comes: a killed run loses at most the batch in hand.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stillmark_benchmark::task::Given;
use stillmark_evidence::evaluation::path;

use super::jobs::Job;
use crate::files;
use crate::problem::Problem;

/// The answers of a run, by task and record.
pub(super) struct Answers {
    path: PathBuf,
    file: File,
    given: BTreeMap<(usize, usize), Given>,
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    task: String,
    index: usize,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    log_likelihoods: Vec<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    is_greedy: Vec<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// Opens the answers of a folder; what a killed run left of a last line is cut off.
pub(super) fn open(out: &Path, jobs: &[Job]) -> Result<Answers, Problem> {
    let path = out.join(path::ANSWERS);
    let text = if path.exists() { files::read_text(&path)? } else { String::new() };
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    let mut given = BTreeMap::new();
    for (number, line) in text[..whole].lines().enumerate() {
        let damaged = |detail: String| {
            Problem::new(format!("{}, line {}: {detail}", path.display(), number + 1))
                .hint("answers are never edited: name another folder with `--out`")
        };
        let line: Line = serde_json::from_str(line).map_err(|err| damaged(err.to_string()))?;
        let place = jobs.iter().position(|job| job.task.name == line.task && line.index < job.prompts.len());
        let task = place.ok_or_else(|| damaged(format!("`{}` {} is not asked", line.task, line.index)))?;
        let index = line.index;
        given.insert((task, index), line.given());
    }
    let cannot = |err: std::io::Error| files::cannot("write", &path, &err);
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(cannot)?;
    file.set_len(whole as u64).map_err(cannot)?;
    Ok(Answers { path, file, given })
}

impl Line {
    fn new(task: &str, index: usize, given: &Given) -> Self {
        let mut line = Self {
            task: task.to_owned(),
            index,
            log_likelihoods: Vec::new(),
            is_greedy: Vec::new(),
            text: None,
        };
        match given {
            Given::Choices(all) => (line.log_likelihoods, line.is_greedy) = all.iter().copied().unzip(),
            Given::Text(text) => line.text = Some(text.clone()),
        }
        line
    }

    fn given(self) -> Given {
        match self.text {
            Some(text) => Given::Text(text),
            None => Given::Choices(self.log_likelihoods.into_iter().zip(self.is_greedy).collect()),
        }
    }
}

impl Answers {
    /// What was given for a record.
    pub(super) fn get(&self, task: usize, index: usize) -> Option<&Given> {
        self.given.get(&(task, index))
    }

    /// Adds answers, and does not return before they are on disk.
    pub(super) fn add(&mut self, jobs: &[Job], batch: Vec<((usize, usize), Given)>) -> Result<(), Problem> {
        let cannot = |err: &std::io::Error| files::cannot("write", &self.path, err);
        let mut lines = Vec::new();
        for ((task, index), given) in &batch {
            let line = Line::new(&jobs[*task].task.name, *index, given);
            serde_json::to_writer(&mut lines, &line).map_err(|err| cannot(&err.into()))?;
            lines.push(b'\n');
        }
        self.file.write_all(&lines).and_then(|()| self.file.sync_data()).map_err(|err| cannot(&err))?;
        self.given.extend(batch);
        Ok(())
    }
}
