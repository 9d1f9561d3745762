//! Evaluation runs: registered before they start, signed when they end (docs/spec/evaluation-run.md).

use crate::{Digest, Error, Predicate};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Where things lie in the folder of an evaluation run.
pub mod path {
    /// The signed registration.
    pub const REGISTRATION: &str = "registration.sigstore.json";
    /// The proof that the registration is in the log.
    pub const REGISTRATION_PROOF: &str = "registration.tlog-proof";
    /// The signed result.
    pub const RUN: &str = "run.sigstore.json";
    /// The proof that the result is in the log.
    pub const RUN_PROOF: &str = "run.tlog-proof";
    /// What the model answered, a line a question, in the order in which the answers came.
    pub const ANSWERS: &str = "answers.jsonl";
    /// The signer's public key.
    pub const SIGNER: &str = "signer.pub.pem";
    /// The report, which is not signed.
    pub const REPORT: &str = "report.html";
    /// An audit of the folder's own logs, in a folder of its own.
    pub const AUDIT: &str = "audit";
}

/// Whether a folder is that of an evaluation run.
pub fn is_folder(dir: &Path) -> bool {
    dir.join(path::REGISTRATION).exists()
}

/// What is going to be asked of which model: stated before the first question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// What decides the run besides the model: the digest of the tasks' recipes, benchmarks and counts.
    pub spec: Digest,
    /// The model.
    pub model: Model,
    /// What is asked, task by task.
    pub tasks: Vec<RegisteredTask>,
    /// When it was registered, RFC 3339.
    pub registered_on: String,
    /// How many runs of this spec and model the log held before.
    pub earlier_runs: u64,
    /// The log's verifier key.
    pub log: String,
}

/// The model that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name: a path, a catalog name, or a name at an API.
    pub name: String,
    /// The digest of its weights; none where it is only reached through an API.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub weights: Option<Digest>,
    /// Where it was reached, where that is an API.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub url: Option<String>,
    /// What numbers were rounded to in its products.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub precision: Option<String>,
}

/// One task of a registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredTask {
    /// The harness's name of the task.
    pub task: String,
    /// The digest of its recipe (docs/spec/evaluation-recipe.md).
    pub recipe: Digest,
    /// The strict digest of the benchmark's subset.
    pub benchmark: Digest,
    /// Records in the subset.
    pub records: u64,
    /// Records that are asked.
    pub asked: u64,
}

/// What came of a registered run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRun {
    /// The digest of the registration's bundle.
    pub registration: Digest,
    /// How many runs of this spec and model the log held when this one ended, itself included.
    pub registered_runs: u64,
    /// The model, as registered.
    pub model: Model,
    /// The scores, task by task.
    pub tasks: Vec<TaskResult>,
    /// The averages over tasks, inner groups first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub groups: Vec<GroupResult>,
    /// When the run began, RFC 3339.
    pub started_on: String,
    /// When it ended.
    pub finished_on: String,
    /// The log's verifier key.
    pub log: String,
}

/// What came of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The harness's name of the task.
    pub task: String,
    /// The recipe, whole.
    pub recipe: Value,
    /// Its digest, as registered.
    pub recipe_sha256: Digest,
    /// The strict digest of the benchmark's subset, as registered.
    pub benchmark: Digest,
    /// Whether that is the digest of a benchmark that is pinned publicly.
    pub pinned: bool,
    /// Records that were asked.
    pub asked: u64,
    /// The digest of the prompts: of the SHA-256 of each in hexadecimal, a line each, in the order of the records.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prompts_sha256: Option<Digest>,
    /// The scores.
    pub scores: Vec<TaskScore>,
}

/// One score of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskScore {
    /// Which metric.
    pub metric: String,
    /// Of what which filter took.
    pub filter: String,
    /// The mean over the records.
    pub value: f64,
    /// Its standard error; none where there is one record only.
    pub stderr: Option<f64>,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
    /// The interval's confidence.
    pub confidence: f64,
    /// How the interval was made: `wilson` or `student`.
    pub interval: String,
}

/// What came of several tasks together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupResult {
    /// The harness's name of the group.
    pub group: String,
    /// Its tasks, those of inner groups included.
    pub tasks: Vec<String>,
    /// Records that were asked, of all of them.
    pub asked: u64,
    /// Which metric is averaged.
    pub metric: String,
    /// Of what which filter took.
    pub filter: String,
    /// The mean over the records, with an interval that takes each task for a cluster.
    pub micro: Average,
    /// The mean over the tasks, each weighing the same.
    #[serde(rename = "macro")]
    pub by_task: Average,
    /// The standard error of the mean over the records as the harness pools it: records taken as independent.
    pub pooled_stderr: Option<f64>,
    /// The confidence of both intervals.
    pub confidence: f64,
}

/// An average with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// The average.
    pub value: f64,
    /// Its standard error; none where there is one task only.
    pub stderr: Option<f64>,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

impl Average {
    /// Whether its interval holds an average, up to the rounding of sums.
    fn is_of(&self, average: f64) -> bool {
        (self.value - average).abs() <= SUMS && self.low <= self.value && self.value <= self.high
    }
}

/// How far two sums of the same scores may be apart.
const SUMS: f64 = 1e-9;

impl Predicate for Registration {
    const TYPE: &'static str = "urn:stillmark:evaluation-registration:v1";
}

impl Predicate for EvaluationRun {
    const TYPE: &'static str = "urn:stillmark:evaluation-run:v1";
}

impl Registration {
    /// The digest of what decides a run besides the model.
    pub fn spec_of(tasks: &[RegisteredTask]) -> Result<Digest, Error> {
        Ok(Digest::of(&serde_json_canonicalizer::to_vec(&tasks)?))
    }
}

impl EvaluationRun {
    /// What keeps the result from being one of the registration; none where it is.
    pub fn departs_from(&self, registration: &Registration) -> Option<String> {
        if self.model != registration.model {
            return Some("another model was asked than was registered".to_owned());
        }
        if self.registered_runs <= registration.earlier_runs {
            return Some("it counts fewer runs than were registered before it".to_owned());
        }
        if self.tasks.len() != registration.tasks.len() {
            return Some(format!(
                "{} tasks were registered, {} have results",
                registration.tasks.len(),
                self.tasks.len()
            ));
        }
        let mut pairs = self.tasks.iter().zip(&registration.tasks);
        pairs
            .find_map(|(task, registered)| task.departs_from(registered))
            .or_else(|| self.groups.iter().find_map(|group| group.departs_from(&self.tasks)))
    }
}

impl GroupResult {
    /// What keeps it from being the average of tasks.
    fn departs_from(&self, tasks: &[TaskResult]) -> Option<String> {
        let name = &self.group;
        let (mut asked, mut sum, mut sum_of_means) = (0, 0.0, 0.0);
        for member in &self.tasks {
            let task = tasks.iter().find(|task| task.task == *member);
            let of_metric = |score: &&TaskScore| score.metric == self.metric && score.filter == self.filter;
            let Some((task, score)) = task.and_then(|task| Some((task, task.scores.iter().find(of_metric)?)))
            else {
                return Some(format!("`{name}` averages `{member}`, which has no such result"));
            };
            asked += task.asked;
            sum += score.value * task.asked as f64;
            sum_of_means += score.value;
        }
        if asked != self.asked || asked == 0 {
            return Some(format!("`{name}` says {} records, its tasks asked {asked}", self.asked));
        }
        let (micro, by_task) = (sum / asked as f64, sum_of_means / self.tasks.len() as f64);
        let is_sound = self.micro.is_of(micro) && self.by_task.is_of(by_task);
        (!is_sound).then(|| {
            format!(
                "`{name}`: its averages are not those of its tasks, {micro} by record and {by_task} by task"
            )
        })
    }
}

impl TaskResult {
    fn departs_from(&self, registered: &RegisteredTask) -> Option<String> {
        let canonical = serde_json_canonicalizer::to_vec(&self.recipe).unwrap_or_default();
        let found = Digest::of(&canonical);
        let name = &registered.task;
        if self.task != *name {
            return Some(format!("`{name}` was registered, `{}` has results", self.task));
        }
        if found != self.recipe_sha256 || found != registered.recipe {
            return Some(format!(
                "`{name}`: its recipe has the digest {found}, {} was registered",
                registered.recipe
            ));
        }
        if self.benchmark != registered.benchmark || self.asked != registered.asked {
            return Some(format!("`{name}`: other records were asked than were registered"));
        }
        let is_bad = |score: &&TaskScore| !(score.low <= score.value && score.value <= score.high);
        let bad = self.scores.iter().find(is_bad)?;
        Some(format!("`{name}`: the interval of `{}` does not hold its value", bad.metric))
    }
}
