//! `cargo xtask fuzz [TARGET]`: one reader of foreign files after the other, fed by libFuzzer.
//!
//! Needs the nightly toolchain and `cargo install cargo-fuzz`. The first inputs are written anew from the vectors of
//! `docs/spec`; what libFuzzer finds on the way stays in `fuzz/corpus`, and what breaks a reader in `fuzz/artifacts`.

use std::process::{Command, ExitCode};

use crate::shell::{Failure, Workspace, say, shown};

/// How long each target runs when nothing else is said.
const SECONDS: u64 = 300;

/// Memory in MB beyond which a reader counts as broken: no file the fuzzer writes is worth more.
const MEMORY: &str = "-rss_limit_mb=2048";

struct Options {
    target: Option<String>,
    seconds: u64,
}

impl Options {
    fn parse(words: &[String]) -> Result<Self, Failure> {
        let mut options = Self { target: None, seconds: SECONDS };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--seconds" {
                let seconds = words.next().and_then(|text| text.parse().ok());
                options.seconds =
                    seconds.ok_or_else(|| Failure::Usage("`--seconds` wants a number".to_owned()))?;
            } else if word.starts_with('-') || options.target.is_some() {
                return Err(Failure::Usage(format!("`cargo xtask fuzz` does not know `{word}`")));
            } else {
                options.target = Some(word.clone());
            }
        }
        Ok(options)
    }
}

/// Runs the named target, or all of them.
pub(crate) fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode, Failure> {
    let options = Options::parse(words)?;
    let mut targets = targets(workspace);
    if let Some(named) = &options.target {
        if !targets.contains(named) {
            return Err(Failure::Usage(format!("fuzz/ has no `{named}`; it has {}", targets.join(", "))));
        }
        targets.retain(|target| target == named);
    }
    let mut seeds = Command::new("cargo");
    seeds.args(["run", "--quiet", "--manifest-path", "fuzz/Cargo.toml"]).current_dir(&workspace.root);
    shown(&mut seeds)?;
    for target in targets {
        let mut fuzz = Command::new("cargo");
        fuzz.args(["+nightly", "fuzz", "run", &target, "--", MEMORY]);
        fuzz.arg(format!("-max_total_time={}", options.seconds)).current_dir(&workspace.root);
        shown(&mut fuzz)?;
        say(&format!("  {target}: nothing found in {} s", options.seconds));
    }
    Ok(ExitCode::SUCCESS)
}

fn targets(workspace: &Workspace) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(workspace.root.join("fuzz/fuzz_targets")) else { return Vec::new() };
    let names = entries.flatten().map(|entry| entry.path());
    let mut names: Vec<String> =
        names.filter_map(|path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}
