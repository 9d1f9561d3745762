//! The default teacher, fetched by the front door itself so that the tests use what users get.

use std::path::PathBuf;
use std::process::Command;

use crate::shell::{Failure, Workspace, captured, cargo, say};

/// The catalog's name of the model the tests run on.
const NAME: &str = "smollm2-135m-instruct";

/// Fetches the default teacher into the user's cache, or finds it there; gives its path.
pub(crate) fn default_teacher(workspace: &Workspace) -> Result<PathBuf, Failure> {
    say(&format!("  model {NAME}: `stillmark model fetch` (98 MB where it is not in the cache yet)"));
    let mut command = Command::new(cargo());
    command.current_dir(&workspace.root);
    command.args(["run", "--quiet", "--package", "stillmark", "--", "--format", "json"]);
    let answer = captured(command.args(["model", "fetch", NAME, "--from", "pypi"]))?;
    let answer: serde_json::Value = serde_json::from_str(&answer)
        .map_err(|err| Failure::Missing(format!("`stillmark model fetch` gave no JSON: {err}")))?;
    let path = answer["path"].as_str().map(PathBuf::from);
    path.filter(|path| path.is_file())
        .ok_or_else(|| Failure::Missing("`stillmark model fetch` named no file".to_owned()))
}
