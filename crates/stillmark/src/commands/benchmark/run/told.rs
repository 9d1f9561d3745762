//! What is said of a finished run.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_evidence::evaluation::{EvaluationRun, GroupResult, TaskResult};

/// The answer in JSON.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    schema: &'static str,
    folder: PathBuf,
    #[serde(flatten)]
    run: &'a EvaluationRun,
}

pub(super) fn answer<'a>(run: &'a EvaluationRun, out: &Path) -> Answer<'a> {
    Answer { schema: "stillmark/benchmark-run/v1", folder: out.to_owned(), run }
}

pub(super) fn human(run: &EvaluationRun, out: &Path) -> String {
    let mut lines = vec![format!("{}  {}", run.model.name, out.display())];
    let names = run.tasks.iter().map(|task| &task.task).chain(run.groups.iter().map(|group| &group.group));
    let width = names.map(String::len).max().unwrap_or_default();
    for task in &run.tasks {
        lines.extend(task_lines(task, width));
    }
    for group in run.groups.iter().rev() {
        lines.extend(group_lines(group, width));
    }
    lines.push(match run.registered_runs {
        1 => "  the only run of this spec and model in its log".to_owned(),
        count => format!(
            "  one of {count} runs of this spec and model in its log: a reader should see all of them"
        ),
    });
    if run.tasks.iter().any(|task| !task.pinned) {
        lines.push(
            "  a copy that is not the pinned benchmark: `stillmark benchmark diff` says what differs"
                .to_owned(),
        );
    }
    lines.push(format!("\nnext: stillmark verify {0}\n      stillmark benchmark audit {0}", out.display()));
    lines.join("\n")
}

fn group_lines(group: &GroupResult, width: usize) -> [String; 2] {
    let (micro, by_task) = (&group.micro, &group.by_task);
    [
        format!(
            "  {:<width$}  {}  {:.4}  [{:.4}, {:.4}] at {:.0} %, {} records in {} clusters",
            group.group,
            of(&group.metric, &group.filter),
            micro.value,
            micro.low,
            micro.high,
            100.0 * group.confidence,
            group.asked,
            group.tasks.len()
        ),
        format!(
            "  {:<width$}  {:.4}  [{:.4}, {:.4}] where each task weighs the same",
            "", by_task.value, by_task.low, by_task.high
        ),
    ]
}

/// A metric, and under which filter.
fn of(metric: &str, filter: &str) -> String {
    if filter == "none" { metric.to_owned() } else { format!("{metric}, {filter}") }
}

fn task_lines(task: &TaskResult, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for score in &task.scores {
        let of = of(&score.metric, &score.filter);
        lines.push(format!(
            "  {:<width$}  {of}  {:.4}  [{:.4}, {:.4}] at {:.0} %, {} records",
            task.task,
            score.value,
            score.low,
            score.high,
            100.0 * score.confidence,
            task.asked
        ));
    }
    if task.scores.is_empty() {
        lines.push(format!("  {:<width$}  not scored: its programs were not run", task.task));
    }
    lines.push(format!("  {:<width$}  recipe {}", "", &task.recipe_sha256.to_string()[..16]));
    lines
}
