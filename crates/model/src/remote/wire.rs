//! The JSON of the two routes, copied by hand from and into our own types.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
}

/// What is to be continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A conversation, by `chat/completions`.
    Chat(Vec<Message>),
    /// Text, by `completions`.
    Text(String),
    /// Token ids, by `completions`, where the server takes them.
    Tokens(Vec<u32>),
}

/// Which tokens the reply is to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those of the answer.
    Answer,
    /// Those of the prompt too, for scoring it; only by `completions`, where the server offers `echo`.
    PromptAndAnswer,
}

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What is to be continued.
    pub prompt: Prompt,
    /// The answer's greatest length; 0 only with [`Scope::PromptAndAnswer`].
    pub max_tokens: usize,
    /// Sampling temperature.
    pub temperature: f32,
    /// Nucleus.
    pub top_p: Option<f32>,
    /// Seed, where the server takes one.
    pub seed: Option<u64>,
    /// Ask for the log-probability of each token and of so many alternatives.
    pub top_logprobs: Option<usize>,
    /// Which tokens the reply is to hold.
    pub scope: Scope,
}

/// A token of a reply, as the bytes it stands for: the API gives no ids, and a token may be part of a character.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its log-probability; none for the first token of an echoed prompt.
    pub log_prob: Option<f32>,
    /// Alternatives with their log-probabilities, the most probable first.
    pub top: Vec<(Vec<u8>, f32)>,
}

/// Tokens counted by the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the prompt.
    pub prompt_tokens: u64,
    /// Of the answer.
    pub completion_tokens: u64,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The text.
    pub text: String,
    /// The model's name as the server has it.
    pub model: String,
    /// Why the answer ended (`stop`, `length`, `content_filter`), where the server says so.
    pub finish: Option<String>,
    /// Its tokens, where log-probabilities were asked for and given.
    pub tokens: Vec<Token>,
    /// What the server counted, if it did.
    pub usage: Option<Usage>,
    /// How many attempts it took.
    pub attempts: u32,
    /// The provider's receipt, as the header has it, where one was given.
    pub receipt: Option<String>,
}

impl Question {
    /// The end of the URL.
    pub(super) fn route(&self) -> &'static str {
        match self.prompt {
            Prompt::Chat(_) => "chat/completions",
            Prompt::Text(_) | Prompt::Tokens(_) => "completions",
        }
    }

    pub(super) fn body(&self, model: &str) -> Value {
        let mut body =
            json!({ "model": model, "max_tokens": self.max_tokens, "temperature": self.temperature });
        if let Some(top_p) = self.top_p {
            body["top_p"] = json!(top_p);
        }
        if let Some(seed) = self.seed {
            body["seed"] = json!(seed);
        }
        match &self.prompt {
            Prompt::Chat(messages) => {
                let turns = messages.iter().map(|turn| json!({ "role": turn.role, "content": turn.content }));
                body["messages"] = turns.collect();
                if let Some(k) = self.top_logprobs {
                    body["logprobs"] = json!(true);
                    body["top_logprobs"] = json!(k);
                }
                return body;
            }
            Prompt::Text(text) => body["prompt"] = json!(text),
            Prompt::Tokens(ids) => body["prompt"] = json!(ids),
        }
        if let Some(k) = self.top_logprobs {
            body["logprobs"] = json!(k);
        }
        if self.scope == Scope::PromptAndAnswer {
            body["echo"] = json!(true);
        }
        body
    }

    /// Reads a reply, or says what is wrong with it.
    pub(super) fn parse(&self, bytes: &[u8]) -> Result<Reply, String> {
        let wire: Wire = serde_json::from_slice(bytes)
            .map_err(|error| format!("the reply is not as promised: {error}"))?;
        let Some(choice) = wire.choices.into_iter().next() else {
            return Err("the reply is not as promised: `choices` is empty".to_owned());
        };
        let text = match self.prompt {
            Prompt::Chat(_) => {
                choice.message.ok_or("`choices[0].message` is missing")?.content.unwrap_or_default()
            }
            Prompt::Text(_) | Prompt::Tokens(_) => choice.text.ok_or("`choices[0].text` is missing")?,
        };
        let tokens = choice.logprobs.map(Logprobs::tokens).transpose()?.unwrap_or_default();
        if self.top_logprobs.is_some() && tokens.is_empty() && !text.is_empty() {
            return Err("log-probabilities were asked for, and the server gives none".to_owned());
        }
        let usage = wire.usage.map(|usage| Usage {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens.unwrap_or_default(),
        });
        Ok(Reply {
            text,
            model: wire.model.unwrap_or_default(),
            finish: choice.finish_reason,
            tokens,
            usage,
            attempts: 1,
            receipt: None,
        })
    }
}

#[derive(Deserialize)]
struct Wire {
    choices: Vec<WireChoice>,
    model: Option<String>,
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct WireUsage {
    prompt_tokens: u64,
    completion_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct WireChoice {
    message: Option<WireMessage>,
    text: Option<String>,
    finish_reason: Option<String>,
    logprobs: Option<Logprobs>,
}

#[derive(Deserialize)]
struct WireMessage {
    content: Option<String>,
}

/// The two shapes: `content` of chat completions, three lists of completions.
#[derive(Deserialize)]
struct Logprobs {
    content: Option<Vec<WireToken>>,
    tokens: Option<Vec<String>>,
    #[serde(rename = "token_logprobs")]
    of_tokens: Option<Vec<Option<f32>>>,
    #[serde(rename = "top_logprobs")]
    of_alternatives: Option<Vec<Option<BTreeMap<String, f32>>>>,
}

#[derive(Deserialize)]
struct WireToken {
    token: String,
    bytes: Option<Vec<u8>>,
    logprob: f32,
    #[serde(default)]
    top_logprobs: Vec<WireAlternative>,
}

#[derive(Deserialize)]
struct WireAlternative {
    token: String,
    bytes: Option<Vec<u8>>,
    logprob: f32,
}

impl Logprobs {
    fn tokens(self) -> Result<Vec<Token>, String> {
        if let Some(content) = self.content {
            let of = |token: WireToken| {
                let bytes = |bytes: Option<Vec<u8>>, text: &str| bytes.unwrap_or_else(|| bytes_of(text));
                let top = token.top_logprobs.into_iter();
                let top = top.map(|other| (bytes(other.bytes, &other.token), other.logprob)).collect();
                let bytes = bytes(token.bytes, &token.token);
                Token { bytes, log_prob: Some(token.logprob), top: sorted(top) }
            };
            return Ok(content.into_iter().map(of).collect());
        }
        let (texts, log_probs) = (self.tokens.unwrap_or_default(), self.of_tokens.unwrap_or_default());
        let tops = self.of_alternatives.unwrap_or_else(|| vec![None; texts.len()]);
        if texts.len() != log_probs.len() || texts.len() != tops.len() {
            let lens = [texts.len(), log_probs.len(), tops.len()];
            return Err(format!("the lists of `logprobs` differ in length: {lens:?}"));
        }
        let mut tokens = Vec::with_capacity(texts.len());
        for ((text, log_prob), top) in texts.into_iter().zip(log_probs).zip(tops) {
            let top = top.unwrap_or_default().into_iter().map(|(text, log_prob)| (bytes_of(&text), log_prob));
            tokens.push(Token { bytes: bytes_of(&text), log_prob, top: sorted(top.collect()) });
        }
        Ok(tokens)
    }
}

/// The bytes behind a token's text; some servers write those of a broken character as `bytes:\xe2\x80`.
fn bytes_of(text: &str) -> Vec<u8> {
    let escaped = text.strip_prefix("bytes:\\x").map(|codes| codes.split("\\x"));
    let bytes = escaped.and_then(|codes| codes.map(|code| u8::from_str_radix(code, 16).ok()).collect());
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

fn sorted(mut top: Vec<(Vec<u8>, f32)>) -> Vec<(Vec<u8>, f32)> {
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
    top
}
