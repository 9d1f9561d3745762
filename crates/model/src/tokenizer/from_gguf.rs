//! The `tokenizer.json` of the tokenizer that a GGUF file carries.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::pre::{PRE_TOKENIZERS, PreTokenizer};
use crate::error::Error;
use crate::gguf::{self, Gguf};

/// Kinds of tokens, as `tokenizer.ggml.token_type` has them.
const NORMAL: i64 = 1;
const UNKNOWN: i64 = 2;
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
const UNUSED: i64 = 5;

/// The text of a `tokenizer.json`.
pub(super) fn json(gguf: &Gguf, path: &Path) -> Result<String, Error> {
    let fields = Fields { gguf, path };
    let model = fields.text("tokenizer.ggml.model")?;
    if model != "gpt2" {
        return fields.refuse("tokenizer.ggml.model", format!("`{model}` is not supported; only `gpt2` is"));
    }
    let name = fields.text("tokenizer.ggml.pre")?;
    let Some(pre) = PreTokenizer::find(name) else {
        let known: Vec<&str> = PRE_TOKENIZERS.iter().flat_map(|one| one.names).copied().collect();
        let detail = format!("`{name}` is not known; known are {}", known.join(", "));
        return fields.refuse("tokenizer.ggml.pre", detail);
    };
    if fields.flag("tokenizer.ggml.add_space_prefix")? == Some(true) {
        return fields.refuse("tokenizer.ggml.add_space_prefix", "is not supported beside `gpt2`");
    }
    let tokens = fields.texts("tokenizer.ggml.tokens")?;
    let (vocab, added) = vocabulary(&fields, tokens)?;
    let file = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": pre.normalizer(),
        "pre_tokenizer": pre.pre_tokenizer(),
        "post_processor": post_processor(&fields, tokens, pre)?,
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
            "ignore_merges": pre.ignore_merges, "vocab": vocab, "merges": merges(&fields)?,
        },
    });
    Ok(file.to_string())
}

/// The model's vocabulary and the added tokens.
fn vocabulary(fields: &Fields<'_>, tokens: &[String]) -> Result<(Map<String, Value>, Vec<Value>), Error> {
    let key = "tokenizer.ggml.token_type";
    let kinds = match fields.gguf.metadata.get(key) {
        None => vec![NORMAL; tokens.len()],
        Some(gguf::Value::Ints(kinds)) if kinds.len() == tokens.len() => kinds.clone(),
        Some(_) => return fields.refuse(key, "is not a list of one kind a token"),
    };
    let mut vocab = Map::new();
    let mut added = Vec::new();
    let mut seen = BTreeSet::new();
    for (id, (token, kind)) in tokens.iter().zip(kinds).enumerate() {
        if kind == UNUSED {
            // Fills the embedding up: no text has it.
            continue;
        }
        if !seen.insert(token) {
            return fields.refuse("tokenizer.ggml.tokens", format!("`{token}` occurs twice, again at {id}"));
        }
        match kind {
            NORMAL => {}
            UNKNOWN | CONTROL | USER_DEFINED => added.push(json!({
                "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": kind != USER_DEFINED,
            })),
            other => return fields.refuse(key, format!("token {id} is of the unknown kind {other}")),
        }
        vocab.insert(token.clone(), json!(id));
    }
    Ok((vocab, added))
}

fn merges(fields: &Fields<'_>) -> Result<Vec<Value>, Error> {
    let key = "tokenizer.ggml.merges";
    let pair = |merge: &String| match merge.split(' ').collect::<Vec<_>>().as_slice() {
        [left, right] if !left.is_empty() && !right.is_empty() => Ok(json!([left, right])),
        _ => fields.refuse(key, format!("`{merge}` is not two tokens with a blank between")),
    };
    fields.texts(key)?.iter().map(pair).collect()
}

/// Puts the first and last tokens around a sequence where the model expects them.
fn post_processor(fields: &Fields<'_>, tokens: &[String], pre: &PreTokenizer) -> Result<Value, Error> {
    let special = |key: &str, wanted: bool| {
        if !wanted {
            return Ok(None);
        }
        let id = fields.gguf.metadata.get(key).and_then(gguf::Value::as_u64);
        let token = id.and_then(|id| tokens.get(usize::try_from(id).ok()?).map(|token| (id, token)));
        token.map_or_else(|| fields.refuse(key, "is not the id of a token"), |token| Ok(Some(token)))
    };
    let add_bos = fields.flag("tokenizer.ggml.add_bos_token")?.unwrap_or(pre.add_bos);
    let add_eos = fields.flag("tokenizer.ggml.add_eos_token")?.unwrap_or(false);
    let bos = special("tokenizer.ggml.bos_token_id", add_bos)?;
    let eos = special("tokenizer.ggml.eos_token_id", add_eos)?;
    let bytes =
        json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": true});
    if bos.is_none() && eos.is_none() {
        return Ok(bytes);
    }
    let around = |sequence: &str, type_id: u32| {
        let piece = |(_, token): (u64, &String)| json!({"SpecialToken": {"id": token, "type_id": type_id}});
        let middle = json!({"Sequence": {"id": sequence, "type_id": type_id}});
        bos.map(piece).into_iter().chain([middle]).chain(eos.map(piece)).collect::<Vec<_>>()
    };
    let known: Map<String, Value> = [bos, eos]
        .into_iter()
        .flatten()
        .map(|(id, token)| (token.clone(), json!({"id": token, "ids": [id], "tokens": [token]})))
        .collect();
    let template = json!({
        "type": "TemplateProcessing", "single": around("A", 0), "pair": ([around("A", 0), around("B", 1)].concat()),
        "special_tokens": known,
    });
    Ok(json!({"type": "Sequence", "processors": [bytes, template]}))
}

struct Fields<'a> {
    gguf: &'a Gguf,
    path: &'a Path,
}

impl<'a> Fields<'a> {
    fn refuse<T>(&self, field: &str, detail: impl Into<String>) -> Result<T, Error> {
        Err(Error::Config { path: self.path.into(), field: field.into(), detail: detail.into() })
    }

    fn text(&self, key: &str) -> Result<&'a str, Error> {
        match self.gguf.metadata.get(key).and_then(gguf::Value::as_text) {
            Some(text) => Ok(text),
            None => self.refuse(key, "is missing or not a string"),
        }
    }

    fn texts(&self, key: &str) -> Result<&'a [String], Error> {
        match self.gguf.metadata.get(key).and_then(gguf::Value::as_texts) {
            Some(texts) => Ok(texts),
            None => self.refuse(key, "is missing or not a list of strings"),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        match self.gguf.metadata.get(key) {
            None => Ok(None),
            Some(value) => match value.as_bool() {
                Some(flag) => Ok(Some(flag)),
                None => self.refuse(key, "is neither true nor false"),
            },
        }
    }
}
