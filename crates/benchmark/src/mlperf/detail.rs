//! `mlperf_log_detail.txt`: what LoadGen logged, one JSON object a line behind a marker.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// What each line that counts begins with.
const MARKER: &[u8] = b":::MLLOG";

/// A LoadGen run as its detail log tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Detail {
    values: BTreeMap<String, Vec<Value>>,
    /// The errors it logged.
    pub errors: Vec<String>,
    /// The greatest time of an entry, in milliseconds since the run began.
    pub last_ms: f64,
}

#[derive(Deserialize)]
struct Line {
    key: String,
    value: Value,
    time_ms: f64,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    is_error: bool,
}

/// Times above this are LoadGen's, of entries before its clock was set (an underflow).
const UNSET_CLOCK_MS: f64 = 1e13;

impl Detail {
    /// Reads a log; further lines without the marker are skipped, as the official parser does.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut detail = Self::default();
        if !bytes.starts_with(MARKER) {
            return Err(Error::Malformed {
                format: "LoadGen detail log",
                at: "line 1".to_owned(),
                problem: "it does not begin with `:::MLLOG`".to_owned(),
            });
        }
        for (number, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let Some(text) = line.strip_prefix(MARKER) else { continue };
            let line: Line = serde_json::from_slice(text).map_err(|err| Error::Malformed {
                format: "LoadGen detail log",
                at: format!("line {}", number + 1),
                problem: err.to_string(),
            })?;
            if line.metadata.is_error {
                detail.errors.push(words(&line.value));
            }
            if line.time_ms < UNSET_CLOCK_MS {
                detail.last_ms = detail.last_ms.max(line.time_ms);
            }
            detail.values.entry(line.key).or_default().push(line.value);
        }
        Ok(detail)
    }

    /// The first value under a key, which is the one that counts.
    pub fn first(&self, key: &str) -> Option<&Value> {
        self.values.get(key).and_then(|values| values.first())
    }

    /// A value that is a whole number.
    pub fn whole(&self, key: &str) -> Option<u64> {
        self.first(key).and_then(Value::as_u64)
    }

    /// A value that is a number.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.first(key).and_then(Value::as_f64)
    }

    /// A value that is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.first(key).and_then(Value::as_str)
    }

    /// A value that is true or false.
    pub fn truth(&self, key: &str) -> Option<bool> {
        self.first(key).and_then(Value::as_bool)
    }

    /// Keys that are logged with different values, though each is said once in a run.
    pub fn contradictions(&self) -> Vec<&str> {
        let said_once =
            |key: &str| ["effective_", "requested_", "result_"].iter().any(|head| key.starts_with(head));
        let differs = |values: &Vec<Value>| values.windows(2).any(|pair| pair[0] != pair[1]);
        self.values
            .iter()
            .filter(|(key, values)| said_once(key) && differs(values))
            .map(|(key, _)| key.as_str())
            .collect()
    }
}

/// A logged value as words.
pub(super) fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
