//! Decoding token by token.

use super::Tokenizer;
use crate::error::Error;

/// Text that grows with its tokens. A character of several tokens appears when it is whole.
#[derive(Clone, Debug)]
pub struct DecodeStream<'a> {
    tokenizer: &'a Tokenizer,
    /// The tokens since the last but one piece of text: decoding may depend on what stands before.
    ids: Vec<u32>,
    /// How many of them have been given out.
    given: usize,
}

impl<'a> DecodeStream<'a> {
    pub(super) fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, ids: Vec::new(), given: 0 }
    }

    /// The text that `id` adds; empty while a character is not whole.
    pub fn push(&mut self, id: u32) -> Result<String, Error> {
        self.ids.push(id);
        let (before, after) = self.texts()?;
        if after.ends_with(char::REPLACEMENT_CHARACTER) || after.len() <= before.len() {
            return Ok(String::new());
        }
        let new = after.get(before.len()..).unwrap_or_default().to_owned();
        self.ids.drain(..self.given);
        self.given = self.ids.len();
        Ok(new)
    }

    /// What is left: the replacement of a character that was never completed.
    pub fn finish(self) -> Result<String, Error> {
        let (before, after) = self.texts()?;
        Ok(after.get(before.len()..).unwrap_or_default().to_owned())
    }

    fn texts(&self) -> Result<(String, String), Error> {
        Ok((self.tokenizer.decode(&self.ids[..self.given])?, self.tokenizer.decode(&self.ids)?))
    }
}
