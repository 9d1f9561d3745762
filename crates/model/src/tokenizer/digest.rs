//! The digest of a tokenizer (docs/spec/tokenizer-digest.md).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use stillmark_evidence::Digest;

/// Fields of `tokenizer.json` that decide no id.
const WITHOUT_EFFECT: [&str; 2] = ["dropout", "trim_offsets"];

/// The digest of the tokenizer whose `tokenizer.json` has this text.
pub(super) fn of(text: &str) -> Result<Digest, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut out = String::new();
    write(&canonical(&file)?, &mut out);
    Ok(Digest::of(out.as_bytes()))
}

/// What is digested: an object of tokens in the order of ids, added tokens, and the parts that decide.
fn canonical(file: &Value) -> Result<Value, String> {
    let Some(Value::Object(model)) = file.get("model") else {
        return Err("has no `model`".into());
    };
    let mut tokens = BTreeMap::new();
    let mut add = |id: &Value, token: &str| match id.as_u64() {
        Some(id) if tokens.insert(id, token.to_owned()).is_none_or(|before| before == token) => Ok(()),
        Some(id) => Err(format!("the token id {id} is given twice")),
        None => Err(format!("token `{token}`: `{id}` is no id")),
    };
    for (token, id) in model.get("vocab").and_then(Value::as_object).into_iter().flatten() {
        add(id, token)?;
    }
    let mut added = BTreeSet::new();
    for token in file.get("added_tokens").and_then(Value::as_array).into_iter().flatten() {
        let content = token.get("content").and_then(Value::as_str).unwrap_or_default();
        let id = token.get("id").unwrap_or(&Value::Null);
        add(id, content)?;
        let flags = ["lstrip", "normalized", "rstrip", "single_word", "special"];
        let set: Vec<&str> =
            flags.into_iter().filter(|flag| token.get(flag) == Some(&Value::Bool(true))).collect();
        added.insert((id.as_u64(), set));
    }
    let mut rest = model.clone();
    let mut object = Map::new();
    if rest.get("vocab").is_some_and(Value::is_object) {
        rest.remove("vocab");
    }
    let merges = rest.remove("merges");
    object.insert("added_tokens".into(), json!(added));
    object.insert("merges".into(), merges.as_ref().map_or(Value::Null, pairs));
    object.insert("model".into(), Value::Object(rest));
    object.insert("normalizer".into(), file.get("normalizer").cloned().unwrap_or_default());
    object.insert("pre_tokenizer".into(), file.get("pre_tokenizer").cloned().unwrap_or_default());
    object.insert("tokens".into(), tokens.into_iter().map(|(id, token)| json!([id, token])).collect());
    Ok(stripped(Value::Object(object)))
}

/// Merges as pairs, whether the file has pairs or texts with a blank between.
fn pairs(merges: &Value) -> Value {
    let pair = |merge: &Value| match merge.as_str().and_then(|text| text.split_once(' ')) {
        Some((left, right)) => json!([left, right]),
        None => merge.clone(),
    };
    merges.as_array().map_or(Value::Null, |merges| merges.iter().map(pair).collect())
}

/// Without members that are null, false, empty sequences or without effect.
pub(super) fn stripped(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.into_iter().filter(|(key, _)| !WITHOUT_EFFECT.contains(&key.as_str()));
            let kept = kept.map(|(key, value)| (key, stripped(value)));
            Value::Object(kept.filter(|(_, value)| !is_nothing(value)).collect())
        }
        Value::Array(values) => values.into_iter().map(stripped).collect(),
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(object) => {
            let empty = |part: &str| object.get(part).and_then(Value::as_array).is_some_and(Vec::is_empty);
            object.is_empty() || empty("normalizers") || empty("pretokenizers")
        }
        _ => false,
    }
}

/// JSON as RFC 8785 writes it: sorted members (all keys are ASCII), no blanks.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(object) => {
            let members: BTreeMap<&String, &Value> = object.iter().collect();
            for (idx, (key, value)) in members.into_iter().enumerate() {
                out.push(if idx == 0 { '{' } else { ',' });
                write(&json!(key), out);
                out.push(':');
                write(value, out);
            }
            out.push_str(if object.is_empty() { "{}" } else { "}" });
        }
        Value::Array(values) => {
            for (idx, value) in values.iter().enumerate() {
                out.push(if idx == 0 { '[' } else { ',' });
                write(value, out);
            }
            out.push_str(if values.is_empty() { "[]" } else { "]" });
        }
        other => out.push_str(&other.to_string()),
    }
}
