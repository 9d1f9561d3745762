//! Context and continuation as tokens, as lm-evaluation-harness's `HFLM` cuts them.

use super::Query;
use crate::{Error, Tokenizer};

/// Encodes pairs of texts.
#[derive(Debug)]
pub struct Encoder<'a> {
    tokenizer: &'a Tokenizer,
    /// The text of the token that the model expects at the start, where it expects one.
    first: Option<(u32, String)>,
}

impl<'a> Encoder<'a> {
    /// An encoder; sequences get the tokens that the tokenizer itself puts around them.
    pub fn new(tokenizer: &'a Tokenizer) -> Result<Self, Error> {
        let first = tokenizer.encode_sequence("")?.first().copied();
        let first = first.and_then(|id| Some((id, tokenizer.token(id)?.to_owned())));
        Ok(Self { tokenizer, first })
    }

    /// The tokens of a text. One that begins with the first token's own text gets no other.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        match &self.first {
            Some((_, first)) if text.starts_with(first.as_str()) => self.tokenizer.encode(text),
            _ => self.tokenizer.encode_sequence(text),
        }
    }

    /// The tokens of a context and of what follows it: white space at the end of the context goes to the continuation, and the
    /// continuation is what the whole has beyond as many tokens as the context.
    pub fn pair(&self, context: &str, continuation: &str) -> Result<Query, Error> {
        let kept =
            context.trim_end_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
        if kept.is_empty() {
            // Nothing to stand before: the first token of the model, or of the continuation itself.
            let mut all = self.tokenizer.encode(&format!("{context}{continuation}"))?;
            if let Some((first, _)) = &self.first
                && all.first() != Some(first)
            {
                all.insert(0, *first);
            }
            let continuation = all.split_off(all.len().min(1));
            return Ok(Query { context: all, continuation });
        }
        let mut whole = self.encode(&format!("{context}{continuation}"))?;
        let context = self.encode(kept)?;
        let continuation = whole.split_off(context.len().min(whole.len()));
        Ok(Query { context, continuation })
    }
}
