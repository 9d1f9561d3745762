//! The vectors of docs/spec/vectors/gateway-wire, gateway-config and gateway-limits, all of them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use stillmark_gateway::config::{Config, ConfigError};
use stillmark_gateway::limit::{Book, BucketId, Per, Want};
use stillmark_gateway::wire::framing::{Framing, Refusal};
use stillmark_gateway::wire::json::Fault;
use stillmark_gateway::wire::request::{Request, Surface, Unreadable};

/// Every vector of a page.
fn all(page: &str) -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(page);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap())
    };
    files.into_iter().map(read).collect()
}

fn framed(bytes: &[u8]) -> &'static str {
    let mut framing = Framing::default();
    match framing.follow(bytes).map_err(|refused| refused.refusal) {
        Ok(()) if framing.is_between() => "success",
        Ok(()) => "incomplete",
        Err(Refusal::TooLong) => "too-long",
        Err(Refusal::Character) => "bad-character",
        Err(Refusal::RequestLine) => "bad-request-line",
        Err(Refusal::Target) => "bad-target",
        Err(Refusal::Field) => "bad-field",
        Err(Refusal::Length) => "bad-length",
        Err(Refusal::Host) => "bad-host",
        Err(Refusal::Chunk) => "bad-chunk",
    }
}

fn read(body: &[u8]) -> &'static str {
    match Request::read(Surface::Chat, body) {
        Ok(_) => "success",
        Err(Unreadable::Missing(_)) => "missing",
        Err(Unreadable::Type { .. }) => "wrong-type",
        Err(Unreadable::Json(refused)) => match refused.fault {
            Fault::Syntax => "bad-json",
            Fault::NoObject => "no-object",
            Fault::Duplicate => "duplicate-name",
            Fault::Depth => "too-deep",
            Fault::Number => "bad-number",
            Fault::Unicode => "bad-unicode",
        },
    }
}

#[test]
fn wire() {
    for (name, vector) in all("gateway-wire") {
        let repeated = |text: &str| match vector["repeat"].as_array() {
            Some(repeat) => {
                text.replace('@', &repeat[0].as_str().unwrap().repeat(repeat[1].as_u64().unwrap() as usize))
            }
            None => text.to_owned(),
        };
        let found = match (vector["bytes"].as_str(), vector["body"].as_str()) {
            (Some(bytes), None) => framed(repeated(bytes).as_bytes()),
            (None, Some(body)) => read(repeated(body).as_bytes()),
            _ => panic!("{name} has neither `bytes` nor `body`, or both"),
        };
        assert_eq!(found, vector["expect"].as_str().unwrap(), "{name}");
    }
}

#[test]
fn config() {
    for (name, vector) in all("gateway-config") {
        let found = match Config::parse(vector["config"].as_str().unwrap()) {
            Ok(_) => "success".to_owned(),
            Err(ConfigError::Toml { .. }) => "malformed".to_owned(),
            Err(ConfigError::Value { field, .. }) => field,
        };
        assert_eq!(found, vector["expect"].as_str().unwrap(), "{name}");
    }
}

fn per(word: &str) -> Per {
    match word {
        "moment" => Per::Moment,
        "minute" => Per::Minute,
        "day" => Per::Day,
        "ever" => Per::Ever,
        other => panic!("{other}"),
    }
}

fn numbers(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|number| number.as_u64().unwrap()).collect()
}

#[test]
fn limits() {
    for (name, vector) in all("gateway-limits") {
        let mut book = Book::default();
        let buckets = vector["buckets"].as_array().unwrap().iter().zip(0..);
        let buckets = buckets.map(|(bucket, idx)| {
            book.bucket(0, idx, bucket["limit"].as_u64().unwrap(), per(bucket["per"].as_str().unwrap()))
        });
        let buckets: Vec<BucketId> = buckets.collect();
        let mut leases = Vec::new();
        let mut last = "nothing";
        for act in vector["acts"].as_array().unwrap() {
            let at = act["at"].as_u64().unwrap();
            if let Some(lease) = act["settle"].as_u64() {
                book.settle(at, &leases[lease as usize], &numbers(&act["used"]));
                continue;
            }
            let amounts = numbers(&act["reserve"]);
            let wants = buckets.iter().zip(amounts).map(|(bucket, amount)| Want { bucket: *bucket, amount });
            let reserved = book.reserve(at, &wants.collect::<Vec<_>>());
            last = if reserved.is_ok() { "let-in" } else { "denied" };
            assert_eq!(last, act["tells"], "{name}: {act}");
            leases.extend(reserved.ok());
        }
        assert_eq!(last, vector["expect"], "{name}");
        for (bucket, expected) in buckets.iter().zip(vector["after"].as_array().unwrap()) {
            let own = book.get(*bucket);
            assert_eq!(
                [own.used(), own.held()],
                ["used", "held"].map(|word| expected[word].as_u64().unwrap()),
                "{name}"
            );
        }
    }
}
