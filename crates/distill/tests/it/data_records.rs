//! Records: the vectors of docs/spec/records.md, round trips, damage, and what other readers make of them.

use std::path::Path;

use stillmark_distill::records::{
    self, Meta, Record, Shard, TopLogprobs, content_digest, import_distillkit, write_distillkit,
};

/// A record of `n` tokens whose numbers follow from `seed`.
pub(crate) fn record(seed: u64, n: usize) -> Record {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 11
    };
    let mut top = TopLogprobs::new();
    for _ in 0..n {
        let mut values: Vec<f32> = (0..4).map(|_| -((next() % 8000) as f32) / 1000.0 - 1.5).collect();
        values.sort_by(|a, b| b.total_cmp(a));
        top.push(values.into_iter().map(|value| ((next() % 1000) as u32, value)));
    }
    Record {
        id: format!("s/{seed}"),
        source: "s".to_owned(),
        prompt_len: n / 3,
        input_ids: (0..n).map(|_| (next() % 1000) as u32).collect(),
        top,
        tail_logmass: (0..n).map(|_| -((next() % 5000) as f32) / 1000.0).collect(),
        text: seed.is_multiple_of(2).then(|| format!("text {seed} ü")),
        receipt: seed.is_multiple_of(3).then(|| format!("leaf {seed}")),
    }
}

pub(crate) fn meta() -> Meta {
    Meta {
        teacher: "t".to_owned(),
        vocab_size: 1000,
        top_logprobs: 4,
        logprob_temperature: 1.0,
        ..Meta::default()
    }
}

fn number(value: &serde_json::Value) -> f32 {
    value.as_f64().map_or_else(|| value.as_str().unwrap().parse().unwrap(), |number| number as f32)
}

fn numbers(value: &serde_json::Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn ids(value: &serde_json::Value) -> Vec<u32> {
    value.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn parsed(value: &serde_json::Value) -> Record {
    let mut top = TopLogprobs::new();
    let rows = value["token_ids"].as_array().unwrap().iter().zip(value["top_values"].as_array().unwrap());
    for (row, values) in rows {
        top.push(ids(row).into_iter().zip(numbers(values)));
    }
    Record {
        id: value["id"].as_str().unwrap().to_owned(),
        source: value["source"].as_str().unwrap().to_owned(),
        prompt_len: value["prompt_len"].as_u64().unwrap() as usize,
        input_ids: ids(&value["input_ids"]),
        top,
        tail_logmass: numbers(&value["tail_logmass"]),
        text: value["text"].as_str().map(str::to_owned),
        receipt: value["receipt"].as_str().map(str::to_owned),
    }
}

#[test]
fn vectors_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/records");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let vector: serde_json::Value = serde_json::from_str(&text).unwrap();
        let name = vector["name"].as_str().unwrap();
        let records: Vec<Record> = vector["records"].as_array().unwrap().iter().map(parsed).collect();
        let vocab_size = vector["vocab_size"].as_u64().unwrap() as usize;
        let flaw = records.iter().find_map(|record| record.flaw(vocab_size));
        if vector["expect"] == "success" {
            assert_eq!(flaw, None, "{name}");
            assert_eq!(content_digest(&records).to_string(), vector["sha256"].as_str().unwrap(), "{name}");
        } else {
            let flaw = flaw.unwrap_or_default();
            let says = vector["says"].as_str().unwrap();
            assert!(flaw.contains(says), "{name}: `{flaw}` does not say `{says}`");
        }
        read += 1;
    }
    assert!(read >= 10, "only {read} vectors");
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records-00000.parquet");
    let mut all: Vec<Record> = (0..150).map(|seed| record(seed, 1 + seed as usize % 40)).collect();
    all[7].top = TopLogprobs::new();
    for _ in 0..all[7].input_ids.len() {
        all[7].top.push([]);
    }
    all[7].tail_logmass.fill(0.0);
    all[8].tail_logmass[0] = f32::NEG_INFINITY;
    let written = records::write(&path, &meta(), &all).unwrap();
    assert_eq!(written.rows, 150);
    let shard = Shard::open(&path).unwrap();
    assert_eq!((shard.meta(), shard.groups()), (&meta(), 3));
    assert_eq!(shard.records().unwrap(), all);
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes.len(), written.size_bytes);
    let again = folder.path().join("again.parquet");
    records::write(&again, &meta(), &all).unwrap();
    assert_eq!(std::fs::read(&again).unwrap(), bytes, "the same records give the same bytes");
}

#[test]
fn a_flawed_record_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records-00000.parquet");
    let mut flawed = record(1, 5);
    flawed.input_ids[2] = 1000;
    let error = records::write(&path, &meta(), &[flawed]).unwrap_err().to_string();
    assert!(error.contains("s/1") && error.contains("beyond the vocabulary"), "{error}");
    assert!(!path.exists());
}

#[test]
fn no_changed_byte_passes_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("records-00000.parquet");
    let all: Vec<Record> = (0..9).map(|seed| record(seed, 6)).collect();
    records::write(&path, &meta(), &all).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let damaged = folder.path().join("damaged.parquet");
    let mut refused = 0;
    for at in (0..bytes.len()).step_by(5) {
        let mut copy = bytes.clone();
        copy[at] ^= 1 << (at % 8);
        std::fs::write(&damaged, &copy).unwrap();
        match Shard::open(&damaged).and_then(|shard| shard.records()) {
            Ok(read) => assert_eq!(read, all, "byte {at}"),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > bytes.len() / 20, "{refused} of {} changes refused", bytes.len() / 5);
    for keep in [0, 3, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&damaged, &bytes[..keep]).unwrap();
        assert!(Shard::open(&damaged).is_err(), "cut to {keep} bytes");
    }
}

#[test]
fn distillkits_columns_go_out_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data_0.parquet");
    let all: Vec<Record> = (0..70).map(|seed| record(seed, 8)).collect();
    write_distillkit(&path, &meta(), &all).unwrap();
    let back = import_distillkit(&path, "old").unwrap();
    assert_eq!(back.len(), all.len());
    for (ours, theirs) in all.iter().zip(&back) {
        assert_eq!((&ours.input_ids, &ours.top), (&theirs.input_ids, &theirs.top));
        assert_eq!(theirs.flaw(1000), None);
        let mass: f64 = theirs.top.at(3).1.iter().map(|value| f64::from(*value).exp()).sum();
        assert!((f64::from(theirs.tail_logmass[3]).exp() + mass - 1.0).abs() < 1e-6);
    }
    let mut ragged = all;
    ragged[5].top = record(99, 7).top;
    ragged[5].top.push([(1, -1.0)]);
    assert!(write_distillkit(&path, &meta(), &ragged).is_err());
}

#[test]
fn trls_prompt_and_completion() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sft.jsonl");
    let all = [record(2, 4)];
    records::write_prompt_response(&path, &all, &mut |record| Ok(format!("of {}", record.id))).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!((line["prompt"].as_str(), line["completion"].as_str()), (Some("of s/2"), Some("text 2 ü")));
}
