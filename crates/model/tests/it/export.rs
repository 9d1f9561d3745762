//! Models written and read back, as a folder and as GGUF.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stillmark_model::architecture::parameters;
use stillmark_model::gguf::{self, GgufFile, Kind};
use stillmark_model::{Checkpoint, Config, Error, RopeScaling, TensorSource, Tokenizer, safetensors};

use crate::checkpoint_files::vectors;

/// Weights that follow from their names.
#[derive(Debug)]
struct Made(Config);

impl TensorSource for Made {
    fn tensor(&self, name: &str) -> Result<Vec<f32>, Error> {
        let mut state: u64 =
            name.bytes().fold(7, |state: u64, byte| state.wrapping_mul(31) ^ u64::from(byte));
        let length = self.shape(name).map_or(0, |shape| shape.iter().product());
        Ok((0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ((state >> 48) as f32 - 32768.0) / 65536.0
            })
            .collect())
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        parameters(&self.0).into_iter().find(|one| one.name == name).map(|one| one.shape)
    }
}

fn config(changes: &Value) -> Config {
    let mut value = json!({
        "model_type": "llama", "vocab_size": 12, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 16, "intermediate_size": 96, "bos_token_id": 6, "eos_token_id": 6,
        "rms_norm_eps": 1e-5
    });
    for (key, change) in changes.as_object().unwrap() {
        value[key] = change.clone();
    }
    Config::from_json(Path::new("config.json"), &value.to_string()).unwrap()
}

fn tokenizer() -> Tokenizer {
    Tokenizer::from_json(crate::tokenizer::small().to_string(), Path::new("tokenizer.json")).unwrap()
}

fn write_gguf(folder: &Path, precision: gguf::Precision, made: &Made) -> PathBuf {
    let path = folder.join("m.gguf");
    let mut metadata = tokenizer().gguf_metadata(&made.0).unwrap();
    metadata.push(("general.license".into(), gguf::Value::Text("mit".into())));
    gguf::write(&path, precision, &gguf::Export { config: &made.0, weights: made, metadata: &metadata })
        .unwrap();
    path
}

#[test]
fn gguf_round_trip_of_each_family() {
    let folder = tempfile::tempdir().unwrap();
    let llama3 = json!({"rope_scaling": {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192
    }, "rope_theta": 500_000.0});
    let cases = [
        json!({}),
        json!({"tie_word_embeddings": true}),
        llama3,
        json!({"rope_scaling": {"type": "linear", "factor": 2.0}}),
        json!({"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512}}),
        json!({"model_type": "mistral", "sliding_window": 32}),
        json!({"model_type": "qwen2"}),
        json!({"model_type": "qwen3", "head_dim": 32}),
    ];
    for changes in cases {
        let made = Made(config(&changes));
        let path = write_gguf(folder.path(), gguf::Precision::F16, &made);
        let read = Checkpoint::open(&path).unwrap();
        assert_eq!(read.config(), &made.0, "{changes}");
        assert_eq!(read.license(), Some("mit"));
        assert_eq!(read.tokenizer().unwrap().encode("ab<s> a").unwrap(), [3, 6, 2, 0]);
        for one in parameters(&made.0) {
            let (before, after) = (made.tensor(&one.name).unwrap(), read.tensor(&one.name).unwrap());
            let near = |(before, after): (&f32, &f32)| (before - after).abs() <= 2e-4;
            assert!(before.iter().zip(&after).all(near), "{changes}: {}", one.name);
        }
        let bytes = fs::read(&path).unwrap();
        write_gguf(folder.path(), gguf::Precision::F16, &made);
        assert_eq!(fs::read(&path).unwrap(), bytes, "the same model makes the same bytes");
    }
    assert!(matches!(config(&json!({})).rope.scaling, RopeScaling::None));
}

#[test]
fn eight_bits_are_near() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made(config(&json!({})));
    let read = GgufFile::open(&write_gguf(folder.path(), gguf::Precision::Q8_0, &made)).unwrap();
    assert_eq!(read.gguf().tensors["blk.0.ffn_down.weight"].kind, Kind::Q8_0);
    assert_eq!(read.gguf().tensors["blk.0.attn_norm.weight"].kind, Kind::F32);
    for one in parameters(&made.0) {
        let (before, after) = (made.tensor(&one.name).unwrap(), read.tensor(&one.name).unwrap());
        let far = before.iter().zip(&after).map(|(before, after)| (before - after).abs()).fold(0.0, f32::max);
        // Half a step of the largest scale, and the rounding of the scale to half precision.
        assert!(far <= 0.5 / 127.0 * 0.5 + 0.5 / 2048.0, "{}: {far}", one.name);
    }
}

#[test]
fn an_exported_folder_opens() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made(config(&json!({"tie_word_embeddings": true})));
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put("config.json", &made.0.to_json().to_string());
    put("generation_config.json", r#"{"eos_token_id": [6, 3]}"#);
    put("tokenizer_config.json", r#"{"bos_token": {"content": "<s>"}, "chat_template": "{{ bos_token }}x"}"#);
    put("README.md", "---\nlanguage: en\nlicense: \"apache-2.0\"\n---\n# A model\n");
    tokenizer().save(&folder.path().join("tokenizer.json")).unwrap();
    let weights = folder.path().join("model.safetensors");
    let values = |name: &str| made.tensor(name);
    safetensors::write(
        &weights,
        safetensors::Precision::F32,
        &BTreeMap::new(),
        &parameters(&made.0),
        &values,
    )
    .unwrap();

    let read = Checkpoint::open(folder.path()).unwrap();
    assert_eq!((read.config().eos.as_slice(), read.license()), (&[6, 3][..], Some("apache-2.0")));
    assert_eq!(read.chat_template().unwrap().source(), "{{ bos_token }}x");
    assert_eq!(read.describe().encodings, BTreeMap::from([("F32".to_owned(), 20)]));
    let before = read.digest().unwrap();
    put("README.md", "# Another card\n");
    assert_eq!(read.digest().unwrap(), before, "the card is no part of the model");
    put("chat_template.jinja", "{{ bos_token }}y");
    let read = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(read.chat_template().unwrap().source(), "{{ bos_token }}y");
    put(
        "config.json",
        &config(&json!({"tie_word_embeddings": true, "rms_norm_eps": 1e-6})).to_json().to_string(),
    );
    assert_ne!(Checkpoint::open(folder.path()).unwrap().digest().unwrap(), before);
    put("generation_config.json", r#"{"eos_token_id": 12}"#);
    assert!(
        Checkpoint::open(folder.path()).unwrap_err().to_string().ends_with("`12` is not the id of a token")
    );
    fs::remove_file(folder.path().join("generation_config.json")).unwrap();
    let few = Made(config(&json!({"vocab_size": 5, "bos_token_id": 1, "eos_token_id": 1})));
    put("config.json", &few.0.to_json().to_string());
    let values = |name: &str| few.tensor(name);
    safetensors::write(&weights, safetensors::Precision::F32, &BTreeMap::new(), &parameters(&few.0), &values)
        .unwrap();
    let told = Checkpoint::open(folder.path()).unwrap_err().to_string();
    assert_eq!(told, "token 6 is outside the vocabulary of 5");
    assert!(
        Checkpoint::open(&folder.path().join("none")).unwrap_err().to_string().contains("could not access")
    );
}

#[test]
fn encodings_widen_as_the_reference_widens_them() {
    let bytes = |vector: &Value, key: &str| -> Vec<u8> {
        let hex = vector[key].as_str().unwrap();
        (0..hex.len() / 2).map(|idx| u8::from_str_radix(&hex[2 * idx..2 * idx + 2], 16).unwrap()).collect()
    };
    let mut seen = 0;
    for (name, vector) in vectors("gguf") {
        assert_eq!(vector["expect"], "success", "{name}");
        let Some(kind) = vector["kind"].as_str() else { continue };
        let (kind, ..) = *Kind::ALL.iter().find(|entry| entry.2 == kind).unwrap();
        let blocks = bytes(&vector, "bytes");
        let expected = bytes(&vector, "f32_little_endian");
        let widened: Vec<u8> =
            kind.dequantize(&blocks).iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(widened, expected, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 10);
}
