//! Genuine logs of the real harness, and every forgery of the fourteen made of them.
//!
//! `STILLMARK_HARNESS_LOGS` names the folder that `tests/harness/genuine.py` wrote.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use stillmark_benchmark::audit::{self, Class};
use stillmark_benchmark::log::{File, lm_eval};
use stillmark_evidence::audit::{Audit, Verdict};

use crate::forge::{self, Forgery, Manner};

/// The folder of genuine logs, where there is one.
pub(crate) fn logs() -> Option<PathBuf> {
    let logs = std::env::var_os("STILLMARK_HARNESS_LOGS").map(PathBuf::from);
    if logs.is_none() {
        println!("skipped: STILLMARK_HARNESS_LOGS does not name logs of tests/harness/genuine.py");
    }
    logs
}

/// Every file below a folder, with its bytes.
pub(crate) fn collect(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push((path.to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()));
        }
    }
}

pub(crate) fn audited(files: &[(String, Vec<u8>)]) -> Audit {
    let files: Vec<File<'_>> = files.iter().map(|(name, bytes)| File { name, bytes }).collect();
    let runs = lm_eval::read(&files).unwrap();
    audit::joined(Vec::new(), runs.into_iter().map(|run| audit::run(run, None).unwrap()).collect())
}

#[test]
fn genuine_logs_give_no_finding_and_every_score_is_derived_anew() {
    let Some(logs) = logs() else { return };
    let (mut rows, mut claims) = (0, 0);
    for variant in ["dummy", "full", "generated", "shots", "chat", "multiturn", "told", "predict"] {
        let mut files = Vec::new();
        collect(&logs.join(variant), &mut files);
        let audit = audited(&files);
        assert_eq!(audit.findings, [], "{variant}");
        assert_ne!(audit.verdict, Verdict::Altered, "{variant}");
        for score in &audit.scores {
            let Some(claimed) = score.claimed else { continue };
            let recomputed = score.recomputed;
            let recomputed = recomputed.unwrap_or_else(|| panic!("{variant}: {} is not derived", score.task));
            assert!((claimed - recomputed).abs() < 1e-12, "{variant}: {score:?}");
            rows += score.n;
            claims += 1;
        }
        let unchecked: BTreeSet<&str> = audit.not_checked.iter().map(|open| open.what.as_str()).collect();
        println!("{variant}: {:?}, {} scores, not checked: {unchecked:?}", audit.verdict, audit.scores.len());
    }
    println!("{claims} scores over {rows} items derived anew, no finding");
}

#[test]
fn each_of_the_fourteen_ways_of_tampering_is_told_by_its_name() {
    let Some(logs) = logs() else { return };
    let mut failures = Vec::new();
    for forgery in Forgery::ALL {
        for manner in [Manner::Naive, Manner::Consistent] {
            let log = forge::genuine(&logs, forgery);
            let audit = audited(&forge::forged(log, forgery, manner));
            let mut found: BTreeSet<&str> = audit.findings.iter().map(|found| found.class.as_str()).collect();
            let open: BTreeSet<&str> = audit.undecidable.iter().map(|open| open.what.as_str()).collect();
            let class = forgery.class();
            if manner == Manner::Naive {
                found.remove(Class::HashMismatch.code());
            }
            let expected: BTreeSet<&str> =
                if class.is_decidable() { [class.code()].into() } else { BTreeSet::new() };
            let is_told = class.is_decidable() || open.contains(class.code());
            if found != expected || !is_told {
                failures.push(format!("{forgery:?} {manner:?}: expected {expected:?}, found {found:?}"));
                failures.extend(audit.findings.iter().take(4).map(|found| format!("    {found:?}")));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    println!("14 classes, naively and consistently: 12 told by name, 2 told to be undecidable");
}

/// The rows of a log, each changed where it scores 0.
fn rows_changed(rows: &str, change: impl Fn(&mut serde_json::Map<String, serde_json::Value>)) -> String {
    let changed = rows.lines().map(|line| {
        let mut row: serde_json::Value = serde_json::from_str(line).unwrap();
        if row["acc"] == 0.0 {
            change(row.as_object_mut().unwrap());
        }
        row.to_string()
    });
    changed.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn no_claim_escapes_its_rows() {
    let Some(logs) = logs() else { return };
    let mut files = Vec::new();
    collect(&logs.join("full"), &mut files);
    let is = |name: &str, start: &str| name.rsplit('/').next().unwrap().starts_with(start);
    let text = |start: &str| {
        let (name, bytes) = files.iter().find(|(name, _)| is(name, start)).unwrap();
        (name.clone(), String::from_utf8(bytes.clone()).unwrap())
    };
    let (results_name, results) = text("results_");
    let (rows_name, rows) = text("samples_mmlu_anatomy_");
    let results: serde_json::Value = serde_json::from_str(&results).unwrap();
    let check = |what: &str, class: &str, results: &serde_json::Value, rows: &str| {
        let files = [
            (results_name.clone(), results.to_string().into_bytes()),
            (rows_name.clone(), rows.to_owned().into_bytes()),
        ];
        let found = audited(&files).findings;
        let is_found = found.iter().any(|found| {
            found.class == class && found.task.as_deref().is_some_and(|task| task.starts_with("mmlu"))
        });
        assert!(is_found, "{what}: {found:?}");
    };
    let claimed = |key: &str, value: serde_json::Value| {
        let mut results = results.clone();
        results["results"]["mmlu_anatomy"][key] = value;
        results
    };
    let total = "aggregate-forged";
    check("a claim that is a text", total, &claimed("acc,none", "0.95".into()), &rows);
    check("a claim of a metric without rows", total, &claimed("acc_norm,none", 0.95.into()), &rows);
    check("a claim of a filter without rows", total, &claimed("acc,maj@8", 0.95.into()), &rows);
    let without = |key: &'static str| {
        rows_changed(&rows, |row| {
            row.remove(key);
        })
    };
    check("rows without a score", "score-forged", &results, &without("acc"));
    check("rows without an answer", "answer-forged", &results, &without("resps"));
    check("rows without an item", "sample-edited", &results, &without("doc"));
    let mut fewer = results.clone();
    fewer["n-samples"]["mmlu_anatomy"]["effective"] = 2.into();
    check("a weight that is not the rows'", total, &fewer, &rows);
    let mut average = results.clone();
    average["results"]["mmlu"]["acc,none"] = 0.99.into();
    average["groups"]["mmlu"]["acc,none"] = 0.99.into();
    check("an average", total, &average, &rows);
}
