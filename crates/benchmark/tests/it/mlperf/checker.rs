//! The official submission checker on what is packed, where its sources are at hand.
//!
//! `STILLMARK_MLPERF_CHECKER` names a checkout of `mlcommons/inference` that knows v6.1; its Python (`STILLMARK_MLPERF_PYTHON`, else
//! `python3`) needs `PyYAML`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use stillmark_benchmark::mlperf::{Packed, pack};
use stillmark_evidence::audit::Verdict;

use super::{Kept, audited, vectors};

struct Checker {
    tools: PathBuf,
    python: PathBuf,
}

impl Checker {
    fn at_hand() -> Option<Self> {
        let Some(checkout) = std::env::var_os("STILLMARK_MLPERF_CHECKER").map(PathBuf::from) else {
            println!("skipped: STILLMARK_MLPERF_CHECKER names no checkout of mlcommons/inference");
            return None;
        };
        let named = std::env::var_os("STILLMARK_MLPERF_PYTHON");
        let python = named.map_or_else(|| PathBuf::from("python3"), PathBuf::from);
        let tools = checkout.join("tools/submission");
        assert!(tools.join("submission_checker/main.py").is_file(), "no checker in {}", tools.display());
        Some(Self { tools, python })
    }

    /// Whether it takes a directory; and what it said.
    fn takes(&self, packed: &Packed<'_>) -> (bool, String) {
        let folder = tempfile::tempdir().unwrap();
        let submission = folder.path().join("submission");
        for (name, bytes) in &packed.files {
            let path = submission.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let mut command = Command::new(&self.python);
        command.current_dir(&self.tools).args(["-m", "submission_checker.main", "--version", "v6.1"]);
        command.arg("--input").arg(&submission).arg("--csv").arg(folder.path().join("out.csv"));
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success() && said.contains("submission looks OK"), said)
    }
}

#[test]
fn the_official_checker_takes_what_is_packed_and_refuses_nothing_that_we_take() {
    let Some(checker) = Checker::at_hand() else { return };
    let kept = Kept::new();
    let (taken, said) = checker.takes(&pack(&kept.inputs()).unwrap());
    assert!(taken, "{said}");
    let mut only_ours = Vec::new();
    for (path, _, packed) in vectors(&kept) {
        let name = path.file_stem().map(Path::new).unwrap().display().to_string();
        let (taken, said) = checker.takes(&packed);
        let ours = audited(&packed).verdict;
        assert!(taken || ours != Verdict::NothingFound, "{name}: only the official checker refuses:\n{said}");
        if taken && ours == Verdict::Altered {
            only_ours.push(name);
        }
    }
    println!("refused by the audit alone: {}", only_ours.join(" "));
    for name in ["accuracy-typed", "other-hash", "log-answer-edited", "wall-clock-moved"] {
        assert!(only_ours.iter().any(|only| only == name), "{name}: the official checker refuses it, too");
    }
}
