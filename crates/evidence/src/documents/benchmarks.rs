//! Scores on public benchmarks, each with the recipe by which it was obtained.

use super::table::{cell, row};
use crate::Digest;
use crate::evaluation::{EvaluationRun, TaskResult, TaskScore};

/// Where the signed statements of evaluation runs lie in a run folder, a folder each.
pub const EVALUATIONS: &str = "disclosure/evaluations";

/// What the names of these facts begin with.
pub(super) const FAMILY: &str = "benchmark";

/// An evaluation run whose statements were verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluated {
    /// The digest of its bundle.
    pub bundle: Digest,
    /// What came of it.
    pub run: EvaluationRun,
}

/// A score of an evaluation run, as documents list it.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkScore {
    /// What the score is on: the name of its facts, up to the colon.
    pub on: String,
    /// The metric, with the filter where there is one.
    pub metric: String,
    /// The value.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Evaluated {
    /// Every score, with the averages over tasks.
    pub fn scores(&self) -> Vec<BenchmarkScore> {
        let of_task = |task: &TaskResult| {
            let on = on(task);
            let one = move |score: &TaskScore| BenchmarkScore {
                on: on.clone(),
                metric: metric(&score.metric, &score.filter),
                value: score.value,
                low: score.low,
                high: score.high,
            };
            task.scores.iter().map(one).collect::<Vec<_>>()
        };
        let mut all: Vec<BenchmarkScore> = self.run.tasks.iter().flat_map(of_task).collect();
        for group in &self.run.groups {
            for (how, average) in [("record", &group.micro), ("task", &group.by_task)] {
                all.push(BenchmarkScore {
                    on: format!("{FAMILY} {} (run {})", group.group, short(self.bundle)),
                    metric: format!("{} by {how}", metric(&group.metric, &group.filter)),
                    value: average.value,
                    low: average.low,
                    high: average.high,
                });
            }
        }
        all
    }
}

/// What a task's facts are called: a score without its recipe is none.
fn on(task: &TaskResult) -> String {
    format!("{FAMILY} {} (recipe {})", task.task, short(task.recipe_sha256))
}

fn short(digest: Digest) -> String {
    digest.to_string()[..16].to_owned()
}

fn metric(name: &str, filter: &str) -> String {
    if filter == "none" { name.to_owned() } else { format!("{name} ({filter})") }
}

/// The facts of every run: scores, intervals, and what decides them.
pub(super) fn facts(all: &[Evaluated]) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    for one in all {
        for score in one.scores() {
            facts.push((format!("{}: {}", score.on, score.metric), score.value.to_string()));
            let interval = format!("{} to {}", score.low, score.high);
            facts.push((format!("{}: interval of {}", score.on, score.metric), interval));
        }
        for task in &one.run.tasks {
            let on = on(task);
            for (name, value) in recipe(task) {
                facts.push((format!("{on}: {name}"), value));
            }
            facts.push((format!("{on}: registered runs"), one.run.registered_runs.to_string()));
            facts.push((format!("{on}: run"), one.bundle.to_string()));
        }
    }
    facts
}

/// What decides a task's scores, as far as it was recorded.
fn recipe(task: &TaskResult) -> Vec<(&'static str, String)> {
    let of_recipe = |key: &str| task.recipe.get(key).filter(|value| !value.is_null());
    let text = |key: &str| {
        of_recipe(key).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let pinned = if task.pinned { "" } else { ", not the pinned copy" };
    let metrics = of_recipe("metric_list")
        .and_then(serde_json::Value::as_array)
        .map(|all| all.iter().filter_map(|one| one["metric"].as_str()).collect::<Vec<_>>().join(", "));
    // Examples that are not shown decide nothing.
    let of_shots =
        |key: &str| text(key).filter(|_| of_recipe("num_fewshot").is_some_and(|shots| *shots != 0));
    let all = [
        ("recipe", Some(task.recipe_sha256.to_string())),
        ("harness", text("lm_eval_version").map(|version| format!("lm-evaluation-harness {version}"))),
        ("data", Some(format!("{}{pinned}", task.benchmark))),
        ("records", Some(task.asked.to_string())),
        ("prompts", task.prompts_sha256.map(|digest| digest.to_string())),
        ("shots", text("num_fewshot")),
        ("shots pool", of_shots("fewshot_pool_sha256")),
        ("sampler", of_shots("sampler")),
        ("seed", text("seed")),
        ("metrics", metrics),
        ("generation", text("generation_kwargs")),
        ("chat template", text("chat_template_sha")),
        ("system instruction", text("system_instruction_sha")),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The card's section; none where there are no runs.
pub(super) fn section(all: &[Evaluated]) -> Option<String> {
    if all.is_empty() {
        return None;
    }
    let mut lines = vec![
        "## Benchmarks\n\nEach score is by the recipe below that its line names, with a 95 % interval; the signed runs lie in \
         `disclosure/evaluations`.\n\n| on | metric | score | interval |\n|---|---|---|---|"
            .to_owned(),
    ];
    for score in all.iter().flat_map(Evaluated::scores) {
        let on = score.on.trim_start_matches(FAMILY).trim_start();
        lines.push(format!(
            "| {} | {} | {:.4} | [{:.4}, {:.4}] |",
            cell(on),
            cell(&score.metric),
            score.value,
            score.low,
            score.high
        ));
    }
    for one in all {
        for task in &one.run.tasks {
            let on = on(task);
            let on = on.trim_start_matches(FAMILY).trim_start();
            lines.push(format!("\n| {} | |\n|---|---|", cell(on)));
            lines.extend(recipe(task).iter().map(|(name, value)| row(name, value)));
            lines.push(row("registered runs", &one.run.registered_runs.to_string()));
            lines.push(row("run", &one.bundle.to_string()));
        }
    }
    lines.push(String::new());
    Some(lines.join("\n"))
}
