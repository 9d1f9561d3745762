//! Documents: what is written of a verified folder, and that `verify` catches whatever is changed in it.

use std::fs;
use std::path::Path;

use serde_json::Value;
use stillmark_evidence::checks::{CheckVerdict, FolderReport};
use stillmark_evidence::documents::{Kind, missing_fields};
use stillmark_report::documents::Facts;

use crate::folder::{judged, seal, verified};

const STUDENT: &str = "tern-90m";
const TEACHER: &str = "SmolLM2-135M-Instruct";

/// A sealed folder with all of its documents.
fn disclosed() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    seal(dir.path(), STUDENT, TEACHER);
    let facts = judged(dir.path());
    let facts = Facts::of(&facts).unwrap();
    for kind in Kind::ALL {
        let place = dir.path().join(kind.path());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, facts.write(kind).unwrap().text).unwrap();
    }
    dir
}

fn text(folder: &Path, kind: Kind) -> String {
    fs::read_to_string(folder.join(kind.path())).unwrap()
}

/// The word for what `verify` says of a folder, with the fields it names.
fn word(report: &FolderReport) -> (String, Vec<String>) {
    let fields = report.contradictions.iter().map(|one| one.field.clone()).collect();
    let failed = report.checks.iter().find(|check| check.verdict == CheckVerdict::Fail);
    let word = match failed {
        Some(check) => check.id.clone(),
        None if report.contradictions.is_empty() => "success".to_owned(),
        None => "contradiction".to_owned(),
    };
    (word, fields)
}

#[test]
fn what_is_written_is_what_is_recorded() {
    let dir = disclosed();
    let report = &judged(dir.path()).report;
    assert_eq!(word(report), ("success".to_owned(), vec![]), "{report:#?}");
    let said = report.checks.iter().find(|check| check.id == "documents").unwrap();
    assert!(said.detail.starts_with("9 documents"), "{}", said.detail);
}

#[test]
fn the_same_folder_gives_the_same_bytes() {
    let (one, other) = (disclosed(), disclosed());
    for kind in Kind::ALL {
        let bytes = text(one.path(), kind);
        // Two seals of one run differ in their signatures, whose digests the bills name.
        let facts = judged(one.path());
        assert_eq!(bytes, Facts::of(&facts).unwrap().write(kind).unwrap().text, "{}", kind.path());
        assert_eq!(bytes.lines().count(), text(other.path(), kind).lines().count(), "{}", kind.path());
    }
}

#[test]
fn vectors_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/disclosure-documents");
    let dir = disclosed();
    let mut read = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let cases: Vec<Value> = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        for case in &cases {
            check(dir.path(), case);
            read += 1;
        }
    }
    assert!(50 < read, "only {read} cases");
}

fn check(folder: &Path, case: &Value) {
    let name = case["name"].as_str().unwrap();
    let place = folder.join("disclosure").join(case["document"].as_str().unwrap());
    let sound = fs::read_to_string(&place).unwrap();
    fs::write(&place, tampered(name, &sound, case)).unwrap();
    let (said, fields) = word(&judged(folder).report);
    fs::write(&place, sound).unwrap();
    assert_eq!(said, case["expect"].as_str().unwrap(), "{name}: {fields:?}");
    if let Some(field) = case["field"].as_str() {
        let whole = format!("disclosure/{}: {field}", case["document"].as_str().unwrap());
        assert!(fields.contains(&whole), "{name}: `{whole}` is not among {fields:?}");
    }
}

/// The document with its change: `replace` in the text, or `remove` of what lies at a JSON pointer.
fn tampered(name: &str, sound: &str, case: &Value) -> String {
    if let Some(pointer) = case["remove"].as_str() {
        let mut document: Value = serde_json::from_str(sound).unwrap();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let holder = document.pointer_mut(parent).unwrap();
        if let Value::Array(all) = holder {
            all.remove(key.parse().unwrap());
        } else {
            assert!(holder.as_object_mut().unwrap().remove(key).is_some(), "{name}: no `{key}`");
        }
        return document.to_string();
    }
    let Some([old, new]) = case["replace"].as_array().map(|pair| [&pair[0], &pair[1]]) else {
        return case["write"].as_str().unwrap_or(sound).to_owned();
    };
    let (old, new) = (old.as_str().unwrap(), new.as_str().unwrap());
    assert!(sound.contains(old), "{name}: the document holds no `{old}`");
    sound.replace(old, new)
}

#[test]
fn every_mandatory_field_of_spdx_is_there_and_missed() {
    let dir = disclosed();
    let document: Value = serde_json::from_str(&text(dir.path(), Kind::Spdx)).unwrap();
    assert_eq!(missing_fields(&document), Vec::<String>::new());
    let (mut left_out, n_elements) = (0, document["@graph"].as_array().unwrap().len());
    for idx in 0..n_elements {
        let of = |kind: &str| document["@graph"][idx]["type"] == kind;
        if !(of("ai_AIPackage") || of("dataset_DatasetPackage")) {
            continue;
        }
        for field in ["releaseTime", "software_downloadLocation", "software_primaryPurpose", "name"] {
            let mut broken = document.clone();
            broken["@graph"][idx].as_object_mut().unwrap().remove(field).unwrap();
            assert!(missing_fields(&broken)[0].ends_with(field));
            left_out += 1;
        }
    }
    assert_eq!(left_out, 16);
}

#[test]
fn nothing_that_was_not_recorded_is_answered() {
    let dir = disclosed();
    for kind in [Kind::EuSummary, Kind::DocumentationForm] {
        for line in text(dir.path(), kind).lines().filter(|line| line.starts_with("| ")) {
            let value = line.trim_end_matches(" |").rsplit(" | ").next().unwrap().to_lowercase();
            assert!(!["yes", "no", "true", "false"].contains(&&*value), "{line}");
        }
    }
    let facts = judged(dir.path());
    let counted = Facts::of(&facts).unwrap().completeness();
    assert!(counted.not_recorded.contains(&"energy") && counted.recorded.contains(&"supplier"));
    assert!(!counted.recorded.contains(&"contact"));
}

#[test]
fn a_broken_folder_has_fewer_facts_or_none() {
    let tamper = |dir: &Path| fs::remove_file(dir.join("evidence/run.sigstore.json")).unwrap();
    assert!(Facts::of(&verified(STUDENT, TEACHER, tamper)).is_none());
    let tamper = |dir: &Path| fs::write(dir.join("metrics.jsonl"), "{}").unwrap();
    let facts = verified(STUDENT, TEACHER, tamper);
    let facts = Facts::of(&facts).unwrap();
    assert!(facts.write(Kind::Scores).is_none(), "metrics that nobody signed are no scores");
}

#[test]
fn names_that_would_break_a_table_come_back() {
    let dir = tempfile::tempdir().unwrap();
    seal(dir.path(), "a | b \\ c", "d: e = f | \"g\" <h>");
    let facts = judged(dir.path());
    let facts = Facts::of(&facts).unwrap();
    for kind in Kind::ALL {
        let place = dir.path().join(kind.path());
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, facts.write(kind).unwrap().text).unwrap();
    }
    let report = &judged(dir.path()).report;
    assert_eq!(word(report), ("success".to_owned(), vec![]), "{:#?}", report.contradictions);
}

#[test]
fn no_document_makes_the_reader_panic() {
    let dir = disclosed();
    for kind in Kind::ALL {
        let sound = text(dir.path(), kind);
        let place = dir.path().join(kind.path());
        // What is left of a card without its last section is still a card.
        for part in 0..7 {
            let cut = (0..=sound.len() * part / 8).rev().find(|at| sound.is_char_boundary(*at)).unwrap();
            fs::write(&place, &sound[..cut]).unwrap();
            let (said, _) = word(&judged(dir.path()).report);
            assert_ne!(said, "success", "{} cut at {cut}", kind.path());
        }
        fs::write(&place, sound).unwrap();
    }
}
