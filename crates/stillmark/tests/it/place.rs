//! A folder in which runs are carried out: a plan, prompts, a key of its own, and a tiny model or a real one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The folder, gone when dropped.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    fixture: PathBuf,
}

impl Place {
    /// A tiny random model `tiny`, a key, prompts, and a plan in `plan.toml`.
    pub(crate) fn tiny(plan: &str, prompts: usize) -> Self {
        let place = Self::empty(plan, prompts);
        place.fixture(&["model", "tiny"]);
        place
    }

    /// Nothing at all.
    pub(crate) fn bare() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), fixture: fixture() }
    }

    /// A key, prompts, and a plan in `plan.toml`.
    pub(crate) fn empty(plan: &str, prompts: usize) -> Self {
        let place = Self::bare();
        let line =
            |idx: usize| format!("{{\"id\": \"q{idx}\", \"text\": \"What is {idx} and {}?\"}}\n", idx % 7);
        fs::write(place.path("prompts.jsonl"), (0..prompts).map(line).collect::<String>()).unwrap();
        fs::write(place.path("plan.toml"), plan).unwrap();
        place.done(&["--quiet", "key", "new"]);
        place
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of the program; nothing of the user's is read or touched.
    pub(crate) fn stillmark(&self, words: &[&str]) -> Command {
        self.at_home(Path::new(env!("CARGO_BIN_EXE_stillmark")), words)
    }

    /// Runs a command of the program that must end well.
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let output = self.stillmark(words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command of the program that must end with this exit code; all that it said.
    pub(crate) fn ends(&self, code: i32, words: &[&str]) -> String {
        let output = self.stillmark(words).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", told(&output));
        told(&output)
    }

    /// Runs the fixture, which must end well.
    pub(crate) fn fixture(&self, words: &[&str]) {
        let output = self.fixture_command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", told(&output));
    }

    /// A command of the fixture.
    pub(crate) fn fixture_command(&self, words: &[&str]) -> Command {
        let mut command = self.at_home(&self.fixture, words);
        command.env("FIXTURE_STILLMARK", env!("CARGO_BIN_EXE_stillmark"));
        command
    }

    fn at_home(&self, program: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", "home").env("NO_COLOR", "1").env("XDG_CACHE_HOME", "").env("XDG_CONFIG_HOME", "");
        command
    }
}

/// The tests' own program, an example of this package that cargo builds beside the tests: no second build of all crates.
pub(crate) fn fixture() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let name = format!("fixture{}", std::env::consts::EXE_SUFFIX);
    let path = tests.parent().unwrap().with_file_name("examples").join(name);
    assert!(path.exists(), "{} is missing: `cargo build -p stillmark --examples`", path.display());
    path
}

/// What a command said on both channels.
pub(crate) fn told(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

/// Numbers that look random and follow from a seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of a seed; the seed is printed, so that what they did can be done again.
    pub(crate) fn of(seed: u64) -> Self {
        println!("seed {seed}");
        Self(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end.max(1)
    }
}
