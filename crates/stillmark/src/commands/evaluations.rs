//! The scores of evaluation runs for `disclose`: each with the recipe by which it was obtained.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stillmark_evidence::checks::CheckVerdict;
use stillmark_evidence::evaluation::EvaluationRun;
use stillmark_evidence::layout::path;
use stillmark_evidence::verify;
use stillmark_model::Checkpoint;

use crate::exit::ExitStatus;
use crate::problem::{Problem, one_line};
use crate::session::Session;
use crate::trust;

/// Where they are written, in the folder of a run.
pub(crate) const PLACE: &str = "disclosure/evaluations.json";

/// Reads evaluation runs: each must verify, and be of the very model that lies in the folder.
pub(crate) fn read(
    runs: &[PathBuf],
    folder: &Path,
    trusted: &[PathBuf],
    session: &Session,
) -> Result<Vec<EvaluationRun>, Problem> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let model = folder.join(path::MODEL);
    let weights = Checkpoint::open(&model).and_then(|checkpoint| checkpoint.digest()).map_err(|err| {
        Problem::from_error(&err).while_doing(format!("{} cannot be read", model.display()))
    })?;
    let trust = trust::load(trusted, &session.settings.trust)?;
    let mut all = Vec::new();
    for run in runs {
        let facts = verify::evaluation(run, &trust).map_err(|err| {
            Problem::from_error(&err).while_doing(format!("{} cannot be verified", run.display()))
        })?;
        let failed = facts.report.checks.iter().filter(|check| check.verdict == CheckVerdict::Fail);
        let causes: Vec<String> = failed
            .map(|check| one_line(&format!("{}: {}: {}", check.id, check.subject, check.detail)))
            .collect();
        let refused =
            |message: String| Problem::new(message).status(ExitStatus::Negative).hint("nothing was written");
        if !causes.is_empty() {
            let problem = refused(format!("{} does not verify, and is not disclosed", run.display()));
            return Err(causes.into_iter().fold(problem, Problem::cause));
        }
        let Some(statement) = &facts.run else {
            return Err(refused(format!("{} holds no finished evaluation", run.display())));
        };
        if statement.predicate.model.weights != Some(weights) {
            return Err(refused(format!(
                "{} evaluates another model than {}",
                run.display(),
                model.display()
            )));
        }
        all.push(statement.predicate.clone());
    }
    Ok(all)
}

/// The document: the scores as a model card on the hub lists them, as CycloneDX does, and the recipes in full.
pub(crate) fn document(runs: &[EvaluationRun]) -> Result<String, Problem> {
    let (mut results, mut metrics) = (Vec::new(), Vec::new());
    for run in runs {
        for task in &run.tasks {
            let mut values = Vec::new();
            for score in &task.scores {
                let name = format!("{}, {}", score.metric, score.filter);
                values.push(
                    json!({"type": score.metric, "name": name, "value": score.value, "verified": false}),
                );
                metrics.push(json!({
                    "type": score.metric,
                    "value": score.value.to_string(),
                    "slice": format!("{} ({}), recipe sha256:{}", task.task, score.filter, task.recipe_sha256),
                    "confidenceInterval": {"lowerBound": score.low.to_string(), "upperBound": score.high.to_string()},
                }));
            }
            let kind = if task.recipe["generation_kwargs"] == Value::Null {
                "multiple-choice"
            } else {
                "text-generation"
            };
            results.push(json!({
                "task": {"type": kind, "name": task.task},
                "dataset": {"name": task.task, "type": task.task, "revision": task.benchmark},
                "metrics": values,
                "source": {"name": "stillmark benchmark run", "registered_runs": run.registered_runs},
            }));
        }
    }
    let document = json!({
        "schema": "stillmark/evaluations/v1",
        "model-index": [{"name": runs.first().map(|run| run.model.name.as_str()), "results": results}],
        "quantitativeAnalysis": {"performanceMetrics": metrics},
        "runs": runs,
    });
    serde_json::to_string_pretty(&document)
        .map(|text| text + "\n")
        .map_err(|err| Problem::new("the evaluations could not be written").cause(err.to_string()))
}
