//! `cargo xtask test`: every check there is, in the order in which a failure is cheapest.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use crate::shell::{Failure, Workspace, cargo, say, shown, succeeds};
use crate::steps::Steps;
use crate::{harness, install, model, tidy};

/// What `cargo xtask test` was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    length: Length,
    only: Option<String>,
}

/// The default suite takes minutes; the long one adds what needs `PyTorch` or hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Long,
}

/// The steps by name, as `--only` takes them.
const NAMES: [&str; 8] = ["install", "fmt", "tidy", "clippy", "tests", "transcripts", "docs", "long"];

impl Options {
    /// Reads the words after `cargo xtask test`.
    pub(crate) fn parse(words: &[String]) -> Result<Self, Failure> {
        let mut options = Self { length: Length::Short, only: None };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--long" => options.length = Length::Long,
                "--only" => options.only = words.next().cloned(),
                other => return Err(Failure::Usage(format!("`cargo xtask test` takes no `{other}`"))),
            }
        }
        match &options.only {
            Some(name) if !NAMES.contains(&name.as_str()) => {
                Err(Failure::Usage(format!("there is no step `{name}`; the steps are {}", NAMES.join(", "))))
            }
            _ => Ok(options),
        }
    }

    fn wants(&self, name: &str) -> bool {
        match &self.only {
            Some(only) => only == name,
            None => name != "long" || self.length == Length::Long,
        }
    }
}

/// What the steps hand to the tests through the environment.
type Environment = BTreeMap<String, OsString>;

/// Runs the suite; the exit code is 0 only where every step passed.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> ExitCode {
    let mut steps = Steps::default();
    let mut env = Environment::new();
    if options.only.as_deref().is_none_or(|only| ["install", "tests", "transcripts", "long"].contains(&only))
    {
        steps.run("install", || prepare(workspace, &mut env));
    }
    let mut step = |name: &str, run: &dyn Fn() -> Result<(), Failure>| {
        if options.wants(name) {
            steps.run(name, run);
        }
    };
    step("fmt", &|| shown(cargo_in(workspace, &env).args(["fmt", "--all", "--check"])));
    step("tidy", &|| tidy::check(workspace));
    step("clippy", &|| {
        let words = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
        shown(cargo_in(workspace, &env).args(words))
    });
    step("tests", &|| tests(workspace, &env));
    step("transcripts", &|| {
        build_fixture(workspace, &env)?;
        let words = ["test", "--quiet", "--package", "stillmark", "--test", "it", "--", "transcripts"];
        shown(cargo_in(workspace, &env).args(words))
    });
    step("docs", &|| docs(workspace, &env));
    step("long", &|| long(workspace, &env));
    let all_passed = steps.finish() && 0 < steps.count();
    if all_passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn prepare(workspace: &Workspace, env: &mut Environment) -> Result<(), Failure> {
    install::system_packages()?;
    let venv = install::venv(workspace, "venv", "xtask/verifiers.txt")?;
    env.insert("STILLMARK_MODEL_SIGNING".to_owned(), venv.join("bin/model_signing").into());
    env.insert("STILLMARK_TEST_PYTHON".to_owned(), venv.join("bin/python").into());
    let validators = install::venv(workspace, "venv-validators", "xtask/validators.txt")?;
    env.insert("STILLMARK_TEST_VALIDATORS".to_owned(), validators.join("bin/python").into());
    env.insert("STILLMARK_TEST_HARNESS".to_owned(), harness::python(workspace)?.into());
    let clients = install::venv(workspace, "venv-clients", "xtask/clients.txt")?;
    env.insert("STILLMARK_TEST_CLIENTS".to_owned(), clients.join("bin/python").into());
    env.insert(
        "STILLMARK_NODE_CLIENTS".to_owned(),
        install::node_packages(workspace, "xtask/clients.json")?.into(),
    );
    // LoadGen is a C++ library that PyPI builds for Linux alone; elsewhere its tests are skipped.
    if cfg!(target_os = "linux") {
        let loadgen = install::venv(workspace, "venv-loadgen", "xtask/loadgen.txt")?;
        env.insert("STILLMARK_LOADGEN_PYTHON".to_owned(), loadgen.join("bin/python").into());
    }
    if let Some(logs) = harness::logs(workspace)? {
        env.insert("STILLMARK_HARNESS_LOGS".to_owned(), logs.into());
    }
    env.insert("STILLMARK_TEST_MODEL".to_owned(), model::default_teacher(workspace)?.into());
    Ok(())
}

/// The unit, vector, calibration and integration tests of every crate.
fn tests(workspace: &Workspace, env: &Environment) -> Result<(), Failure> {
    let mut command = cargo_in(workspace, env);
    if succeeds("cargo", &["nextest", "--version"]) {
        let filter = "not (package(stillmark) and test(transcripts))";
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "-E", filter]);
    } else {
        say("  cargo-nextest is not installed: plain `cargo test` runs the same tests, more slowly");
        build_fixture(workspace, env)?;
        command.args(["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests"]);
        command.args(["--", "--skip", "transcripts"]);
    }
    shown(&mut command)
}

/// The program that the front door's tests break things with: an example, which is not built with a chosen test.
fn build_fixture(workspace: &Workspace, env: &Environment) -> Result<(), Failure> {
    shown(cargo_in(workspace, env).args(["build", "--quiet", "--package", "stillmark", "--examples"]))
}

/// Every page of rustdoc without a broken link, and the examples in it where a crate has any.
fn docs(workspace: &Workspace, env: &Environment) -> Result<(), Failure> {
    let mut doc = cargo_in(workspace, env);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    shown(doc.args(["doc", "--workspace", "--no-deps", "--quiet", "--document-private-items"]))?;
    if tidy::has_doc_tests(workspace) {
        shown(cargo_in(workspace, env).args(["test", "--workspace", "--doc"]))?;
    } else {
        say("  no crate has doc tests");
    }
    Ok(())
}

/// The tests named `long`, which ask for `PyTorch`, llama.cpp or a lot of time: real models, so with the code that is released.
fn long(workspace: &Workspace, env: &Environment) -> Result<(), Failure> {
    let venv = install::venv_of(workspace, "venv-torch", &["xtask/torch.txt", "xtask/harness.txt"])?;
    let mut command = cargo_in(workspace, env);
    command.env("STILLMARK_TEST_LONG", "1").env("STILLMARK_TEST_TORCH", venv.join("bin/python"));
    shown(command.args(["test", "--workspace", "--release", "--no-fail-fast", "--", "long", "--nocapture"]))
}

fn cargo_in(workspace: &Workspace, env: &Environment) -> Command {
    let mut command = Command::new(cargo());
    command.current_dir(&workspace.root).envs(env);
    command
}
