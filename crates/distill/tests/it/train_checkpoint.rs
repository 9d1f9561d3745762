//! The vectors of `docs/spec/checkpoint.md`.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

use std::fs;
use std::path::Path;

use serde_json::Value;
use stillmark_distill::train::{Bindings, Checkpoint};
use stillmark_evidence::Digest;
use stillmark_model::Config;

use crate::train_reference::configs;

fn config() -> Config {
    let heads = Config { layers: 1, heads: 1, kv_heads: 1, head_dim: 2, ..configs()["llama"].clone() };
    Config { vocab_size: 4, hidden_size: 2, intermediate_size: 2, ..heads }
}

fn bindings() -> Bindings {
    Bindings::from([("plan".to_owned(), Digest::of(b"a plan"))])
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn write(folder: &Path, files: &Value) {
    for (name, hex) in files.as_object().unwrap() {
        fs::write(folder.join(name), from_hex(hex.as_str().unwrap())).unwrap();
    }
}

fn change(folder: &Path, change: &Value) {
    let path = |key: &str| folder.join(change[key].as_str().unwrap());
    let number = |key: &str| change[key].as_u64().unwrap() as usize;
    if change.get("set").is_some() {
        let path = folder.join("state.json");
        let mut state: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let (parent, key) = change["set"].as_str().unwrap().rsplit_once('/').unwrap();
        state.pointer_mut(parent).unwrap()[key] = change["value"].clone();
        fs::write(path, state.to_string()).unwrap();
    } else if change.get("flip").is_some() {
        let mut bytes = fs::read(path("flip")).unwrap();
        bytes[number("byte")] ^= 1;
        fs::write(path("flip"), bytes).unwrap();
    } else if change.get("cut").is_some() {
        let bytes = fs::read(path("cut")).unwrap();
        fs::write(path("cut"), &bytes[..number("keeps")]).unwrap();
    } else {
        fs::remove_file(path("remove")).unwrap();
    }
}

#[test]
fn checkpoint_vectors_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/checkpoint");
    let read = |path: &Path| serde_json::from_str::<Value>(&fs::read_to_string(path).unwrap()).unwrap();
    let whole = read(&folder.join("whole.json"));
    for entry in fs::read_dir(&folder).unwrap() {
        let vector = read(&entry.unwrap().path());
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join(vector["folder"].as_str().unwrap_or("step-00000002"));
        fs::create_dir(&folder).unwrap();
        write(&folder, &whole["files"]);
        for one in vector["changes"].as_array().into_iter().flatten() {
            change(&folder, one);
        }
        let bindings = vector
            .get("bindings")
            .map_or_else(bindings, |theirs| serde_json::from_value(theirs.clone()).unwrap());
        let name = &vector["name"];
        match Checkpoint::load(&folder, &config(), &bindings) {
            Ok(_) => assert_eq!(vector["expect"], "success", "{name}"),
            Err(error) => {
                assert_eq!(vector["expect"], "refused", "{name}: {error}");
                let says = vector["says"].as_str().unwrap();
                assert!(error.to_string().contains(says), "{name}: {error}");
            }
        }
    }
}
