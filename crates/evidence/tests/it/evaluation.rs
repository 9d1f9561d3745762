//! Evaluation runs (docs/spec/evaluation-run.md): what departs from its registration, and what is changed in a folder.

use std::fs;
use std::path::Path;

use serde_json::Value;
use stillmark_evidence::checks::CheckVerdict;
use stillmark_evidence::evaluation::{EvaluationRun, Registration, is_folder, path};
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::signing::{seal_evaluation, seal_registration};
use stillmark_evidence::verify::{Trust, evaluation};
use stillmark_ledger::Log;
use stillmark_ledger::note::SigningKey;

fn vectors() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/evaluation-run");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect()
}

fn parts(vector: &Value) -> (Registration, EvaluationRun) {
    let part = |name: &str| vector[name].clone();
    (serde_json::from_value(part("registration")).unwrap(), serde_json::from_value(part("run")).unwrap())
}

#[test]
fn a_result_departs_from_its_registration_in_nothing() {
    let vectors = vectors();
    assert!(vectors.len() > 10);
    for (name, vector) in vectors {
        let (registration, run) = parts(&vector);
        let expect = vector["expect"].as_str().unwrap();
        match run.departs_from(&registration) {
            None => assert_eq!(expect, "success", "{name}"),
            Some(detail) => assert!(detail.contains(expect) && expect != "success", "{name}: {detail}"),
        }
    }
}

fn keys() -> (PrivateKey, SigningKey) {
    (
        PrivateKey::from_entropy(&[7; 32]).unwrap(),
        SigningKey::from_seed("stillmark.local/test", &[9; 32]).unwrap(),
    )
}

/// Signs a folder with these logs for the registration and for the result.
fn sealed(folder: &Path, edit: impl FnOnce(&mut EvaluationRun)) {
    let (key, signing) = keys();
    let vector = vectors().into_iter().find(|(name, _)| name == "as-registered.json").unwrap().1;
    let (mut registration, mut run) = parts(&vector);
    let mut log = Log::open_or_create(&folder.with_extension("log"), signing).unwrap();
    registration.log = log.verifier().to_string();
    run.log.clone_from(&registration.log);
    run.registration = seal_registration(folder, registration, &key, &mut log).unwrap();
    edit(&mut run);
    fs::write(folder.join(path::ANSWERS), "{}\n").unwrap();
    fs::write(folder.join("samples_gsm8k_x.jsonl"), "{}\n").unwrap();
    seal_evaluation(folder, &["samples_gsm8k_x.jsonl".to_owned()], run, &key, &mut log).unwrap();
}

fn failures(folder: &Path) -> Vec<String> {
    let facts = evaluation(folder, &Trust::of([keys().0.public().clone()])).unwrap();
    let failed = facts.report.checks.iter().filter(|check| check.verdict == CheckVerdict::Fail);
    failed.map(|check| format!("{} {}", check.subject, check.detail)).collect()
}

#[test]
fn a_folder_verifies_and_every_change_is_found() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    sealed(&folder, |_| ());
    assert!(is_folder(&folder));
    assert_eq!(failures(&folder), Vec::<String>::new());
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.collect::<Vec<_>>() {
        let sound = fs::read(&file).unwrap();
        let mut changed = sound.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        fs::write(&file, &changed).unwrap();
        assert_ne!(failures(&folder), Vec::<String>::new(), "a changed byte in {}", file.display());
        fs::remove_file(&file).unwrap();
        assert_ne!(failures(&folder), Vec::<String>::new(), "{} taken away", file.display());
        fs::write(&file, &sound).unwrap();
    }
    fs::write(folder.join("samples_other.jsonl"), "{}\n").unwrap();
    assert_ne!(failures(&folder), Vec::<String>::new(), "a file added");
}

#[test]
fn a_result_of_another_registration_or_with_other_counts_is_found() {
    let place = tempfile::tempdir().unwrap();
    let other = place.path().join("other");
    sealed(&other, |run| run.registration = stillmark_evidence::Digest::of(b"another"));
    assert!(
        failures(&other).iter().any(|found| found.contains("it names the registration")),
        "{:?}",
        failures(&other)
    );
    let fewer = place.path().join("fewer");
    sealed(&fewer, |run| run.tasks[0].asked = 1);
    assert!(failures(&fewer).iter().any(|found| found.contains("other records")), "{:?}", failures(&fewer));
    // The proofs swapped with those of a later registration: the result would come first.
    let late = place.path().join("late");
    sealed(&late, |_| ());
    fs::copy(late.join(path::RUN_PROOF), late.join(path::REGISTRATION_PROOF)).unwrap();
    assert_ne!(failures(&late), Vec::<String>::new());
}
