//! What a task is.

use super::filter::Filter;
use super::metric::Metric;
use super::template::Template;
use crate::record::Record;

/// A task of the harness.
#[derive(Debug, Clone)]
pub struct Task {
    /// The harness's name: `mmlu_abstract_algebra`.
    pub name: String,
    /// Its name in tables, where it has another.
    pub alias: String,
    /// Which of our pinned benchmarks it asks: `mmlu`.
    pub benchmark: &'static str,
    /// Which subset of it: `abstract_algebra`.
    pub subset: String,
    /// Which part is asked.
    pub split: &'static str,
    /// The task's own version.
    pub version: &'static str,
    /// What stands before everything else; may be empty.
    pub description: String,
    /// How a record becomes text.
    pub template: Template,
    /// The template of the question as the harness writes it, for the recipe.
    pub doc_to_text: &'static str,
    /// The template of the choices as the harness writes it; empty where there are none.
    pub doc_to_choice: &'static str,
    /// What stands between a question and its answer.
    pub delimiter: &'static str,
    /// Where examples come from.
    pub shot_source: ShotSource,
    /// How examples are chosen.
    pub sampler: Sampler,
    /// How many examples a prompt shows unless asked otherwise.
    pub default_shots: usize,
    /// Whether the harness lets a run choose another number.
    pub shots_fixed: bool,
    /// What is asked of the model, and how its answer is scored.
    pub output: Output,
}

/// Where examples come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShotSource {
    /// A part of the same subset.
    Split(&'static str),
    /// Records that belong to the recipe.
    Fixed(Vec<Record>),
    /// The three worked examples of the benchmark's own `cot-prompts` file, which the copy must hold.
    CotPrompts,
}

/// How examples are chosen from their source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampler {
    /// The first ones.
    FirstN,
    /// `CPython`'s `random.sample`, one generator for the whole run.
    Random,
    /// As [`Sampler::Random`], drawing one more and leaving out the record that is asked.
    RandomWithoutOwn,
}

/// What is asked of the model.
#[derive(Debug, Clone)]
pub enum Output {
    /// How probable each choice is.
    Choices {
        /// What is made of it.
        metrics: Vec<Metric>,
    },
    /// A text.
    Text {
        /// How it is written.
        generation: Generation,
        /// What is taken from it, by name.
        filters: Vec<Filter>,
        /// What is made of that.
        metric: Metric,
    },
}

/// How a text is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Texts that end it, and are cut off.
    pub until: &'static [&'static str],
    /// The most tokens, where the task says so; else the harness's 256.
    pub max_gen_toks: Option<usize>,
    /// Whether the task spells out a temperature of 0 beside `do_sample: false`.
    pub states_temperature: bool,
}

/// Several tasks whose scores are averaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The harness's name.
    pub name: String,
    /// Its groups or tasks, in the harness's order.
    pub members: Vec<String>,
    /// The metric that is averaged; each task weighs as many as its samples.
    pub metric: &'static str,
    /// Under which filter.
    pub filter: &'static str,
    /// What the harness's table calls it.
    pub alias: String,
    /// The version of the group, as its results spell it.
    pub version: &'static str,
}

impl Task {
    /// The metric names, in the harness's order.
    pub fn metric_names(&self) -> Vec<&'static str> {
        match &self.output {
            Output::Choices { metrics } => metrics.iter().map(Metric::name).collect(),
            Output::Text { metric, .. } => vec![metric.name()],
        }
    }

    /// The filter names, in the harness's order.
    pub fn filter_names(&self) -> Vec<&'static str> {
        match &self.output {
            Output::Choices { .. } => vec!["none"],
            Output::Text { filters, .. } => filters.iter().map(|filter| filter.name).collect(),
        }
    }
}
