//! `disclose` on a real tiny run: validators that others wrote take every document and refuse a broken twin.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::place::Place;

pub(crate) const PLAN: &str = r#"
[student]
name = "student"
license = "apache-2.0"
init = { from = "teacher", layers = 2, by = "even" }
[teacher]
model = "tiny"
terms = ["apache-2.0"]
[[prompts]]
file = "prompts.jsonl"
terms = ["cc0-1.0"]
[capture]
max_tokens = 12
top_logprobs = 4
shard_rows = 4
seed = 7
[train]
steps = 4
seq_len = 64
batch = 2
seed = 7
held_out = 0.2
losses = [{ name = "forward-kl" }]
[declared]
commercial = false
audience = "private"
"#;

const PUBLISHER: &str = r#"
[publisher]
supplier = "Nova Models"
contact = "models@nova.example"
url = "https://nova.example/student"
version = "1.0.0"
released = 2026-12-01
download = "https://nova.example/student/files"
"#;

/// A foreign validator.
struct Judge {
    kind: &'static str,
    /// The document it judges, in the run folder.
    file: &'static str,
    /// What breaks it: a text and what stands in its place.
    breaks: (&'static str, &'static str),
    /// What it judges by, where that lies beside the repository.
    data: Option<&'static str>,
}

const fn judge(kind: &'static str, file: &'static str, breaks: (&'static str, &'static str)) -> Judge {
    Judge { kind, file, breaks, data: None }
}

const JUDGES: [Judge; 8] = [
    judge(
        "cyclonedx-1.6",
        "disclosure/cyclonedx-1.6.json",
        ("\"machine-learning-model\"", "\"distilled-model\""),
    ),
    judge(
        "cyclonedx-1.7",
        "disclosure/cyclonedx-1.7.json",
        ("\"machine-learning-model\"", "\"distilled-model\""),
    ),
    Judge {
        data: Some("spdx/spdx-schema-3.0.1.json"),
        ..judge("spdx-schema", "disclosure/spdx-3.0.1.json", ("\"descendantOf\"", "\"distilledFrom\""))
    },
    judge("spdx-model", "disclosure/spdx-3.0.1.json", ("\"ai_AIPackage\"", "\"ai_Distillate\"")),
    judge("croissant", "disclosure/croissant.json", ("\"column\": \"input_ids\"", "\"column\": \"tokens\"")),
    judge("card", "disclosure/modelcard.md", ("license: apache-2.0", "license: [apache-2.0")),
    judge("scores", "disclosure/eval_results/held-out.yaml", ("task_id:", "task:")),
    Judge {
        data: Some("oms/schemas"),
        ..judge("model-signing", "evidence/model.sigstore.json", ("vnd.in-toto+json", "vnd.other+json"))
    },
];

/// A file or folder of the data beside the repository, where it is at hand.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = std::env::var_os("STILLMARK_SHARED").map(PathBuf::from);
    let places = named.into_iter().chain(["../shared", "../../shared"].map(|place| root.join(place)));
    places.map(|place| place.join("data").join(name)).find(|path| path.exists())
}

/// What a validator says against a document; nothing where it takes it.
pub(crate) fn objection(python: &Path, kind: &str, document: &Path, data: Option<&Path>) -> Option<String> {
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/validators.py"));
    command.arg(kind).arg(document).args(data);
    command.env("HOME", document.parent().unwrap()).env("HF_HUB_OFFLINE", "1");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{kind}: {said}");
    (!output.status.success()).then_some(said)
}

#[test]
fn foreign_validators_take_the_documents_of_a_run_and_refuse_broken_twins() {
    let Some(python) = std::env::var_os("STILLMARK_TEST_VALIDATORS").map(PathBuf::from) else {
        println!("skipped: STILLMARK_TEST_VALIDATORS does not name a python that has xtask/validators.txt");
        return;
    };
    for (plan, is_broken_too) in [(PLAN.to_owned(), false), (format!("{PLAN}{PUBLISHER}"), true)] {
        let place = Place::tiny(&plan, 10);
        place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
        for Judge { kind, file, breaks: (old, new), data: name } in JUDGES {
            let data = name.and_then(shared);
            if data.is_none() && name.is_some() {
                println!(
                    "skipped {kind}: ../shared/data is not there (STILLMARK_SHARED names another place)"
                );
                continue;
            }
            let document = place.path("run").join(file);
            let judged = || objection(&python, kind, &document, data.as_deref());
            assert_eq!(judged(), None, "{kind}");
            if is_broken_too {
                let sound = fs::read_to_string(&document).unwrap();
                assert!(sound.contains(old), "{file} holds no `{old}`");
                fs::write(&document, sound.replace(old, new)).unwrap();
                assert!(judged().is_some(), "{kind} took a broken {file}");
                fs::write(&document, sound).unwrap();
            }
        }
    }
}

#[test]
fn the_same_run_is_disclosed_by_the_same_bytes_and_a_forged_document_is_named() {
    let place = Place::tiny(&format!("{PLAN}{PUBLISHER}"), 10);
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
    let bill = place.path("run/disclosure/cyclonedx-1.6.json");
    let made = fs::read(&bill).unwrap();
    let answer: Value =
        serde_json::from_str(&place.done(&["--quiet", "disclose", "run", "--format", "json"])).unwrap();
    assert_eq!(answer["schema"], "stillmark/disclose/v1");
    assert_eq!(answer["written"].as_array().unwrap().len(), 9);
    assert_eq!(answer["card"].as_array().unwrap().len(), 0, "the run's card is the one proposed: {answer}");
    assert_eq!(fs::read(&bill).unwrap(), made);

    let forged = String::from_utf8(made.clone()).unwrap().replace("Nova Models", "Acme");
    fs::write(&bill, forged).unwrap();
    let said = place.ends(1, &["verify", "run"]);
    assert!(said.contains("disclosure/cyclonedx-1.6.json: supplier"), "{said}");
    place.done(&["--quiet", "disclose", "run", "--formats", "cyclonedx"]);
    assert_eq!(fs::read(&bill).unwrap(), made, "documents are written anew over a forged one");
    place.done(&["verify", "run"]);
}

#[test]
fn a_folder_that_does_not_verify_is_not_disclosed() {
    let place = Place::tiny(PLAN, 10);
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
    fs::remove_dir_all(place.path("run/disclosure")).unwrap();
    place.fixture(&["flip", "run/model/config.json"]);
    let said = place.ends(1, &["disclose", "run"]);
    assert!(said.contains("bad-digest: model/config.json"), "{said}");
    assert!(!place.path("run/disclosure").exists());
    place.ends(2, &["disclose", "nowhere"]);
    place.ends(2, &["disclose", "run", "--formats", "pdf"]);
}
