//! An audit's folder: what is signed holds, and what is changed is found.

use std::fs;
use std::path::Path;

use stillmark_evidence::audit::{
    Audit, Found, Level, Open, ReadFile, SCHEMA, Score, Severity, Verdict, path,
};
use stillmark_evidence::checks::CheckVerdict;
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::test_result::Outcome;
use stillmark_evidence::{Digest, Trust, signing, verify};

const CLASSES: [&str; 3] = ["score-forged", "sample-dropped", "raw-output-forged"];

fn audit() -> Audit {
    Audit {
        schema: SCHEMA.to_owned(),
        verdict: Verdict::Altered,
        assurance: Level::L1,
        files: vec![ReadFile {
            name: "samples.jsonl".to_owned(),
            sha256: Digest::of(b"rows"),
            bytes: 4,
            format: "lm-eval".to_owned(),
        }],
        scores: vec![Score {
            task: "gsm8k".to_owned(),
            subject: None,
            metric: "exact_match".to_owned(),
            filter: "strict-match".to_owned(),
            aggregation: None,
            n: 100,
            n_benchmark: Some(1319),
            claimed: Some(0.5),
            recomputed: Some(0.25),
            interval: Some([0.1755, 0.3430]),
        }],
        findings: vec![Found {
            class: "score-forged".to_owned(),
            severity: Severity::Error,
            file: "samples.jsonl".to_owned(),
            line: Some(7),
            doc_id: Some("6".to_owned()),
            task: Some("gsm8k".to_owned()),
            detail: "the answer does not earn this score".to_owned(),
            expected: Some("0".to_owned()),
            found: Some("1".to_owned()),
        }],
        findings_left_out: 0,
        departures: Vec::new(),
        undecidable: vec![Open {
            what: "raw-output-forged".to_owned(),
            task: None,
            why: "no log can show that a model gave these answers".to_owned(),
        }],
        not_checked: Vec::new(),
        cannot_show: vec!["that a model gave these answers".to_owned()],
        spot_check: None,
    }
}

fn sealed(dir: &Path, audit: &Audit) -> PrivateKey {
    let key = PrivateKey::from_entropy(&[7; 32]).unwrap();
    signing::seal_audit(dir, audit, b"{}\n", (Vec::new(), &CLASSES), &key).unwrap();
    key
}

/// The codes of what fails once a sealed folder was changed.
fn check(change: impl Fn(&Path)) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let key = sealed(dir.path(), &audit());
    change(dir.path());
    let facts = verify::audit(dir.path(), &Trust::of([key.public().clone()])).unwrap();
    let failed = facts.report.checks.iter().filter(|check| check.verdict == CheckVerdict::Fail);
    failed.map(|check| check.id.clone()).collect()
}

#[test]
fn a_sealed_audit_verifies_and_its_result_follows() {
    let dir = tempfile::tempdir().unwrap();
    let key = sealed(dir.path(), &audit());
    let facts = verify::audit(dir.path(), &Trust::of([key.public().clone()])).unwrap();
    assert_eq!(facts.report.verdict, CheckVerdict::Pass);
    assert_eq!(facts.audit, Some(audit()));
    let result = &facts.result.as_ref().unwrap().predicate;
    assert_eq!(result.result, Outcome::Failed);
    assert_eq!(result.failed, ["score-forged"]);
    assert_eq!(result.passed, ["sample-dropped"], "what is undecidable has not passed");
}

#[test]
fn every_change_of_the_folder_is_found() {
    let edit = |name: &'static str, from: &'static str, to: &'static str| {
        move |dir: &Path| {
            let text = fs::read_to_string(dir.join(name)).unwrap();
            assert!(text.contains(from), "{name} holds no `{from}`");
            fs::write(dir.join(name), text.replacen(from, to, 1)).unwrap();
        }
    };
    assert_eq!(check(|_| ()), [""; 0]);
    assert_eq!(check(edit(path::AUDIT, "0.25", "0.50")), ["bad-digest", "contradiction"]);
    assert_eq!(check(edit(path::SARIF, "{}", "[]")), ["bad-digest"]);
    assert_eq!(
        check(|dir| fs::remove_file(dir.join(path::AUDIT)).unwrap()),
        ["missing-file", "missing-file"]
    );
    assert_eq!(check(|dir| fs::write(dir.join("notes.txt"), "x").unwrap()), ["extra-file"]);
    assert_eq!(check(|dir| fs::write(dir.join(path::RESULT), "{").unwrap()), ["malformed"]);
    let other = |dir: &Path| {
        let key = PrivateKey::from_entropy(&[8; 32]).unwrap();
        fs::write(dir.join(path::SIGNER), key.public().to_pem()).unwrap();
    };
    assert!(!check(other).is_empty());
}

#[test]
fn a_verdict_that_does_not_follow_is_a_contradiction() {
    let dir = tempfile::tempdir().unwrap();
    let kinder = Audit { verdict: Verdict::NothingFound, ..audit() };
    let key = sealed(dir.path(), &kinder);
    let facts = verify::audit(dir.path(), &Trust::of([key.public().clone()])).unwrap();
    assert_eq!(facts.report.verdict, CheckVerdict::Fail);
    assert_eq!(facts.audit, None);
}
