//! What a run is given.

use std::fmt;
use std::path::Path;

use stillmark_evidence::Digest;
use stillmark_evidence::manifest::Watermark;
use stillmark_model::chat::{Ending, Message};
use stillmark_model::mark::Mark;
use stillmark_model::{ChatTemplate, Checkpoint, Decoder, Tokenizer};

use crate::{Error, Plan};

/// What a run works with.
#[derive(Debug)]
pub struct Setup<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The folder that the plan's paths are relative to.
    pub base: &'a Path,
    /// The run folder.
    pub folder: &'a Path,
    /// How the teacher's text is cut into tokens.
    pub tokens: Tokens<'a>,
    /// The embedded teacher; none where it answers behind an API.
    pub teacher: Option<Embedded<'a>>,
    /// The name that the teacher is published under.
    pub teacher_name: &'a str,
    /// The digest of the offer that the teacher's provider makes, where it is at hand.
    pub offer: Option<Digest>,
    /// What wrote the records: a program and its version.
    pub tool: &'a str,
}

/// A teacher on this machine.
#[derive(Clone, Copy, Debug)]
pub struct Embedded<'a> {
    /// The mark that its answers are to carry: there where the plan names a key for one, and only there.
    pub marking: Option<&'a Marking>,
    /// Its files.
    pub checkpoint: &'a Checkpoint,
    /// The same, ready to run.
    pub decoder: &'a Decoder,
}

/// A watermark for the teacher's answers, and what may be known of it.
pub struct Marking {
    /// What marks.
    pub mark: Box<dyn Mark>,
    /// What the records and the dataset manifest say of it.
    pub stated: Watermark,
}

impl fmt::Debug for Marking {
    /// Shows what is stated: the mark itself holds the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marking").field("stated", &self.stated).finish_non_exhaustive()
    }
}

/// How text is cut into tokens and how a conversation is written: what teacher and student have in common.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a> {
    /// The tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The chat template, where there is one.
    pub chat: Option<&'a ChatTemplate>,
}

impl Setup<'_> {
    /// What is known of the mark in the teacher's answers, where they carry one.
    pub fn watermark(&self) -> Option<&Watermark> {
        self.teacher.and_then(|teacher| teacher.marking).map(|marking| &marking.stated)
    }

    /// How many rows the teacher's vocabulary has; behind an API, as many as there are tokens.
    pub fn teacher_rows(&self) -> usize {
        let tokens = self.tokens.tokenizer.vocab_size();
        self.teacher.map_or(tokens, |teacher| teacher.checkpoint.config().vocab_size)
    }
}

impl<'a> Tokens<'a> {
    /// Those of a model.
    pub fn of(checkpoint: &'a Checkpoint) -> Result<Self, Error> {
        Ok(Self { tokenizer: checkpoint.tokenizer()?, chat: checkpoint.chat_template() })
    }

    /// A prompt as the model is asked it: a conversation where there is a chat template, else the bare text.
    pub fn prompt(&self, system: Option<&str>, text: &str) -> Result<Vec<u32>, Error> {
        match self.chat {
            None => Ok(self.tokenizer.encode_sequence(text)?),
            Some(template) => {
                let written = template.render(&conversation(system, text), Ending::Generation)?;
                Ok(self.tokenizer.encode(&written)?)
            }
        }
    }
}

/// The turns before an answer.
pub(crate) fn conversation(system: Option<&str>, text: &str) -> Vec<Message> {
    let system = system.map(|system| Message::new("system", system));
    system.into_iter().chain([Message::new("user", text)]).collect()
}
