//! Findings as SARIF 2.1.0, which code review tools read.

use std::fmt::Write as _;

use serde_json::{Value, json};
use stillmark_evidence::audit::{Audit, Found, Severity};

use super::Class;

/// The findings of an audit, departures included, as one SARIF run.
pub fn sarif(audit: &Audit, tool_version: &str) -> Value {
    let rules: Vec<Value> = Class::ALL
        .iter()
        .map(|class| json!({"id": class.code(), "shortDescription": {"text": class.summary()}}))
        .collect();
    let open = audit.undecidable.iter().map(|open| {
        let task = open.task.as_deref().unwrap_or("the log");
        result(&open.what, "note", &format!("{task}: not decidable from a log: {}", open.why), None)
    });
    let found = audit
        .findings
        .iter()
        .chain(&audit.departures)
        .map(|found| result(&found.class, level(found.severity), &told(found), Some(found)));
    let results: Vec<Value> = found.chain(open).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "stillmark", "version": tool_version, "rules": rules}},
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(class: &str, level: &str, message: &str, found: Option<&Found>) -> Value {
    let index = Class::ALL.iter().position(|known| known.code() == class);
    let mut result = json!({"ruleId": class, "level": level, "message": {"text": message}});
    if let Some(index) = index {
        result["ruleIndex"] = json!(index);
    }
    if let Some(found) = found {
        let mut place = json!({"artifactLocation": {"uri": uri(&found.file)}});
        if let Some(line) = found.line {
            place["region"] = json!({"startLine": line});
        }
        result["locations"] = json!([{"physicalLocation": place}]);
    }
    result
}

fn told(found: &Found) -> String {
    let mut text = String::new();
    for part in [&found.task, &found.doc_id].into_iter().flatten() {
        text.push_str(part);
        text.push_str(": ");
    }
    text.push_str(&found.detail);
    if let (Some(expected), Some(found)) = (&found.expected, &found.found) {
        // Writing to a string cannot fail.
        let _ = write!(text, " (expected {expected}, found {found})");
    }
    text
}

/// A path as a relative reference of RFC 3986.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}
