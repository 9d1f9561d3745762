//! The story of `distill.rs`, from a teacher that is made here to a folder that verifies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use stillmark_distill::metrics::{self, Entry};
use stillmark_distill::records::Recount;
use stillmark_distill::train::Student;
use stillmark_evidence::checks::{Assurance, CheckVerdict};
use stillmark_evidence::keys::PrivateKey;
use stillmark_evidence::{Trust, verify};
use stillmark_model::architecture::parameters;
use stillmark_model::{Checkpoint, Config, TensorSource as _, safetensors};

/// Three layers over the letters of ASCII.
fn write_teacher(folder: &Path) {
    let letters: BTreeMap<String, u32> =
        (33..127).map(|letter| (char::from(letter).to_string(), u32::from(letter) - 33)).collect();
    let config = json!({
        "model_type": "llama", "vocab_size": letters.len(), "hidden_size": 16, "num_hidden_layers": 3,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "intermediate_size": 24,
        "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "tie_word_embeddings": true
    });
    let bytes =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let tokenizer = json!({
        "version": "1.0", "added_tokens": [], "pre_tokenizer": bytes, "decoder": bytes,
        "model": { "type": "BPE", "ignore_merges": false, "vocab": letters, "merges": [] }
    });
    fs::create_dir_all(folder).unwrap();
    let write = |name: &str, value: &Value| fs::write(folder.join(name), value.to_string()).unwrap();
    write("config.json", &config);
    write("tokenizer.json", &tokenizer);
    let config = Config::from_json(Path::new("config.json"), &config.to_string()).unwrap();
    // Loud weights: a model that has opinions, so that there is something to learn.
    let weights = Student::fresh(config.clone(), 1);
    let loud = |name: &str| {
        let factor = if name.contains("norm") { 1.0 } else { 12.0 };
        weights.tensor(name).map(|tensor| tensor.into_iter().map(|x| x * factor).collect())
    };
    let file = folder.join("model.safetensors");
    safetensors::write(&file, safetensors::Precision::F32, &BTreeMap::new(), &parameters(&config), &loud)
        .unwrap();
}

#[test]
fn a_student_is_made_and_its_disclosure_verifies() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    write_teacher(&place.join("teacher"));
    let line =
        |at: u32| json!({ "id": at.to_string(), "text": format!("{}+{at}={}", at * 7, at * 8) }).to_string();
    fs::write(place.join("texts.jsonl"), (0..40).map(line).collect::<Vec<_>>().join("\n")).unwrap();
    let key = PrivateKey::from_entropy(&[4; 32]).unwrap();
    fs::write(place.join("key.pem"), key.to_pem().unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_distill"));
    command.current_dir(place).args(["teacher", "texts.jsonl", "student", "key.pem", "2026-11-23"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let folder = place.join("student");
    let facts = verify::folder(&folder, &Trust::of([key.public().clone()]), &Recount).unwrap();
    assert_eq!(facts.report.assurance, Assurance::SignedAndLogged, "{:#?}", facts.report);
    assert!(
        facts.report.checks.iter().all(|check| check.verdict == CheckVerdict::Pass),
        "{:#?}",
        facts.report
    );
    let student = Checkpoint::open(&folder.join("model")).unwrap();
    assert_eq!(student.config().layers, 2);
    let entries = metrics::read(&folder.join("metrics.jsonl")).unwrap();
    let losses: Vec<f64> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Step(step) => Some(step.loss),
            Entry::Evaluation(_) => None,
        })
        .collect();
    assert_eq!(losses.len(), 20);
    assert!(losses[19] < 0.7 * losses[0], "{losses:?}");
}
