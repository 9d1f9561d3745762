//! The published vectors of the model signing specification, where they lie beside the repository.

#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fs;
use std::path::{Path, PathBuf};
use stillmark_evidence::{Finding, FindingKind, Statement, bundle, model_signing};

/// The folder of vectors: beside the repository, or beside the folder that holds its work trees.
fn vectors() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let places = ["../shared/data/oms/vectors", "../../shared/data/oms/vectors"];
    let found = places.into_iter().map(|place| root.join(place)).find(|place| place.is_dir());
    if found.is_none() {
        eprintln!("skipped: ../shared/data/oms is not beside the repository");
    }
    found
}

fn judge(bytes: &[u8]) -> Result<(), Finding> {
    let payload = bundle::parse(bytes)?.envelope().payload()?;
    let value: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    if value["predicateType"] != "https://model_signing/signature/v1.0" {
        return Err(Finding::new(
            FindingKind::WrongPredicate,
            "predicateType",
            value["predicateType"].to_string(),
        ));
    }
    let statement: Statement<model_signing::Manifest> = serde_json::from_slice(&payload).unwrap();
    model_signing::consistent(&statement).map(|_| ())
}

fn all(folder: &str, expect: Option<FindingKind>) {
    let Some(vectors) = vectors() else { return };
    let mut seen = 0;
    for entry in fs::read_dir(vectors.join(folder)).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(
            judge(&fs::read(&path).unwrap()).err().map(|finding| finding.kind),
            expect,
            "{}",
            path.display()
        );
        seen += 1;
    }
    assert!(seen > 0);
}

#[test]
fn the_published_vectors_are_judged_as_they_say() {
    all("valid", None);
    all("invalid", Some(FindingKind::Malformed));
    all("invalid-payload", Some(FindingKind::WrongPredicate));
}
