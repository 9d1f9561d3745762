//! Safetensors: whole files, shards, and ones that lie.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use stillmark_model::architecture::{Parameter, parameters};
use stillmark_model::safetensors::{Precision, Safetensors, parse, parse_index, write};
use stillmark_model::{Config, TensorSource};

use crate::checkpoint_files::told;

fn file(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn tiny() -> Config {
    let text = json!({
        "model_type": "llama", "vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 12
    });
    Config::from_json(Path::new("config.json"), &text.to_string()).unwrap()
}

/// Numbers that a tensor's name tells apart.
fn numbers(parameter: &Parameter) -> Vec<f32> {
    let seed: u32 = parameter.name.bytes().map(u32::from).sum();
    (0..parameter.len() as u32).map(|idx| (seed + idx) as f32 / 64.0).collect()
}

fn write_tiny(path: &Path, precision: Precision, tensors: &[Parameter]) {
    let values = |name: &str| Ok(numbers(tensors.iter().find(|one| one.name == name).unwrap()));
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    write(path, precision, &metadata, tensors, &values).unwrap();
}

#[test]
fn what_is_written_reads_back() {
    let folder = tempfile::tempdir().unwrap();
    let (config, all) = (tiny(), parameters(&tiny()));
    let path = folder.path().join("model.safetensors");
    write_tiny(&path, Precision::F32, &all);
    let read = Safetensors::open(folder.path(), &config).unwrap();
    assert_eq!(read.metadata().unwrap()["format"], "pt");
    for parameter in &all {
        assert_eq!(read.shape(&parameter.name), Some(parameter.shape.clone()));
        assert_eq!(read.tensor(&parameter.name).unwrap(), numbers(parameter));
    }
    let bytes = fs::read(&path).unwrap();
    write_tiny(&path, Precision::F32, &all);
    assert_eq!(fs::read(&path).unwrap(), bytes, "the same weights make the same bytes");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");

    write_tiny(&path, Precision::Bf16, &all);
    let read = Safetensors::open(folder.path(), &config).unwrap();
    let values = read.tensor("model.norm.weight").unwrap();
    for (value, exact) in values.iter().zip(numbers(&all[all.len() - 2])) {
        assert!((value / exact - 1.0).abs() <= 1.0 / 256.0, "{value} for {exact}");
    }
}

#[test]
fn shards_are_joined_by_the_index() {
    let folder = tempfile::tempdir().unwrap();
    let (config, all) = (tiny(), parameters(&tiny()));
    let (first, second) = all.split_at(7);
    write_tiny(&folder.path().join("a.safetensors"), Precision::F32, first);
    write_tiny(&folder.path().join("b.safetensors"), Precision::F32, second);
    let mut map: BTreeMap<&str, &str> =
        first.iter().map(|one| (one.name.as_str(), "a.safetensors")).collect();
    map.extend(second.iter().map(|one| (one.name.as_str(), "b.safetensors")));
    let index = folder.path().join("model.safetensors.index.json");
    let put = |map: &BTreeMap<&str, &str>| fs::write(&index, json!({"weight_map": map}).to_string()).unwrap();
    let refused = || told(&Safetensors::open(folder.path(), &config).unwrap_err(), folder.path());

    put(&map);
    let read = Safetensors::open(folder.path(), &config).unwrap();
    assert_eq!(read.files().count(), 2);
    assert_eq!(read.tensor("lm_head.weight").unwrap(), numbers(all.last().unwrap()));

    let mut wrong = map.clone();
    wrong.insert("lm_head.weight", "a.safetensors");
    put(&wrong);
    assert!(
        refused().contains("`weight_map.lm_head.weight`: `a.safetensors` has no such tensor"),
        "{}",
        refused()
    );

    wrong.insert("lm_head.weight", "c.safetensors");
    put(&wrong);
    assert!(refused().starts_with("could not access `c.safetensors`"), "{}", refused());

    wrong.remove("lm_head.weight");
    put(&wrong);
    assert!(refused().contains("`b.safetensors`: tensor `lm_head.weight` is not in"), "{}", refused());
}

#[test]
fn tensors_must_be_those_that_the_config_demands() {
    let folder = tempfile::tempdir().unwrap();
    let (config, all) = (tiny(), parameters(&tiny()));
    let path = folder.path().join("model.safetensors");
    let refused = |tensors: &[Parameter]| {
        write_tiny(&path, Precision::F32, tensors);
        told(&Safetensors::open(folder.path(), &config).unwrap_err(), folder.path())
    };
    assert_eq!(
        refused(&all[3..]),
        "tensor `model.embed_tokens.weight`: is missing from `FOLDER`, and 2 more"
    );
    let mut wrong = all.clone();
    wrong[0].shape = vec![9, 8];
    assert!(
        refused(&wrong).contains("has the shape [9, 8] in `FOLDER`; the config demands [10, 8]"),
        "{}",
        refused(&wrong)
    );
    let mut extra = all.clone();
    extra.push(Parameter { name: "model.layers.0.self_attn.o_proj.bias".into(), shape: vec![8] });
    assert!(refused(&extra).contains("o_proj.bias`: is not a part of this decoder"), "{}", refused(&extra));

    let values = |name: &str| {
        let mut values = numbers(all.iter().find(|one| one.name == name).unwrap());
        if name == "model.norm.weight" {
            values[5] = f32::NAN;
        }
        Ok(values)
    };
    write(&path, Precision::Bf16, &BTreeMap::new(), &all, &values).unwrap();
    let read = Safetensors::open(folder.path(), &config).unwrap();
    let error = told(&read.tensor("model.norm.weight").unwrap_err(), folder.path());
    assert_eq!(error, "tensor `model.norm.weight`: element 5 is NaN in `model.safetensors`");
}

#[test]
fn lies_are_told() {
    let one = |entry: Value| file(&json!({ "t": entry }), &[0; 8]);
    let entry = |dtype: &str, shape: Value, offsets: Value| json!({"dtype": dtype, "shape": shape, "data_offsets": offsets});
    let two = |first: [u64; 2], second: [u64; 2]| {
        file(
            &json!({"t": entry("F32", json!([1]), json!(first)), "u": entry("F32", json!([1]), json!(second))}),
            &[0; 8],
        )
    };
    let twice = r#"{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    let cases = [
        (vec![0; 7], "is too short for a safetensors file"),
        ([&u64::MAX.to_le_bytes()[..], b"{}"].concat(), "claims a header of 18446744073709551615 bytes"),
        ([&3u64.to_le_bytes()[..], b"{}"].concat(), "claims a header of 3 bytes"),
        ([&2u64.to_le_bytes()[..], b"[]"].concat(), "header: "),
        ([&1u64.to_le_bytes()[..], b"{"].concat(), "header: EOF"),
        ([&(twice.len() as u64).to_le_bytes()[..], twice.as_bytes(), &[0; 8]].concat(), "occurs twice"),
        (one(json!({"dtype": "F32"})), "header: missing field `shape`"),
        (one(entry("I8", json!([8]), json!([0, 8]))), "has the unsupported type `I8`"),
        (one(entry("F32", json!([4]), json!([0, 16]))), "its bytes 0..16 do not lie in the file"),
        (one(entry("F32", json!([2]), json!([8, 0]))), "its bytes 8..0 do not lie in the file"),
        (one(entry("F16", json!([2]), json!([0, 8]))), "has 8 bytes, which is not what F16 [2] takes"),
        (one(entry("F32", json!([1u64 << 62, 4]), json!([0, 8]))), "which is not what"),
        (one(entry("F32", json!([1]), json!([0, 4]))), "has 4 bytes after the last tensor"),
        (one(entry("F32", json!([1]), json!([4, 8]))), "leaves a hole before it"),
        (two([0, 4], [0, 4]), "tensor `u`: overlaps another tensor"),
    ];
    for (bytes, expected) in cases {
        let error = parse(&bytes, Path::new("m.safetensors")).expect_err(expected).to_string();
        assert!(error.starts_with("`m.safetensors`: ") && error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn an_index_leads_nowhere_else() {
    let cases = [
        ("", "EOF"),
        ("{}", "has no object `weight_map`"),
        (r#"{"weight_map": {}}"#, "names no tensor"),
        (r#"{"weight_map": {"t": 1}}"#, "`weight_map.t`: `1` is not a string"),
        (r#"{"weight_map": {"t": "../m"}}"#, "is not the plain name of a file"),
        (r#"{"weight_map": {"t": "/etc/passwd"}}"#, "is not the plain name of a file"),
    ];
    for (text, expected) in cases {
        let error = parse_index(text, Path::new("i.json")).expect_err(expected).to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
