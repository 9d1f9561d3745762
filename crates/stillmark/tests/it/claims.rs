//! The vectors of `docs/spec/benchmark-claim.md`.

use std::path::Path;

use serde_json::Value;

use crate::place::Place;

#[test]
fn claims_are_judged_as_the_vectors_say() {
    let place = Place::bare();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/benchmark-claim");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let vector: Value = serde_json::from_str(&text).unwrap();
        let runs = vector["runs"].to_string();
        let mut words =
            vec!["benchmark", "claim", vector["text"].as_str().unwrap(), "--runs", &runs, "--format", "json"];
        let items = vector["items"].to_string();
        if vector["items"].is_number() {
            words.extend(["--items", &items]);
        }
        let output = place.stillmark(&words).output().unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer["verdict"], vector["expect"], "{}", vector["name"]);
        let code = match vector["expect"].as_str().unwrap() {
            "impossible" => 1,
            "other-rounding" | "other-items" | "stderr-mismatch" | "macro-mean" => 3,
            _ => 0,
        };
        assert_eq!(output.status.code(), Some(code), "{}", vector["name"]);
        seen += 1;
    }
    assert!(seen >= 15, "{seen} vectors");
}
