//! The folder of a watermark finding is verified and shown like that of a run.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::watermark::{Mark, SCHEMA, TextResult, WatermarkFinding};
use stillmark_evidence::{Digest, Subject, signing};

use crate::place::Place;

fn seal(place: &Place) {
    let result = |id: &str| TextResult { mark: Mark::Inconclusive, ..TextResult::new(id, 3) };
    let finding = WatermarkFinding {
        schema: SCHEMA.to_owned(),
        scheme: "vllm-philox".to_owned(),
        reference: "vLLM 0.33.0, philox4x32-10-v1".to_owned(),
        key: Some(Digest::of(b"key").to_string()),
        parameters: BTreeMap::new(),
        tokenizer_sha256: None,
        level: 0.001,
        decoys: 999,
        decoy_seed: 0,
        keys_tried: 1,
        texts_tried: 1,
        statistic: "sum of -ln(1-u)".to_owned(),
        texts: vec![result("a")],
        pooled: result("pooled"),
        assumptions: vec![],
        cannot_show: vec![],
        log: None,
    };
    let key = PrivateKey::from_entropy(&[5; 32]).unwrap();
    let judged = vec![Subject::new("ids.jsonl", Digest::of(b"ids"))];
    signing::seal_finding(&place.path("found"), judged, finding, &[], &key, None).unwrap();
    fs::write(place.path("signer.pem"), key.public().to_pem()).unwrap();
}

/// Demands the exit code and the verdict of `verify`, and a page that says the same.
fn check(place: &Place, trust: &[&str], code: i32, verdict: &str) {
    let words = [&["verify", "found", "--format", "json"], trust].concat();
    let output = place.stillmark(&words).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), answer["verdict"].as_str()), (Some(code), Some(verdict)), "{answer}");
    place.ends(code, &[&["report", "found"], trust].concat());
    let page = fs::read_to_string(place.path("found/report.html")).unwrap();
    assert!(page.contains("Watermark finding") && page.contains(&format!(">{verdict}</span>")));
}

#[test]
fn a_finding_is_verified_and_shown() {
    let place = Place::bare();
    seal(&place);
    check(&place, &[], 3, "inconclusive");
    check(&place, &["--trust", "signer.pem"], 0, "pass");
    fs::write(place.path("found/scores.jsonl"), "{}").unwrap();
    check(&place, &["--trust", "signer.pem"], 1, "fail");
}
