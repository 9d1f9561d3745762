//! A student of a student: the evidence of the first goes on into the second's folder, and is shown.

use std::fs;

use serde_json::Value;

use crate::place::Place;

const PLAN: &str = r#"
[student]
name = "NAME"
license = "apache-2.0"
init = { from = "teacher", layers = LAYERS, by = "even" }
[teacher]
model = "MODEL"
terms = ["apache-2.0"]
[[prompts]]
file = "prompts.jsonl"
id = "asked"
terms = ["cc-by-4.0"]
[capture]
max_tokens = 12
top_logprobs = 4
seed = 7
[train]
steps = 2
seq_len = 64
batch = 2
held_out = 0.1
eval_every = 2
seed = 7
[declared]
commercial = false
audience = "distributed"
"#;

fn plan(name: &str, model: &str, layers: usize) -> String {
    PLAN.replace("NAME", name).replace("MODEL", model).replace("LAYERS", &layers.to_string())
}

fn distill(place: &Place, name: &str, model: &str, layers: usize) {
    fs::write(place.path("plan.toml"), plan(name, model, layers)).unwrap();
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", name]);
}

fn checks(place: &Place, code: i32, folder: &str) -> Vec<(String, String, String)> {
    let output = place.stillmark(&["verify", folder, "--format", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(code), "{report:#}");
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap().iter();
    checks.map(|check| (text(check, "id"), text(check, "verdict"), text(check, "detail"))).collect()
}

fn details(checks: &[(String, String, String)], id: &str) -> Vec<String> {
    let found = checks.iter().filter(|check| check.0 == id);
    found.map(|check| format!("{}: {}", check.1, check.2)).collect()
}

#[test]
fn a_student_of_a_student_carries_the_evidence_of_both() {
    let place = Place::tiny(&plan("first", "tiny", 2), 6);
    distill(&place, "first", "tiny", 2);
    assert!(!place.path("first/evidence/upstream.jsonl").exists());
    distill(&place, "second", "first/model", 2);
    distill(&place, "third", "second/model", 1);
    let sound = checks(&place, 0, "third");
    let upstream = details(&sound, "upstream");
    assert_eq!(upstream, ["pass: 8 statements about 2 models, joined by digest"]);
    assert!(details(&sound, "upstream-duty").iter().any(|duty| duty.starts_with("pass: ")), "{sound:#?}");
    place.done(&["report", "third", "--graph", "third.mmd"]);
    let drawn = fs::read_to_string(place.path("third.mmd")).unwrap();
    for name in ["<b>third</b>", "<b>second</b>", "<b>first</b>", "<b>tiny</b>"] {
        assert!(drawn.contains(name), "{drawn}");
    }
    assert!(drawn.contains("train 100.0 %"), "{drawn}");
    let page = fs::read_to_string(place.path("third/report.html")).unwrap();
    assert!(page.contains("first to second by train"), "the page tells the arrows in words");

    // One line less, and the run's pin tells.
    let file = place.path("third/evidence/upstream.jsonl");
    let whole = fs::read_to_string(&file).unwrap();
    let rest: Vec<&str> = whole.lines().skip(1).collect();
    fs::write(&file, rest.join("\n")).unwrap();
    assert!(!details(&checks(&place, 1, "third"), "bad-digest").is_empty());
    fs::remove_file(&file).unwrap();
    assert!(!details(&checks(&place, 1, "third"), "missing-file").is_empty());
}

#[test]
fn evidence_of_another_model_is_not_carried_on() {
    let place = Place::tiny(&plan("first", "tiny", 2), 6);
    distill(&place, "first", "tiny", 2);
    let config = place.path("first/model/config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\n")).unwrap();
    fs::write(place.path("plan.toml"), plan("second", "first/model", 1)).unwrap();
    let said = place.ends(0, &["distill", "run", "plan.toml", "--out", "second"]);
    assert!(said.contains("its evidence is not carried on"), "{said}");
    assert!(!place.path("second/evidence/upstream.jsonl").exists());
    fs::write(place.path("first/evidence/model.sigstore.json"), "{}").unwrap();
    let said = place.ends(2, &["distill", "run", "plan.toml", "--out", "third"]);
    assert!(said.contains("the evidence of") && said.contains("cannot be carried on"), "{said}");
}
