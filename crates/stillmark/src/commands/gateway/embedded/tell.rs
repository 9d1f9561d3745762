//! Answers in the words of OpenAI's API.

use serde_json::{Value, json};
use stillmark_gateway::wire::request::Surface;

use super::ask::Asked;

/// How an answer is told.
#[derive(Debug)]
pub(super) struct Told {
    is_chat: bool,
    id: String,
    model: String,
    created: u64,
    wants_usage: bool,
}

impl Told {
    pub(super) fn new(surface: Surface, asked: &Asked, model: &str, number: u64, created: u64) -> Self {
        let is_chat = surface == Surface::Chat;
        let kind = if is_chat { "chatcmpl" } else { "cmpl" };
        let id = format!("{kind}-{created:x}{number:06x}");
        Self { is_chat, id, model: model.to_owned(), created, wants_usage: asked.wants_usage }
    }

    /// A whole answer.
    pub(super) fn whole(&self, answers: &[(String, &'static str)], prompt: usize, spent: usize) -> String {
        let choice = |(idx, (text, finish)): (usize, &(String, &'static str))| {
            if self.is_chat {
                json!({ "index": idx, "message": { "role": "assistant", "content": text, "refusal": null },
                        "logprobs": null, "finish_reason": finish })
            } else {
                json!({ "index": idx, "text": text, "logprobs": null, "finish_reason": finish })
            }
        };
        let choices: Vec<Value> = answers.iter().enumerate().map(choice).collect();
        let object = if self.is_chat { "chat.completion" } else { "text_completion" };
        json!({ "id": self.id, "object": object, "created": self.created, "model": self.model,
                "choices": choices, "usage": usage(prompt, spent) })
        .to_string()
    }

    /// The first event of an answer.
    pub(super) fn opening(&self, idx: u64) -> String {
        if !self.is_chat {
            return String::new();
        }
        self.event(&json!({ "index": idx, "delta": { "role": "assistant", "content": "" }, "logprobs": null, "finish_reason": null }))
    }

    /// Some more text.
    pub(super) fn piece(&self, idx: u64, text: &str) -> String {
        if self.is_chat {
            self.event(&json!({ "index": idx, "delta": { "content": text }, "logprobs": null, "finish_reason": null }))
        } else {
            self.event(&json!({ "index": idx, "text": text, "logprobs": null, "finish_reason": null }))
        }
    }

    /// Why an answer ended.
    pub(super) fn closing(&self, idx: u64, finish: &str) -> String {
        if self.is_chat {
            self.event(&json!({ "index": idx, "delta": {}, "logprobs": null, "finish_reason": finish }))
        } else {
            self.event(&json!({ "index": idx, "text": "", "logprobs": null, "finish_reason": finish }))
        }
    }

    /// What it cost.
    pub(super) fn usage(&self, prompt: usize, spent: usize) -> String {
        let mut body = self.body(&json!([]));
        body["usage"] = usage(prompt, spent);
        format!("data: {body}\n\n")
    }

    fn event(&self, choice: &Value) -> String {
        let mut body = self.body(&json!([choice]));
        if self.wants_usage {
            body["usage"] = Value::Null;
        }
        format!("data: {body}\n\n")
    }

    fn body(&self, choices: &Value) -> Value {
        let object = if self.is_chat { "chat.completion.chunk" } else { "text_completion" };
        json!({ "id": self.id, "object": object, "created": self.created, "model": self.model, "choices": choices })
    }
}

fn usage(prompt: usize, spent: usize) -> Value {
    json!({ "prompt_tokens": prompt, "completion_tokens": spent, "total_tokens": prompt + spent })
}
