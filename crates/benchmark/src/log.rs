//! What harnesses leave behind, in one form.
//!
//! A [`Run`] is what one evaluation wrote: a [`Log`] a task, and the [`Group`]s that average over tasks. A log says things of itself
//! ([`About`]) and has rows, which are read one at a time and borrow from the bytes they lie in. Each reader fills what its format holds;
//! what a format does not hold is `None`, never guessed.

use std::borrow::Cow;

use crate::Error;
use crate::json::{Text, Value};

mod file;
pub mod helm;
pub mod inspect;
pub mod lighteval;
pub mod lm_eval;
pub mod openai;
pub mod packed;
pub mod scorer;

pub use file::File;

/// Between the targets of a sample that has several: no text holds it.
pub const BETWEEN_TARGETS: char = '\u{1f}';

/// Samples, read one at a time.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Sample<'a>, Error>> + Send + 'a>;

/// What one evaluation left.
#[derive(Debug, Default)]
pub struct Run<'a> {
    /// The tasks, in the order of their names.
    pub logs: Vec<Log<'a>>,
    /// Averages over tasks.
    pub groups: Vec<Group>,
}

/// One task of one evaluation.
pub struct Log<'a> {
    /// What it says of itself.
    pub about: About<'a>,
    /// Its samples, in the order of the file; none where only aggregates were left.
    pub rows: Option<Rows<'a>>,
}

/// Who wrote a file, as far as its name and first bytes tell; Inspect's archives and lighteval's
/// Parquet are to be unpacked first.
pub fn recognize(file: &File<'_>) -> Option<Harness> {
    if lighteval::is_ours(file) {
        return Some(Harness::Lighteval);
    }
    if lm_eval::is_ours(file) {
        return Some(Harness::LmEval);
    }
    if inspect::is_ours(file) {
        return Some(Harness::Inspect);
    }
    if helm::is_ours(file) {
        return Some(Harness::Helm);
    }
    openai::is_ours(file).then_some(Harness::OpenAi)
}

/// The runs that lie in some files, each of which was recognized.
pub fn read<'a>(files: &[File<'a>]) -> Result<Vec<Run<'a>>, Error> {
    let of = |harness: Harness| -> Vec<File<'a>> {
        files.iter().filter(|file| recognize(file) == Some(harness)).copied().collect()
    };
    let mut runs = lm_eval::read(&of(Harness::LmEval))?;
    for file in of(Harness::Inspect) {
        runs.push(inspect::read(file)?);
    }
    runs.extend(helm::read(&of(Harness::Helm))?);
    runs.extend(lighteval::read(&of(Harness::Lighteval))?);
    for file in of(Harness::OpenAi) {
        runs.push(openai::read(file)?);
    }
    Ok(runs)
}

/// Who wrote a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harness {
    /// `EleutherAI`'s lm-evaluation-harness.
    LmEval,
    /// The UK AI Security Institute's Inspect.
    Inspect,
    /// Stanford's HELM.
    Helm,
    /// Hugging Face's lighteval.
    Lighteval,
    /// JSON Lines of questions and answers, as scripts around chat interfaces write them.
    OpenAi,
}

/// What a log says of itself.
#[derive(Debug, Clone)]
pub struct About<'a> {
    /// Who wrote it.
    pub harness: Harness,
    /// The harness's version.
    pub version: Option<String>,
    /// The task, as the harness names it.
    pub task: String,
    /// The model, as the harness names it.
    pub model: Option<String>,
    /// The file that holds the samples.
    pub samples_file: Option<String>,
    /// The file that holds the aggregates.
    pub results_file: Option<String>,
    /// How the task was set up.
    pub setup: Setup<'a>,
    /// The aggregates it states.
    pub claims: Vec<Claim>,
    /// How many items it states.
    pub counts: Option<Counts>,
    /// lm-eval's digest over the digests of all rows.
    pub task_hash: Option<String>,
    /// What it says twice, and not alike.
    pub contradictions: Vec<Contradiction>,
}

/// Two things that a log says of one matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// What it says them of.
    pub of: Matter,
    /// One of them, as it is spelled.
    pub one: String,
    /// The other: what the task's configuration says, where it is one of the two.
    pub other: String,
}

/// What a log may say twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Matter {
    /// The version of the task.
    Version,
    /// The number of worked examples.
    Shots,
    /// Whether more of a metric is better.
    Direction,
    /// The number of items.
    Count,
    /// That a metric has a standard error.
    StandardError,
}

/// How a task was set up, as far as the log says.
#[derive(Debug, Clone, Default)]
pub struct Setup<'a> {
    /// Worked examples before each question.
    pub shots: Option<u64>,
    /// How many items were asked, where not all: a number, or a share below 1.
    pub limit: Option<f64>,
    /// Which items were asked, where they were picked by number.
    pub picked: Option<Vec<u64>>,
    /// The seed by which worked examples were drawn.
    pub shot_seed: Option<u64>,
    /// Generation settings of the command line, which override the task's.
    pub generation: Option<Value<'a>>,
    /// The chat template, where one was applied.
    pub chat_template: Option<String>,
    /// The system message.
    pub system: Option<String>,
    /// Whether worked examples were turns of a conversation.
    pub multiturn: Option<bool>,
    /// The task's own configuration, as the harness dumped it.
    pub config: Option<Value<'a>>,
}

/// One aggregate that a log states.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The metric: `acc`.
    pub metric: String,
    /// The filter its answers went through: `none`, `strict-match`.
    pub filter: String,
    /// Its value.
    pub value: f64,
    /// Its standard error, where one is stated.
    pub stderr: Option<f64>,
}

/// How many items a log states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// In the benchmark.
    pub original: u64,
    /// Asked.
    pub effective: u64,
}

/// An average over tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// What it averages over: tasks or other groups.
    pub members: Vec<String>,
    /// The aggregates it states.
    pub claims: Vec<Claim>,
    /// The file that states them.
    pub file: String,
}

/// One item that was asked, under one filter.
#[derive(Debug, Clone)]
pub struct Sample<'a> {
    /// The line (or row) of the file it stands on, from 1.
    pub line: u64,
    /// The item's name in the log; lm-eval counts from 0.
    pub id: Cow<'a, str>,
    /// The filter its answers went through.
    pub filter: Cow<'a, str>,
    /// The item as the harness dumped it.
    pub doc: Option<Value<'a>>,
    /// The item, where the reader knows its parts without knowing the task.
    pub item: Option<crate::Record>,
    /// What is right, as the log has it.
    pub target: Option<Text<'a>>,
    /// What was asked, and what the model said.
    pub requests: Vec<Request<'a>>,
    /// What the filter made of each request's responses.
    pub filtered: Vec<Response<'a>>,
    /// The scores of this sample.
    pub scores: Vec<(Cow<'a, str>, Score<'a>)>,
    /// The digests that the harness wrote beside it.
    pub hashes: Hashes<'a>,
}

/// One question to the model.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// What came before the answer; for chat, as the harness dumped it.
    pub prompt: Text<'a>,
    /// What the model's log-likelihood was asked of.
    pub continuation: Option<Text<'a>>,
    /// How the answer was to be generated.
    pub generation: Option<Value<'a>>,
    /// What the model said, one a repeat.
    pub responses: Vec<Response<'a>>,
}

/// What a model said.
#[derive(Debug, Clone)]
pub enum Response<'a> {
    /// Text.
    Text(Text<'a>),
    /// How likely a continuation is.
    Likelihood {
        /// The natural logarithm of its probability.
        ln: f64,
        /// Whether it is also what the model would have said.
        greedy: Option<bool>,
    },
    /// Something else, kept as it stands.
    Other(Value<'a>),
}

/// A score of one sample.
#[derive(Debug, Clone)]
pub enum Score<'a> {
    /// A number; truth values are 0 and 1.
    Number(f64),
    /// Something else, kept as it stands.
    Other(Value<'a>),
}

/// The digests that lm-eval writes beside a sample, in hexadecimal.
#[derive(Debug, Clone, Default)]
pub struct Hashes<'a> {
    /// Of the item.
    pub doc: Option<Cow<'a, str>>,
    /// Of the first prompt.
    pub prompt: Option<Cow<'a, str>>,
    /// Of the target.
    pub target: Option<Cow<'a, str>>,
}

impl Harness {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::LmEval => "lm-evaluation-harness",
            Self::Inspect => "inspect_ai",
            Self::Helm => "helm",
            Self::Lighteval => "lighteval",
            Self::OpenAi => "openai-style",
        }
    }
}

impl About<'_> {
    /// Says nothing yet but who wrote it and which task it is.
    pub fn new(harness: Harness, task: impl Into<String>) -> Self {
        Self {
            harness,
            version: None,
            task: task.into(),
            model: None,
            samples_file: None,
            results_file: None,
            setup: Setup::default(),
            claims: Vec::new(),
            counts: None,
            task_hash: None,
            contradictions: Vec::new(),
        }
    }
}

impl Sample<'_> {
    /// The score under a metric, where it is a number.
    pub fn score(&self, metric: &str) -> Option<f64> {
        self.scores.iter().find(|(name, _)| name == metric).and_then(|(_, score)| match score {
            Score::Number(value) => Some(*value),
            Score::Other(_) => None,
        })
    }
}

impl std::fmt::Debug for Log<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("about", &self.about).finish_non_exhaustive()
    }
}
