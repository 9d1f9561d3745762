//! Evaluation runs for `disclose`: their signed statements go into the folder, where documents and `verify` find them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use stillmark_evidence::Digest;
use stillmark_evidence::checks::CheckVerdict;
use stillmark_evidence::documents::EVALUATIONS;
use stillmark_evidence::evaluation::{EvaluationRun, path as of_run};
use stillmark_evidence::layout::path;
use stillmark_evidence::verify;
use stillmark_model::Checkpoint;

use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::problem::{Problem, one_line};
use crate::session::Session;
use crate::trust;

/// What is copied of a run.
const FILES: [&str; 5] =
    [of_run::REGISTRATION, of_run::REGISTRATION_PROOF, of_run::RUN, of_run::RUN_PROOF, of_run::SIGNER];

/// The statements of a verified run, by file name.
pub(crate) struct Statements {
    run: EvaluationRun,
    files: Vec<(&'static str, Vec<u8>)>,
    bundle: Digest,
}

/// Reads evaluation runs: each must verify, and be of the very model that lies in the folder.
pub(crate) fn read(
    runs: &[PathBuf],
    folder: &Path,
    trusted: &[PathBuf],
    session: &Session,
) -> Result<Vec<Statements>, Problem> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let model = folder.join(path::MODEL);
    let weights = Checkpoint::open(&model).and_then(|checkpoint| checkpoint.digest()).map_err(|err| {
        Problem::from_error(&err).while_doing(format!("{} cannot be read", model.display()))
    })?;
    let trust = trust::load(trusted, &session.settings.trust)?;
    let mut all: Vec<Statements> = Vec::new();
    for run in runs {
        let facts = verify::evaluation(run, &trust).map_err(|err| {
            Problem::from_error(&err).while_doing(format!("{} cannot be verified", run.display()))
        })?;
        let failed = facts.report.checks.iter().filter(|check| check.verdict == CheckVerdict::Fail);
        let causes: Vec<String> = failed
            .map(|check| one_line(&format!("{}: {}: {}", check.id, check.subject, check.detail)))
            .collect();
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
        let read = |name: &'static str| files::map(&run.join(name)).map(|bytes| (name, bytes.to_vec()));
        let files = FILES.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let bundle = files.iter().find(|(name, _)| *name == of_run::RUN).map(|(_, bytes)| Digest::of(bytes));
        let bundle = bundle.unwrap_or_else(|| Digest::of(b""));
        all.push(Statements { run: statement.predicate.clone(), files, bundle });
    }
    twice(&all).map_or(Ok(all), Err)
}

/// What is wrong where two runs ask the same by the same recipe: which of both scores is shown would be a choice.
fn twice(runs: &[Statements]) -> Option<Problem> {
    let mut seen = BTreeSet::new();
    let mut tasks = runs.iter().flat_map(|run| &run.run.tasks);
    let task = tasks.find(|task| !seen.insert((&task.task, task.recipe_sha256)))?;
    let problem = refused(format!("two of the runs ask `{}` by the same recipe", task.task));
    Some(problem.cause(
        "a document has one score for a task and its recipe; choosing the better one would be best of two",
    ))
}

fn refused(message: String) -> Problem {
    Problem::new(message).status(ExitStatus::Negative).hint("nothing was written")
}

/// Copies the statements into the folder, in place of those that lie there; what was written, by its path in the folder.
pub(crate) fn copy(runs: &[Statements], folder: &Path) -> Result<Vec<String>, Problem> {
    let place = folder.join(EVALUATIONS);
    if place.exists() {
        std::fs::remove_dir_all(&place).map_err(|err| files::cannot("replace", &place, &err))?;
    }
    let mut written = Vec::new();
    for run in runs {
        let own = format!("{EVALUATIONS}/{}", &run.bundle.to_string()[..16]);
        files::make_folder(&folder.join(&own))?;
        for (name, bytes) in &run.files {
            let file = format!("{own}/{name}");
            files::write(&folder.join(&file), bytes, Secrecy::Public)?;
        }
        written.push(format!("{own}/{}", of_run::RUN));
    }
    Ok(written)
}
