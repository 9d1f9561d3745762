//! Running other programs, and saying what is done.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a task of the caretaker could not go on.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line makes no sense.
    Usage(String),
    /// A program could not be started, or ended with a failure.
    Program { line: String, why: String },
    /// A file could not be read or written.
    File { path: PathBuf, source: std::io::Error },
    /// What is needed is not there and could not be fetched.
    Missing(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Missing(text) => f.write_str(text),
            Self::Program { line, why } => write!(f, "`{line}` {why}"),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
        }
    }
}

/// Where the workspace lies and where cargo builds it.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Cargo's target folder.
    pub(crate) target: PathBuf,
    /// `cargo metadata` without dependencies, for the crate graph.
    pub(crate) metadata: serde_json::Value,
}

impl Workspace {
    /// Asks cargo where everything is.
    pub(crate) fn find() -> Result<Self, Failure> {
        let mut cargo = Command::new(cargo());
        cargo.args(["metadata", "--format-version=1", "--no-deps"]);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        let text = captured(&mut cargo)?;
        let metadata: serde_json::Value = serde_json::from_str(&text)
            .map_err(|err| Failure::Missing(format!("cargo metadata gave no JSON: {err}")))?;
        let folder = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .ok_or_else(|| Failure::Missing(format!("cargo metadata has no `{key}`")))
        };
        Ok(Self { root: folder("workspace_root")?, target: folder("target_directory")?, metadata })
    }
}

/// The cargo that runs us, so that the toolchain stays the same.
pub(crate) fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Says one line on stderr.
pub(crate) fn say(line: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Reads a text file, naming it when that fails.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|source| Failure::File { path: path.to_owned(), source })
}

/// Runs a program with its output shown; anything but success is a failure.
pub(crate) fn shown(command: &mut Command) -> Result<(), Failure> {
    let line = written(command);
    say(&format!("  $ {line}"));
    let status = command.status().map_err(|err| Failure::Program {
        line: line.clone(),
        why: format!("could not be started: {err}"),
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Program { line, why: format!("ended with {status}") })
    }
}

/// Runs a program and gives what it wrote to stdout.
pub(crate) fn captured(command: &mut Command) -> Result<String, Failure> {
    let line = written(command);
    let output = command.stderr(Stdio::inherit()).output().map_err(|err| Failure::Program {
        line: line.clone(),
        why: format!("could not be started: {err}"),
    })?;
    if !output.status.success() {
        return Err(Failure::Program { line, why: format!("ended with {}", output.status) });
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program runs to success, with nothing shown.
pub(crate) fn succeeds(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn written(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
