//! What is asked: rows of JSON Lines, ready for a model.

use std::path::Path;

use serde::Deserialize;
use stillmark_model::Checkpoint;
use stillmark_model::chat::{Ending, Message};

use crate::advice;
use crate::files;
use crate::problem::{Problem, Stop};

/// A prompt ready to be answered.
pub(super) struct Prompt {
    /// Its name.
    pub(super) id: String,
    /// What is asked.
    pub(super) text: String,
    /// Its tokens, chat template included.
    pub(super) tokens: Vec<u32>,
}

/// How prompts are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chat {
    /// In the model's chat template, where it has one.
    Template,
    /// As they are.
    Bare,
}

#[derive(Deserialize)]
struct Asked {
    id: String,
    text: Option<String>,
    prompt: Option<String>,
}

/// Reads prompts, put into the model's chat template or as they are.
pub(super) fn read(path: &Path, chat: Chat, checkpoint: &Checkpoint) -> Result<Vec<Prompt>, Stop> {
    let text = files::read_text(path)?;
    let broken =
        |err: stillmark_model::Error| advice::model_problem(&err, "a prompt cannot be asked".to_owned());
    let tokenizer = checkpoint.tokenizer().map_err(broken)?;
    let mut prompts = Vec::new();
    for (idx, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |detail: String| {
            Problem::new(format!("{}:{}: {detail}", path.display(), idx + 1))
                .hint("each line is one JSON object {\"id\": …, \"text\": …}")
        };
        let asked: Asked = serde_json::from_str(line).map_err(|err| wrong(err.to_string()))?;
        let text =
            asked.prompt.or(asked.text).ok_or_else(|| wrong("has neither `text` nor `prompt`".to_owned()))?;
        let tokens = match checkpoint.chat_template().filter(|_| chat == Chat::Template) {
            Some(template) => {
                let rendered = template.render(&[Message::new("user", &text)], Ending::Generation);
                tokenizer.encode(&rendered.map_err(broken)?)
            }
            None => tokenizer.encode_sequence(&text),
        };
        let tokens = tokens.map_err(broken)?;
        if tokens.is_empty() {
            return Err(wrong("the prompt is empty".to_owned()).into());
        }
        prompts.push(Prompt { id: asked.id, text, tokens });
    }
    Ok(prompts)
}
