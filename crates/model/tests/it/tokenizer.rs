//! Tokenizers out of GGUF files and `tokenizer.json`.

use std::path::Path;

use serde_json::{Value, json};
use stillmark_model::gguf::{Gguf, GgufFile};
use stillmark_model::{Checkpoint, Error, Tokenizer};

use crate::checkpoint_files::{default_model, vectors};

fn read(value: &Value) -> Result<Tokenizer, Error> {
    Tokenizer::from_json(value.to_string(), Path::new("tokenizer.json"))
}

/// A byte-level tokenizer of few tokens.
pub(crate) fn small() -> Value {
    json!({
        "version": "1.0",
        "added_tokens": [{
            "id": 6, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true
        }],
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "ignore_merges": false,
            "vocab": {"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ã": 4, "©": 5},
            "merges": [["a", "b"]]
        }
    })
}

#[test]
fn ids_equal_those_of_llama_cpp() {
    let Some(path) = default_model() else { return };
    let tokenizer = Tokenizer::from_gguf(GgufFile::open(&path).unwrap().gguf(), &path).unwrap();
    let vector = vectors("gguf").remove("tokens-smollm2.json").unwrap();
    let lines = vector["lines"].as_array().unwrap();
    assert!(30 <= lines.len());
    for line in lines {
        let text = line["text"].as_str().unwrap();
        let expected: Vec<u32> =
            line["ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
        assert_eq!(tokenizer.encode(text).unwrap(), expected, "{text:?}");
        assert_eq!(tokenizer.decode_all(&expected).unwrap(), text);
        let mut stream = tokenizer.stream();
        let mut streamed: String = expected.iter().map(|id| stream.push(*id).unwrap()).collect();
        streamed += &stream.finish().unwrap();
        assert_eq!(streamed, tokenizer.decode(&expected).unwrap(), "{text:?} streamed");
    }
    assert_eq!((tokenizer.vocab_size(), tokenizer.specials().len()), (49_152, 17));
    assert_eq!((tokenizer.id("<|im_end|>"), tokenizer.token(0)), (Some(2), Some("<|endoftext|>")));
}

#[test]
fn a_saved_tokenizer_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = read(&small()).unwrap();
    tokenizer.save(&folder.path().join("tokenizer.json")).unwrap();
    let again = Tokenizer::open(&folder.path().join("tokenizer.json")).unwrap();
    assert_eq!(tokenizer.digest(), again.digest());
    assert_eq!(again.encode("ab<s> a").unwrap(), [3, 6, 2, 0]);
}

#[test]
fn a_character_of_two_tokens_is_streamed_whole() {
    let tokenizer = read(&small()).unwrap();
    let mut stream = tokenizer.stream();
    let pieces: Vec<String> = [3, 4, 5, 6, 2, 0].iter().map(|id| stream.push(*id).unwrap()).collect();
    assert_eq!(pieces, ["ab", "", "é", "", " ", "a"]);
    stream.push(4).unwrap();
    assert_eq!(stream.finish().unwrap(), "\u{fffd}");
}

#[test]
fn digests_are_those_of_the_vectors() {
    for (name, vector) in vectors("tokenizer-digest") {
        let read = read(&vector["tokenizer"]);
        match vector["expect"].as_str().unwrap() {
            "success" => assert_eq!(read.unwrap().digest().to_string(), vector["digest"], "{name}"),
            "different" => assert_ne!(read.unwrap().digest().to_string(), vector["digest"], "{name}"),
            "malformed" => {
                assert!(read.unwrap_err().to_string().contains(vector["error"].as_str().unwrap()), "{name}");
            }
            other => panic!("{name}: unknown expectation {other}"),
        }
    }
}

#[test]
fn the_first_difference_is_named() {
    let changed = |pointer: &str, value: Value| {
        let mut other = small();
        *other.pointer_mut(pointer).unwrap() = value;
        read(&other).unwrap()
    };
    let first = read(&small()).unwrap();
    assert_eq!(first.shared_ids(&read(&small()).unwrap()).unwrap(), 7);
    let told = |other: &Tokenizer| first.shared_ids(other).unwrap_err().to_string();
    let other = changed("/model/vocab", json!({"a": 0, "b": 1, "Ġ": 2, "ab": 3, "x": 4, "©": 5}));
    assert_eq!(told(&other), "the tokenizers differ at id 4: `Ã` and `x`");
    let mut more = small();
    let mut added = more["added_tokens"][0].clone();
    (added["id"], added["content"]) = (json!(7), json!("z"));
    more["added_tokens"].as_array_mut().unwrap().push(added);
    let other = read(&more).unwrap();
    assert_eq!(told(&other), "the tokenizers differ at id 7: no token and `z`");
    let other = changed("/model/merges", json!([]));
    assert_eq!(
        told(&other),
        "the tokenizers differ: the tokens are the same, but merges or the way of cutting text are not"
    );
}

/// Metadata of a GGUF file whose tokenizer is odd in one way.
#[test]
fn unknown_kinds_are_refused() {
    let Some(path) = default_model() else { return };
    let gguf = GgufFile::open(&path).unwrap().gguf().clone();
    let told = |key: &str, value: &str| {
        let mut odd: Gguf = gguf.clone();
        odd.metadata.insert(key.into(), stillmark_model::gguf::Value::Text(value.into()));
        Tokenizer::from_gguf(&odd, Path::new("m.gguf")).unwrap_err().to_string()
    };
    assert!(told("tokenizer.ggml.pre", "default").starts_with(
        "`m.gguf`, field `tokenizer.ggml.pre`: `default` is not known; known are smollm, gpt-2, qwen2, llama-bpe"
    ));
    assert!(told("tokenizer.ggml.model", "t5").ends_with("`t5` is not supported; only `gpt2` is"));
    assert!(told("tokenizer.ggml.merges", "a b").ends_with("is missing or not a list of strings"));
    assert!(told("tokenizer.ggml.token_type", "1").ends_with("is not a list of one kind a token"));
}

#[test]
fn every_known_way_of_cutting_builds() {
    let Some(path) = default_model() else { return };
    let gguf = GgufFile::open(&path).unwrap().gguf().clone();
    let config = GgufFile::open(&path).unwrap().config().clone();
    for pre in stillmark_model::tokenizer::PRE_TOKENIZERS.iter().map(|one| one.names[0]) {
        let mut other = gguf.clone();
        other.metadata.insert("tokenizer.ggml.pre".into(), stillmark_model::gguf::Value::Text(pre.into()));
        let tokenizer = Tokenizer::from_gguf(&other, &path).unwrap();
        let text = "It's 2026: naïve Ωδ 日本語\n\n  x+=1; \u{10400}";
        assert_eq!(tokenizer.decode(&tokenizer.encode(text).unwrap()).unwrap(), text, "{pre}");
        // What is read out of GGUF can be put back under the same name.
        let metadata = tokenizer.gguf_metadata(&config).unwrap();
        let name = metadata.iter().find(|(key, _)| key == "tokenizer.ggml.pre").unwrap();
        assert_eq!(name.1.as_text(), Some(pre));
    }
}

#[test]
fn the_default_models_checkpoint_opens() {
    let Some(path) = default_model() else { return };
    let checkpoint = Checkpoint::open(&path).unwrap();
    let about = checkpoint.describe();
    assert_eq!((about.family, about.parameters, about.tokens), ("llama", 134_515_008, Some(49_152)));
    assert_eq!((about.encodings["Q4_1"], about.encodings["F32"], about.encodings["Q8_0"]), (210, 61, 1));
    assert_eq!((checkpoint.license(), checkpoint.config().eos.as_slice()), (Some("apache-2.0"), &[2][..]));
    let digest = checkpoint.digest().unwrap().to_string();
    assert_eq!(digest, "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53");
}
