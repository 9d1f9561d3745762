//! What is asked of an embedded model.

use serde::Deserialize;
use stillmark_gateway::wire::reply::Refusal;
use stillmark_gateway::wire::request::Surface;
use stillmark_model::Checkpoint;
use stillmark_model::chat::{Ending, Message};
use stillmark_model::sample::Sampling;

/// A request, as far as such a model carries it out.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) prompt: Vec<u32>,
    pub(super) max_tokens: usize,
    pub(super) answers: u64,
    pub(super) sampling: Sampling,
    pub(super) seed: u64,
    pub(super) stops: Vec<String>,
    pub(super) is_stream: bool,
    pub(super) wants_usage: bool,
}

/// What cannot be done.
#[derive(Debug)]
pub(super) struct Unable {
    pub(super) status: u16,
    param: Option<&'static str>,
    message: String,
}

impl Unable {
    fn new(param: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, param: Some(param), message: message.into() }
    }

    pub(super) fn body(&self) -> Vec<u8> {
        let code = if self.status == 400 { "unsupported_value" } else { "unknown_url" };
        Refusal::invalid(code, self.param, self.message.clone()).body()
    }
}

#[derive(Deserialize)]
struct Body {
    messages: Option<Vec<Turn>>,
    prompt: Option<Prompt>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    n: Option<u64>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    seed: Option<i64>,
    stop: Option<Stop>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    logprobs: Option<serde_json::Value>,
    logit_bias: Option<serde_json::Map<String, serde_json::Value>>,
    tools: Option<Vec<serde_json::Value>>,
    response_format: Option<Format>,
    echo: Option<bool>,
    suffix: Option<String>,
    presence_penalty: Option<f32>,
    frequency_penalty: Option<f32>,
}

#[derive(Deserialize)]
struct Turn {
    role: String,
    content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    r#type: String,
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Prompt {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Deserialize)]
struct Format {
    r#type: String,
}

impl Asked {
    /// Reads a body; what such a model does not do is refused, never passed over.
    pub(super) fn read(surface: Surface, body: &[u8], checkpoint: &Checkpoint) -> Result<Self, Unable> {
        if !matches!(surface, Surface::Chat | Surface::Completions) {
            let message = format!("This model does not answer at {}.", surface.path());
            return Err(Unable { status: 404, param: None, message });
        }
        let body: Body = serde_json::from_slice(body).map_err(|err| Unable {
            status: 400,
            param: None,
            message: format!("{err}."),
        })?;
        body.check()?;
        let prompt = prompt(&body, checkpoint)?;
        let context = checkpoint.config().max_positions;
        if prompt.is_empty() || prompt.len() >= context {
            let message =
                format!("This model's context is {context} tokens; the prompt has {}.", prompt.len());
            return Err(Unable::new("messages", message));
        }
        let room = context - prompt.len();
        let usual = if surface == Surface::Chat { room } else { 16 };
        let stops = match body.stop {
            None => Vec::new(),
            Some(Stop::One(text)) => vec![text],
            Some(Stop::Several(texts)) => texts,
        };
        if stops.len() > 4 || stops.iter().any(String::is_empty) {
            return Err(Unable::new("stop", "`stop` takes up to 4 texts, none of them empty."));
        }
        Ok(Self {
            prompt,
            max_tokens: body.max_completion_tokens.or(body.max_tokens).unwrap_or(usual).min(room),
            answers: body.n.unwrap_or(1),
            sampling: Sampling {
                temperature: body.temperature.unwrap_or(1.0),
                top_k: None,
                top_p: body.top_p.filter(|top_p| *top_p < 1.0),
                min_p: None,
            },
            seed: body.seed.map_or_else(crate::clock::millis, i64::unsigned_abs),
            stops,
            is_stream: body.stream == Some(true),
            wants_usage: body.stream_options.and_then(|options| options.include_usage) == Some(true),
        })
    }
}

impl Body {
    fn check(&self) -> Result<(), Unable> {
        let zero = |value: Option<f32>| value.is_none_or(|value| value == 0.0);
        let no = |param, what: &str| Err(Unable::new(param, format!("This model does not do {what}.")));
        if self.tools.as_ref().is_some_and(|tools| !tools.is_empty()) {
            return no("tools", "tools");
        }
        if self.response_format.as_ref().is_some_and(|format| format.r#type != "text") {
            return no("response_format", "structured answers");
        }
        if self
            .logprobs
            .as_ref()
            .is_some_and(|asked| !matches!(asked, serde_json::Value::Null | serde_json::Value::Bool(false)))
        {
            return no("logprobs", "log-probabilities");
        }
        if self.logit_bias.as_ref().is_some_and(|bias| !bias.is_empty()) {
            return no("logit_bias", "biased tokens");
        }
        if self.echo == Some(true) || self.suffix.is_some() {
            return no("echo", "`echo` and `suffix`");
        }
        if !zero(self.presence_penalty) || !zero(self.frequency_penalty) {
            return no("presence_penalty", "penalties");
        }
        if !self.temperature.is_none_or(|value| (0.0..=2.0).contains(&value)) {
            return Err(Unable::new("temperature", "`temperature` must be from 0 to 2."));
        }
        if !self.top_p.is_none_or(|value| 0.0 < value && value <= 1.0) {
            return Err(Unable::new("top_p", "`top_p` must be above 0 and at most 1."));
        }
        if !self.n.is_none_or(|n| (1..=128).contains(&n)) {
            return Err(Unable::new("n", "`n` must be from 1 to 128."));
        }
        if [self.max_tokens, self.max_completion_tokens].contains(&Some(0)) {
            return Err(Unable::new("max_tokens", "`max_tokens` must be at least 1."));
        }
        Ok(())
    }
}

fn prompt(body: &Body, checkpoint: &Checkpoint) -> Result<Vec<u32>, Unable> {
    let failed =
        |err: stillmark_model::Error| Unable::new("messages", format!("The prompt cannot be read: {err}."));
    let tokenizer = checkpoint.tokenizer().map_err(failed)?;
    if let Some(prompt) = &body.prompt {
        return match prompt {
            Prompt::Text(text) => tokenizer.encode_sequence(text).map_err(failed),
            Prompt::Texts(texts) => match texts.as_slice() {
                [text] => tokenizer.encode_sequence(text).map_err(failed),
                _ => Err(Unable::new("prompt", "This model takes one prompt at a time.")),
            },
            Prompt::Tokens(tokens) => {
                let size = checkpoint.config().vocab_size;
                let fit = tokens.iter().all(|token| (*token as usize) < size);
                fit.then(|| tokens.clone())
                    .ok_or_else(|| Unable::new("prompt", format!("Token ids must be below {size}.")))
            }
        };
    }
    let Some(turns) = &body.messages else { return Err(Unable::new("messages", "`messages` is missing.")) };
    let messages = turns.iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let Some(template) = checkpoint.chat_template() else {
        return Err(Unable::new("messages", "This model has no chat template: use /v1/completions."));
    };
    let text = template.render(&messages, Ending::Generation).map_err(failed)?;
    tokenizer.encode(&text).map_err(failed)
}

fn message(turn: &Turn) -> Result<Message, Unable> {
    let role = match turn.role.as_str() {
        "developer" => "system",
        role @ ("system" | "user" | "assistant") => role,
        other => {
            return Err(Unable::new(
                "messages",
                format!("This model takes no messages of the role `{other}`."),
            ));
        }
    };
    let content = match &turn.content {
        None => String::new(),
        Some(Content::Text(text)) => text.clone(),
        Some(Content::Parts(parts)) => {
            let text = |part: &Part| part.text.clone().filter(|_| part.r#type == "text");
            let texts: Option<Vec<String>> = parts.iter().map(text).collect();
            texts.ok_or_else(|| Unable::new("messages", "This model reads text only."))?.concat()
        }
    };
    Ok(Message::new(role, &content))
}

/// Text that ends where one of some texts begins.
#[derive(Debug)]
pub(super) struct Stops<'a> {
    texts: &'a [String],
    held: String,
    has_ended: bool,
}

impl<'a> Stops<'a> {
    pub(super) fn new(texts: &'a [String]) -> Self {
        Self { texts, held: String::new(), has_ended: false }
    }

    /// Adds text; gives what may be told: not what stands behind a stop, nor what may yet turn out to be the beginning of one.
    pub(super) fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let found = self.texts.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = found {
            self.held.truncate(at);
            self.has_ended = true;
            return std::mem::take(&mut self.held);
        }
        let longest = self.texts.iter().map(String::len).max().unwrap_or(1) - 1;
        let mut keep = longest.min(self.held.len());
        while keep > 0 {
            let at = self.held.len() - keep;
            if self.held.is_char_boundary(at)
                && self.texts.iter().any(|stop| stop.starts_with(&self.held[at..]))
            {
                break;
            }
            keep -= 1;
        }
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }

    /// Whether a stop was found.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// What was held back.
    pub(super) fn rest(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}
