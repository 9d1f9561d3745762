//! Models of ours in the programs that others read them with: transformers and llama.cpp. `cargo xtask test --long`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use stillmark_kernels::gemm::Precision;
use stillmark_model::architecture::parameters;
use stillmark_model::gguf::{self, GgufFile};
use stillmark_model::{Checkpoint, Config, Decoder, TensorSource, safetensors};

use crate::checkpoint_files::default_model;
use crate::decoder::{all_logits, families, greatest, tokens};
use crate::formula::Formula;

const LENGTH: usize = 60;

/// A folder with the config and, as large models come, two shards and their index.
fn write_sharded(folder: &Path, config: &Config) {
    let (weights, all) = (Formula::new(config), parameters(config));
    let values = |name: &str| weights.tensor(name);
    let about = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    let mut map = serde_json::Map::new();
    let (first, second) = all.split_at(all.len() / 2);
    for (n, shard) in [(1, first), (2, second)] {
        let file = format!("model-0000{n}-of-00002.safetensors");
        safetensors::write(&folder.join(&file), safetensors::Precision::F32, &about, shard, &values).unwrap();
        map.extend(shard.iter().map(|one| (one.name.clone(), json!(file))));
    }
    let bytes: usize = all.iter().map(|one| 4 * one.len()).sum();
    let index = json!({"metadata": {"total_size": bytes}, "weight_map": map});
    fs::write(folder.join("model.safetensors.index.json"), index.to_string()).unwrap();
    fs::write(folder.join("config.json"), config.to_json().to_string()).unwrap();
}

/// The logits that a peer computes, one array a row, of each model that it is asked about.
fn peer_logits(peer: &str, asked: &BTreeMap<String, Vec<u32>>) -> Option<BTreeMap<String, Vec<Vec<f32>>>> {
    let Some(python) = std::env::var_os("STILLMARK_TEST_TORCH") else {
        println!("skipped: `cargo xtask test --long` sets STILLMARK_TEST_TORCH");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let (question, answer) = (folder.path().join("asked.json"), folder.path().join("logits.json"));
    fs::write(&question, serde_json::to_string(asked).unwrap()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/peer_logits.py");
    let status = Command::new(python).args([script, peer]).args([&question, &answer]).status().unwrap();
    assert!(status.success(), "{peer} could not read it");
    Some(serde_json::from_slice(&fs::read(answer).unwrap()).unwrap())
}

#[test]
fn long_folders_have_the_same_logits_in_transformers() {
    let folder = tempfile::tempdir().unwrap();
    let mut asked = BTreeMap::new();
    for (name, config) in families() {
        let place = folder.path().join(name);
        fs::create_dir(&place).unwrap();
        write_sharded(&place, &config);
        asked.insert(place.to_str().unwrap().to_owned(), tokens(LENGTH, &config));
    }
    let Some(theirs) = peer_logits("transformers", &asked) else { return };
    for (place, tokens) in asked {
        let text = fs::read_to_string(Path::new(&place).join("config.json")).unwrap();
        let config = Config::from_json(Path::new(&place), &text).unwrap();
        let weights = safetensors::Safetensors::open(Path::new(&place), &config).unwrap();
        assert_eq!(weights.files().count(), 2);
        let decoder = Decoder::load(&config, &weights, Precision::F32).unwrap();
        let ours = all_logits(&decoder, &tokens, std::slice::from_ref(&(0..LENGTH)));
        let theirs = theirs[&place].concat();
        assert_eq!(ours.len(), theirs.len());
        let far = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("{}: largest difference {far:.1e}", place.rsplit('/').next().unwrap());
        assert!(far < 1e-3, "{place}: {far}");
    }
}

/// llama.cpp rounds what it multiplies with half-precision weights to half precision, and with eight-bit weights to eight
/// bits; ours stays f32. So the probabilities are compared, not the bits.
#[test]
fn long_gguf_files_have_the_same_probabilities_in_llama_cpp() {
    let Some(path) = default_model() else { return };
    let folder = tempfile::tempdir().unwrap();
    let teacher = Checkpoint::open(&path).unwrap();
    let weights = GgufFile::open(&path).unwrap();
    let metadata = teacher.tokenizer().unwrap().gguf_metadata(teacher.config()).unwrap();
    let text = include_str!("peers.rs");
    let mut tokens = teacher.tokenizer().unwrap().encode(text).unwrap();
    tokens.truncate(256);
    let mut asked = BTreeMap::new();
    for (name, precision) in [("f16", gguf::Precision::F16), ("q8_0", gguf::Precision::Q8_0)] {
        let place = folder.path().join(format!("{name}.gguf"));
        let export = gguf::Export { config: teacher.config(), weights: &weights, metadata: &metadata };
        gguf::write(&place, precision, &export).unwrap();
        asked.insert(place.to_str().unwrap().to_owned(), tokens.clone());
    }
    let Some(theirs) = peer_logits("llama.cpp", &asked) else { return };
    for (place, theirs) in theirs {
        let file = GgufFile::open(Path::new(&place)).unwrap();
        let decoder = Decoder::load(file.config(), &file, Precision::F32).unwrap();
        let ours = all_logits(&decoder, &tokens, std::slice::from_ref(&(0..tokens.len())));
        let rows: Vec<_> = ours.chunks_exact(file.config().vocab_size).zip(&theirs).collect();
        let divergence = rows.iter().map(|(ours, theirs)| kl(ours, theirs)).sum::<f64>() / rows.len() as f64;
        let same = rows.iter().filter(|(ours, theirs)| greatest(ours) == greatest(theirs)).count();
        println!("{place}: KL {divergence:.1e} nats, the same first token in {same} of {} rows", rows.len());
        let (bound, share) = if place.ends_with("f16.gguf") { (1e-4, 0.98) } else { (1e-2, 0.95) };
        assert!(divergence < bound, "{place}: {divergence}");
        assert!(same as f64 >= share * rows.len() as f64, "{place}: {same}");
    }
}

/// KL(ours || theirs) of two rows of logits, in nats.
fn kl(ours: &[f32], theirs: &[f32]) -> f64 {
    let total = |row: &[f32]| row.iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
    let (our_total, their_total) = (total(ours), total(theirs));
    let terms = ours.iter().zip(theirs).map(|(a, b)| {
        let (a, b) = (f64::from(*a) - our_total, f64::from(*b) - their_total);
        a.exp() * (a - b)
    });
    terms.sum()
}
