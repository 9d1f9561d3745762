//! Real runs of `MLCommons`' `LoadGen` over the default model, packed and audited: a trial of seconds, and a whole one under `--long`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::place::{Place, told};

/// As many as the smallest official benchmark asks.
const QUESTIONS: usize = 43;

/// Early stopping can say nothing of fewer queries. `LoadGen` asks for twice as long as it was told to, if each takes what is said here.
fn user_conf(latency_ms: u64) -> String {
    format!("*.SingleStream.target_latency = {latency_ms}\n*.SingleStream.min_query_count = 64\n")
}

/// A folder with questions and golds, and what runs `LoadGen`.
struct Bench {
    place: Place,
    python: PathBuf,
    model: PathBuf,
}

impl Bench {
    fn at_hand() -> Option<Self> {
        let named = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from);
            if path.is_none() {
                println!("skipped: `cargo xtask test` sets {name}");
            }
            path
        };
        let (python, model) = (named("STILLMARK_LOADGEN_PYTHON")?, named("STILLMARK_TEST_MODEL")?);
        let place = Place::bare();
        let (mut questions, mut golds) = (String::new(), String::new());
        for index in 0..QUESTIONS {
            let (left, right) = (index % 7 + 1, index % 5 + 2);
            let sum = left + right;
            let (a, b, gold) = if index % 2 == 0 { (sum, sum + 1, "A") } else { (sum + 2, sum, "B") };
            let prompt = format!("{left} + {right} = ?\\nA. {a}\\nB. {b}\\nAnswer: (");
            writeln!(questions, r#"{{"id": "sum/{index}", "prompt": "{prompt}"}}"#).unwrap();
            writeln!(golds, r#"{{"index": {index}, "gold": "{gold}"}}"#).unwrap();
        }
        fs::write(place.path("questions.jsonl"), questions).unwrap();
        fs::write(place.path("golds.jsonl"), golds).unwrap();
        fs::write(place.path("user.conf"), user_conf(1000)).unwrap();
        fs::write(place.path("about.toml"), about(&place)).unwrap();
        Some(Self { place, python, model })
    }

    /// Runs `LoadGen` once, for at least so long.
    fn run(&self, mode: &str, further: &[&str]) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/mlperf/sut.py");
        let mut command = Command::new(&self.python);
        command.arg(script).arg("--model").arg(&self.model).current_dir(self.place.path(""));
        command.args(["--stillmark", env!("CARGO_BIN_EXE_stillmark"), "--questions", "questions.jsonl"]);
        command.args(["--benchmark", "3d-unet-99", "--max-tokens", "2", "--user-conf", "user.conf"]);
        command.args(["--mode", mode, "--out", mode]).args(further).env("HOME", "home");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        fs::copy(self.place.path("user.conf"), self.place.path(mode).join("user.conf")).unwrap();
    }

    /// Tells `LoadGen` what a query takes, so that a run lasts some eight hundred seconds.
    fn measure(&self) {
        self.run("performance", &["--min-duration-ms", "1000"]);
        let summary = fs::read_to_string(self.place.path("performance/mlperf_log_summary.txt")).unwrap();
        let mean = summary.lines().find_map(|line| line.strip_prefix("Mean latency (ns)")).unwrap();
        let nanoseconds: u64 = mean.trim_matches([' ', ':']).parse().unwrap();
        fs::remove_dir_all(self.place.path("performance")).unwrap();
        fs::write(self.place.path("user.conf"), user_conf(nanoseconds * 3 / 2_000_000)).unwrap();
    }

    fn pack(&self, code: i32) -> String {
        let words =
            ["--quiet", "benchmark", "pack", "mlperf", "--about", "about.toml", "--accuracy", "accuracy"];
        let logs =
            ["--performance", "performance", "--golds", "golds.jsonl", "--rule", "letter", "--out", "packed"];
        self.place.ends(code, &[&words[..], &logs[..]].concat())
    }

    /// What the audit finds, by class.
    fn found(&self) -> BTreeSet<String> {
        let words = ["--quiet", "--format", "json", "benchmark", "audit", "packed"];
        let output = self.place.stillmark(&words).output().unwrap();
        let audit: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", told(&output)));
        let findings = audit["findings"].as_array().unwrap();
        assert_eq!(output.status.code(), Some(i32::from(!findings.is_empty())), "{}", told(&output));
        findings.iter().map(|found| found["class"].as_str().unwrap().to_owned()).collect()
    }

    /// Changes a file of the packed directory, looks at what more is found, and changes it back.
    fn found_after(&self, file: &str, edit: &dyn Fn(&str) -> String) -> BTreeSet<String> {
        let path = self.place.path("packed").join(file);
        let text = fs::read_to_string(&path).unwrap();
        let edited = edit(&text);
        assert_ne!(text, edited);
        let before = self.found();
        fs::write(&path, edited).unwrap();
        let after = self.found();
        fs::write(&path, text).unwrap();
        after.difference(&before).cloned().collect()
    }

    fn edits_are_refused(&self) {
        let result = "open/tern/results/box/3d-unet-99/SingleStream";
        let claimed = self.found_after(&format!("submission/{result}/accuracy/accuracy.txt"), &|text| {
            text.replacen("accuracy=", "accuracy=1", 1)
        });
        assert_eq!(claimed, BTreeSet::from(["mlperf-accuracy".to_owned()]));
        let log = self.found_after(&format!("untruncated/{result}/mlperf_log_accuracy.json"), &|text| {
            text.replacen("\"data\" : \"", "\"data\" : \"20", 1)
        });
        assert!(log.contains("mlperf-hash"), "{log:?}");
    }
}

/// The description that `pack about` prints, filled in.
fn about(place: &Place) -> String {
    let text = place.done(&["benchmark", "pack", "about"]);
    let value = |line: &str| match line.split('=').next().unwrap_or_default().trim() {
        "submitter" => Some("submitter = \"tern\"".to_owned()),
        "system_id" => Some("system_id = \"box\"".to_owned()),
        "benchmark" => Some("benchmark = \"3d-unet-99\"".to_owned()),
        "system_name" => Some("system_name = \"the machine of the tests\"".to_owned()),
        name if line.contains("= \"\"") && name != "hw_notes" && name != "sw_notes" => {
            Some(format!("{name} = \"undefined\""))
        }
        _ => None,
    };
    text.lines().map(|line| value(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn a_trial_of_loadgen_is_packed_and_told_why_it_cannot_be_submitted() {
    let Some(bench) = Bench::at_hand() else { return };
    bench.run("performance", &["--min-duration-ms", "1000"]);
    bench.run("accuracy", &[]);
    let said = bench.pack(1);
    assert!(said.contains("labeled SYNTHETIC") && said.contains("600000 or more"), "{said}");
    assert_eq!(bench.found(), BTreeSet::from(["mlperf-too-short".to_owned()]));
    bench.edits_are_refused();
}

#[test]
fn a_long_run_of_loadgen_is_packed_and_holds() {
    if std::env::var_os("STILLMARK_TEST_LONG").is_none() {
        println!("skipped: `cargo xtask test --long` sets STILLMARK_TEST_LONG");
        return;
    }
    let Some(bench) = Bench::at_hand() else { return };
    bench.measure();
    bench.run("performance", &[]);
    bench.run("accuracy", &[]);
    let said = bench.pack(0);
    assert!(said.contains("nothing found"), "{said}");
    assert_eq!(bench.found(), BTreeSet::new());
    bench.edits_are_refused();
}
