//! Text to token ids and back.
//!
//! The algorithms are those of the `tokenizers` crate; what is ours is reading a tokenizer out of a GGUF file, decoding a stream,
//! and telling whether two tokenizers are the same (docs/spec/tokenizer-digest.md).

mod digest;
mod from_gguf;
mod pre;
mod stream;
mod to_gguf;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stillmark_evidence::Digest;

pub use pre::{PRE_TOKENIZERS, PreTokenizer};
pub use stream::DecodeStream;

use crate::error::Error;
use crate::gguf::Gguf;
use crate::whole_file;

/// A tokenizer.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    path: PathBuf,
    /// The text of its `tokenizer.json`.
    text: String,
    inner: tokenizers::Tokenizer,
    tokens: BTreeMap<u32, String>,
    specials: BTreeMap<u32, String>,
    digest: Digest,
}

impl Tokenizer {
    /// Reads a `tokenizer.json`.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Io { path: path.into(), source })?;
        Self::from_json(text, path)
    }

    /// Builds the tokenizer that a GGUF file carries; `path` is for the errors. Kinds that are not known are refused.
    pub fn from_gguf(gguf: &Gguf, path: &Path) -> Result<Self, Error> {
        Self::from_json(from_gguf::json(gguf, path)?, path)
    }

    /// Reads the text of a `tokenizer.json`; `path` is for the errors. Truncation and padding are not taken over.
    pub fn from_json(text: String, path: &Path) -> Result<Self, Error> {
        let refuse = |detail: String| Error::Format { path: path.into(), detail };
        let mut inner =
            tokenizers::Tokenizer::from_bytes(&text).map_err(|error| refuse(error.to_string()))?;
        inner.with_truncation(None).map_err(|error| refuse(error.to_string()))?.with_padding(None);
        let digest = digest::of(&text).map_err(refuse)?;
        check_added(&text, &inner).map_err(refuse)?;
        let tokens: BTreeMap<u32, String> =
            inner.get_vocab(true).into_iter().map(|(token, id)| (id, token)).collect();
        let added = inner.get_added_tokens_decoder();
        let specials: BTreeMap<u32, String> = tokens
            .iter()
            .filter(|(id, _)| added.get(id).is_some_and(|token| token.special))
            .map(owned)
            .collect();
        Ok(Self { path: path.into(), text, inner, tokens, specials, digest })
    }

    /// Token ids of `text`. Special tokens that are written out in it are recognized; none are added.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoding = self.inner.encode_fast(text, false).map_err(|error| self.refuse(&*error))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// As [`Tokenizer::encode`], with the tokens that the model expects around a sequence, such as the first one of Llama.
    pub fn encode_sequence(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoding = self.inner.encode_fast(text, true).map_err(|error| self.refuse(&*error))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of `ids` without special tokens.
    pub fn decode(&self, ids: &[u32]) -> Result<String, Error> {
        self.inner.decode(ids, true).map_err(|error| self.refuse(&*error))
    }

    /// The text of `ids`, special tokens written out.
    pub fn decode_all(&self, ids: &[u32]) -> Result<String, Error> {
        self.inner.decode(ids, false).map_err(|error| self.refuse(&*error))
    }

    /// Decodes token by token, without special tokens.
    pub fn stream(&self) -> DecodeStream<'_> {
        DecodeStream::new(self)
    }

    /// One more than the largest id. A model may have more rows.
    pub fn vocab_size(&self) -> usize {
        self.tokens.last_key_value().map_or(0, |(id, _)| *id as usize + 1)
    }

    /// The token with this id, as the vocabulary writes it.
    pub fn token(&self, id: u32) -> Option<&str> {
        self.tokens.get(&id).map(String::as_str)
    }

    /// The id of a token, as the vocabulary writes it.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// Special tokens by id.
    pub fn specials(&self) -> &BTreeMap<u32, String> {
        &self.specials
    }

    /// The digest of all that decides which ids a text has (docs/spec/tokenizer-digest.md).
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The text of its `tokenizer.json`.
    pub fn json(&self) -> &str {
        &self.text
    }

    /// Writes a `tokenizer.json`.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        whole_file::write(path, |out| Ok(out.write_all(self.text.as_bytes())?))
    }

    /// How many ids this tokenizer and `other` share, from 0 on; an error that names the first difference unless the two are the
    /// same. Models of one family may differ in rows of their embeddings beyond the shared ids.
    pub fn shared_ids(&self, other: &Self) -> Result<usize, Error> {
        if self.digest == other.digest {
            return Ok(self.vocab_size());
        }
        let differs = |id: &&u32| self.tokens.get(id) != other.tokens.get(id);
        let told = |tokenizer: &Self, id| tokenizer.tokens.get(&id).cloned();
        let first = |tokenizer: &Self| tokenizer.tokens.keys().find(differs).copied();
        Err(match first(self).into_iter().chain(first(other)).min() {
            Some(id) => Error::Tokenizers { id: Some(id), first: told(self, id), second: told(other, id) },
            None => Error::Tokenizers { id: None, first: None, second: None },
        })
    }

    fn refuse(&self, error: &(dyn std::error::Error + Send + Sync)) -> Error {
        Error::Format { path: self.path.clone(), detail: error.to_string() }
    }
}

/// Checks that the added tokens have the ids that the file states: the crate gives them others where there are holes.
fn check_added(text: &str, inner: &tokenizers::Tokenizer) -> Result<(), String> {
    #[derive(serde::Deserialize)]
    struct File {
        #[serde(default)]
        added_tokens: Vec<Added>,
    }
    #[derive(serde::Deserialize)]
    struct Added {
        id: u32,
        content: String,
    }
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for Added { id, content } in file.added_tokens {
        if inner.token_to_id(&content) != Some(id) {
            return Err(format!("added token `{content}`: its id {id} leaves a hole or is another's"));
        }
    }
    Ok(())
}

fn owned((id, token): (&u32, &String)) -> (u32, String) {
    (*id, token.clone())
}
