//! The prompt of a record.

use super::python::joined_by_space;
use super::recipe::{Output, Task};
use crate::Error;
use crate::record::Record;

/// What stands between examples, and between a system instruction and a description.
const BETWEEN: &str = "\n\n";

/// What a model is given for one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The text before the answer.
    pub context: String,
    /// The continuations whose probability is asked, delimiter included; empty where a text is asked.
    pub continuations: Vec<String>,
}

/// A turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: &'static str,
    /// What is said.
    pub content: String,
}

impl Task {
    /// The prompt of a record after some examples, as plain text.
    pub fn prompt(&self, record: &Record, shots: &[&Record]) -> Result<Prompt, Error> {
        let mut context = self.description.clone();
        context.push_str(&self.examples(shots)?);
        context.push_str(&self.template.text(record)?);
        Ok(Prompt { context, continuations: self.continuations(record, self.delimiter)? })
    }

    /// What stands between the description and the question.
    pub(crate) fn examples(&self, shots: &[&Record]) -> Result<String, Error> {
        let mut text = String::new();
        for shot in shots {
            text.push_str(&self.template.text(shot)?);
            let answer = self.template.shown_answer(shot)?;
            // The harness leaves out an empty answer together with what would stand around it.
            if !answer.is_empty() {
                text.push_str(self.delimiter);
                text.push_str(&answer);
                text.push_str(BETWEEN);
            }
        }
        Ok(text)
    }

    /// The prompt of a record as a conversation, for a chat template; examples are turns of their own.
    pub fn conversation(
        &self,
        system: Option<&str>,
        record: &Record,
        shots: &[&Record],
    ) -> Result<Vec<Message>, Error> {
        let mut messages = Vec::with_capacity(2 * shots.len() + 2);
        let instruction = delimited(system.unwrap_or_default(), &self.description);
        if !instruction.is_empty() {
            messages.push(Message { role: "system", content: instruction });
        }
        for shot in shots {
            messages.push(Message { role: "user", content: self.template.text(shot)? });
            let answer = self.template.shown_answer(shot)?;
            if !answer.is_empty() {
                messages.push(Message { role: "assistant", content: answer });
            }
        }
        messages.push(Message { role: "user", content: self.template.text(record)? });
        Ok(messages)
    }

    /// The continuations of a record in a conversation: nothing stands before them.
    pub fn chat_continuations(&self, record: &Record) -> Result<Vec<String>, Error> {
        self.continuations(record, "")
    }

    fn continuations(&self, record: &Record, delimiter: &str) -> Result<Vec<String>, Error> {
        match self.output {
            Output::Text { .. } => Ok(Vec::new()),
            Output::Choices { .. } => {
                let choices = self.template.choices(record)?;
                Ok(choices.into_iter().map(|choice| format!("{delimiter}{choice}")).collect())
            }
        }
    }
}

/// Two texts, with white space between them.
fn delimited(before: &str, after: &str) -> String {
    let between = if joined_by_space(before, after) { "" } else { BETWEEN };
    format!("{before}{between}{after}")
}
