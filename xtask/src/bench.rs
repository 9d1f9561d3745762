//! `cargo xtask bench NAME`: one side-by-side benchmark of `bench/`.
//!
//! A benchmark is a package in a folder of its own, `stillmark-bench-NAME`, that measures both sides in one go and prints a
//! table; its page says how to install the peer.

use std::process::{Command, ExitCode};

use crate::shell::{Failure, Workspace, say, shown};

/// Runs the benchmark that was named, or lists them.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode, Failure> {
    let found = targets(workspace);
    let Some((name, rest)) = words.split_first() else {
        say("benchmarks:");
        for name in found {
            say(&format!("  cargo xtask bench {name}"));
        }
        return Ok(ExitCode::SUCCESS);
    };
    if !found.contains(name) {
        return Err(Failure::Usage(format!("bench/ has no `{name}`; it has {}", found.join(", "))));
    }
    let rest = rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest);
    let mut command = Command::new("cargo");
    command.args(["run", "--release", "--quiet", "--package", &format!("stillmark-bench-{name}"), "--"]);
    command.args(rest).current_dir(&workspace.root);
    shown(&mut command)?;
    Ok(ExitCode::SUCCESS)
}

fn targets(workspace: &Workspace) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(workspace.root.join("bench")) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| workspace.root.join("bench").join(name).join("Cargo.toml").is_file());
    names.sort();
    names
}
