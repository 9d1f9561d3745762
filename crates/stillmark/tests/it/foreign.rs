//! The public verifier of `OpenSSF` Model Signing and `verify` judge the model of a whole run alike.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::place::Place;

const PLAN: &str = r#"
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
seed = 7
[train]
steps = 4
seq_len = 64
batch = 2
seed = 7
[declared]
commercial = false
audience = "private"
"#;

/// Whether the public verifier takes the model of the run.
fn is_taken(tool: &Path, run: &Path) -> bool {
    let words = [
        "verify",
        "key",
        "--public_key",
        "evidence/signer.pub.pem",
        "--signature",
        "evidence/model.sigstore.json",
        "model",
    ];
    Command::new(tool).current_dir(run).args(words).output().unwrap().status.success()
}

#[test]
fn the_public_verifier_and_ours_take_a_run_and_refuse_what_was_changed() {
    let Some(tool) = std::env::var_os("STILLMARK_MODEL_SIGNING") else {
        println!("skipped: STILLMARK_MODEL_SIGNING does not name the model_signing program");
        return;
    };
    let place = Place::tiny(PLAN, 6);
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
    let run = place.path("run");
    let taken = |what: &str| {
        assert!(is_taken(Path::new(&tool), &run), "the public verifier refuses {what}");
        place.done(&["verify", "run"]);
    };
    let refused = |what: &str, code: &str, file: &str| {
        assert!(!is_taken(Path::new(&tool), &run), "the public verifier takes {what}");
        let said = place.ends(1, &["verify", "run"]);
        let is_named = said.lines().any(|line| line.contains(code) && line.contains(file));
        assert!(is_named, "{what}: {said}");
    };
    taken("the run as it was made");
    for file in ["model.safetensors", "config.json", "tokenizer.json", "README.md"] {
        let path = format!("run/model/{file}");
        place.fixture(&["flip", &path]);
        refused(&format!("one changed bit of {file}"), "bad-digest", &format!("model/{file}"));
        place.fixture(&["flip", &path]);
    }
    fs::write(run.join("model/extra.bin"), "x").unwrap();
    refused("an added file", "extra-file", "model/extra.bin");
    fs::remove_file(run.join("model/extra.bin")).unwrap();
    fs::rename(run.join("model/generation_config.json"), run.join("kept")).unwrap();
    refused("a removed file", "missing-file", "model/generation_config.json");
    fs::rename(run.join("kept"), run.join("model/generation_config.json")).unwrap();
    taken("the run put right again");
}
