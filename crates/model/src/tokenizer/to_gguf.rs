//! The metadata that lets llama.cpp tokenize as a `tokenizer.json` does.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Tokenizer;
use super::pre::PRE_TOKENIZERS;
use crate::config::Config;
use crate::error::Error;
use crate::gguf;

impl Tokenizer {
    /// The metadata of this tokenizer in a GGUF file of a model with `config`. Tokenizers that llama.cpp has no name for are
    /// refused.
    pub fn gguf_metadata(&self, config: &Config) -> Result<Vec<(String, gguf::Value)>, Error> {
        let refuse = |detail: &str| Error::Format { path: self.path.clone(), detail: detail.into() };
        let file: Value = serde_json::from_str(&self.text).map_err(|error| refuse(&error.to_string()))?;
        let model = &file["model"];
        let is_bpe = model["type"] == "BPE" && model["byte_fallback"] != true && model["unk_token"].is_null();
        let normalized = |value: Value| super::digest::stripped(value);
        let parts = |pre: Value, nfc: Value| (normalized(pre), normalized(nfc));
        let own = parts(file["pre_tokenizer"].clone(), file["normalizer"].clone());
        let pre = PRE_TOKENIZERS.iter().find(|pre| {
            let same_merging = pre.ignore_merges == (model["ignore_merges"] == true);
            same_merging && parts(pre.pre_tokenizer(), pre.normalizer()) == own
        });
        let name = pre.and_then(|pre| pre.names.first());
        let (true, Some(name)) = (is_bpe, name) else {
            return Err(refuse(
                "is of a kind that llama.cpp has no name for here, so that no GGUF can be written",
            ));
        };
        let (tokens, kinds) = self.tokens_and_kinds(config.vocab_size, &file);
        let merges = merges(model).ok_or_else(|| refuse("`model.merges` is not a list of pairs"))?;
        let mut all = BTreeMap::from([
            ("add_space_prefix", gguf::Value::Bool(false)),
            ("merges", gguf::Value::Texts(merges)),
            ("model", gguf::Value::Text("gpt2".into())),
            ("pre", gguf::Value::Text((*name).into())),
            ("token_type", gguf::Value::Ints(kinds)),
            ("tokens", gguf::Value::Texts(tokens)),
        ]);
        let around = self.encode_sequence("")?;
        let id = |id: u32| gguf::Value::Int(id.into());
        all.insert(
            "add_bos_token",
            gguf::Value::Bool(config.bos.is_some() && around.first() == config.bos.as_ref()),
        );
        if let Some(bos) = config.bos {
            all.insert("bos_token_id", id(bos));
        }
        if let Some(eos) = config.eos.first() {
            all.insert("eos_token_id", id(*eos));
            all.insert("padding_token_id", id(*eos));
        }
        Ok(all.into_iter().map(|(key, value)| (format!("tokenizer.ggml.{key}"), value)).collect())
    }

    /// Tokens by id up to the rows of the embedding, and the kind of each: 1 normal, 3 special, 4 added, 5 unused.
    fn tokens_and_kinds(&self, rows: usize, file: &Value) -> (Vec<String>, Vec<i64>) {
        let added = file["added_tokens"].as_array().into_iter().flatten();
        let added: BTreeMap<u64, bool> =
            added.filter_map(|token| Some((token["id"].as_u64()?, token["special"] == true))).collect();
        let one = |id: u32| match (self.tokens.get(&id), added.get(&u64::from(id))) {
            (None, _) => (format!("[PAD{id}]"), 5),
            (Some(token), None) => (token.clone(), 1),
            (Some(token), Some(true)) => (token.clone(), 3),
            (Some(token), Some(false)) => (token.clone(), 4),
        };
        (0..rows as u32).map(one).unzip()
    }
}

/// Each merge as two tokens with a blank between.
fn merges(model: &Value) -> Option<Vec<String>> {
    let one = |merge: &Value| match merge {
        Value::String(text) => Some(text.clone()),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(left), Value::String(right)] => Some(format!("{left} {right}")),
            _ => None,
        },
        _ => None,
    };
    model["merges"].as_array()?.iter().map(one).collect()
}
