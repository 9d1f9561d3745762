//! Genuine logs of the real lm-evaluation-harness, for the tests of `benchmark audit`.

use std::path::PathBuf;
use std::process::Command;

use crate::install;
use crate::shell::{Failure, Workspace, read, say, shown};

/// Runs the harness without models or network.
const SCRIPT: &str = "crates/benchmark/tests/harness/genuine.py";

/// A Python that has the harness.
pub(crate) fn python(workspace: &Workspace) -> Result<PathBuf, Failure> {
    Ok(install::venv(workspace, "venv-harness", "xtask/harness.txt")?.join("bin/python"))
}

/// The folder of logs, written once; `None` where the copies of benchmarks that it asks are not at hand.
pub(crate) fn logs(workspace: &Workspace) -> Result<Option<PathBuf>, Failure> {
    let data = workspace.root.join("../shared/data/benchmarks");
    if !data.is_dir() {
        say("  genuine logs: ../shared/data/benchmarks is not there, their tests are skipped");
        return Ok(None);
    }
    let python = python(workspace)?;
    let folder = workspace.target.join("harness-logs");
    let stamp = folder.join("written-by.py");
    let script = read(&workspace.root.join(SCRIPT))?;
    if std::fs::read_to_string(&stamp).is_ok_and(|have| have == script) {
        say(&format!("  genuine logs: already in {}", folder.display()));
        return Ok(Some(folder));
    }
    say(&format!("  genuine logs: running the harness into {}", folder.display()));
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(|source| Failure::File { path: folder.clone(), source })?;
    }
    let mut command = Command::new(python);
    command.arg(workspace.root.join(SCRIPT)).arg(data).arg(&folder);
    command.env("HF_HUB_OFFLINE", "1").env("HF_DATASETS_OFFLINE", "1").env("HF_HOME", folder.join("cache"));
    shown(&mut command)?;
    std::fs::write(&stamp, script).map_err(|source| Failure::File { path: stamp, source })?;
    Ok(Some(folder))
}
