//! What a gateway must know of a request of OpenAI's API; the rest of the body it never looks at.

use std::borrow::Cow;
use std::ops::Range;

use super::json::{self, Member, Refused};

/// The surfaces of the API that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Surface {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/completions`
    Completions,
    /// `POST /v1/responses`
    Responses,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/moderations`
    Moderations,
}

impl Surface {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Chat, Self::Completions, Self::Responses, Self::Embeddings, Self::Moderations];

    /// The path below the address of the API.
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Completions => "/v1/completions",
            Self::Responses => "/v1/responses",
            Self::Embeddings => "/v1/embeddings",
            Self::Moderations => "/v1/moderations",
        }
    }

    /// The surface at a path.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|surface| surface.path() == path)
    }

    /// The member that holds what is asked.
    pub fn prompt_member(self) -> &'static str {
        match self {
            Self::Chat => "messages",
            Self::Completions => "prompt",
            Self::Responses | Self::Embeddings | Self::Moderations => "input",
        }
    }

    /// Whether answers are text that a model wrote.
    pub fn is_generative(self) -> bool {
        matches!(self, Self::Chat | Self::Completions | Self::Responses)
    }
}

/// A request as far as the gateway reads it.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a member of the request, true or false there")]
pub struct Request {
    /// Where it was sent.
    pub surface: Surface,
    /// The model that is asked.
    pub model: String,
    /// Whether the answer comes as events.
    pub is_stream: bool,
    /// The most tokens an answer may have, where the request says.
    pub most_tokens: Option<u64>,
    /// How many answers are asked for.
    pub answers: u64,
    /// Whether the client itself asked for the usage at the end of a stream.
    pub wants_usage: bool,
    /// Whether log-probabilities are asked for.
    pub wants_logprobs: bool,
    /// How many alternatives of each token are asked for.
    pub top_logprobs: Option<u64>,
    /// Whether tokens are biased.
    pub has_logit_bias: bool,
    /// A member that asks for more of the inside of a model than log-probabilities of the answer.
    pub internals: Option<&'static str>,
    /// Where what is asked stands in the body.
    pub prompt: Range<usize>,
    /// Where `stream_options` stands, if anywhere.
    stream_options: Option<Range<usize>>,
    /// Behind the opening brace.
    first: usize,
}

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is no JSON object with one reading.
    #[error(transparent)]
    Json(#[from] Refused),
    /// A member that must be there is not.
    #[error("you must provide `{0}`")]
    Missing(&'static str),
    /// A member is of another type than it must be, or outside its range.
    #[error("`{name}` must be {expected}")]
    Type {
        /// Which.
        name: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

impl Unreadable {
    /// The member that is at fault, as OpenAI's `param` names it.
    pub fn param(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) => None,
            Self::Missing(name) | Self::Type { name, .. } => Some(name),
        }
    }
}

/// Members by which servers behind tell more of a model than log-probabilities of its answer: those of the prompt, of all tokens, of tokens
/// at choice, or what is inside it.
pub const INTERNALS: [&str; 12] = [
    "prompt_logprobs",
    "return_logprob",
    "top_logprobs_num",
    "logprob_start_len",
    "token_ids_logprob",
    "return_hidden_states",
    "return_routed_experts",
    "return_prompt_logprobs",
    "n_probs",
    "post_sampling_probs",
    "logits_processors",
    "custom_logit_processor",
];

/// Members that steer which tokens may come, as `logit_bias` does.
const BIASES: [&str; 3] = ["logit_bias", "allowed_token_ids", "bad_words"];

/// No answer may be longer, whatever is asked.
const MOST_TOKENS: u64 = 10_000_000;

impl Request {
    /// Reads a body.
    ///
    /// # Errors
    /// Where it is no JSON object with one reading only, or lacks what the gateway needs.
    pub fn read(surface: Surface, body: &[u8]) -> Result<Self, Unreadable> {
        let members = json::members(body)?;
        let get = |name: &str| {
            let found = members.iter().find(|member| member.name == name);
            found.filter(|member| member.value != "null")
        };
        let model = get("model").map(|member| json::string(member.value));
        let model = match model {
            None => return Err(Unreadable::Missing("model")),
            Some(None) => return Err(Unreadable::Type { name: "model", expected: "a string" }),
            Some(Some(model)) => model.into_owned(),
        };
        let prompt = get(surface.prompt_member());
        let prompt = prompt.ok_or(Unreadable::Missing(surface.prompt_member()))?.range.clone();
        let most = ["max_completion_tokens", "max_output_tokens", "max_tokens"];
        let most_tokens = most.into_iter().filter_map(|name| Some((name, get(name)?)));
        let most_tokens: Vec<u64> =
            most_tokens.map(|(name, member)| whole(name, member, MOST_TOKENS)).collect::<Result<_, _>>()?;
        let count = |name| get(name).map(|member| whole(name, member, 1 << 16)).transpose();
        let flag = |name| get(name).map(|member| truth(name, member)).transpose();
        let stream_options = get("stream_options");
        let wants_usage = stream_options.is_some_and(asks_usage);
        let legacy = surface == Surface::Completions;
        let top_logprobs = if legacy { count("logprobs")? } else { count("top_logprobs")? };
        let mut wants_logprobs =
            if legacy { top_logprobs.is_some() } else { flag("logprobs")? == Some(true) };
        wants_logprobs |= top_logprobs.is_some_and(|top| top > 0);
        wants_logprobs |= get("include").is_some_and(|member| member.value.contains("logprobs"));
        let is_asked = |name: &str| get(name).is_some_and(|member| member.value != "false");
        let echoes = wants_logprobs && is_asked("echo");
        let internals = INTERNALS.into_iter().find(|name| is_asked(name)).or(echoes.then_some("echo"));
        Ok(Self {
            surface,
            model,
            is_stream: flag("stream")? == Some(true),
            most_tokens: most_tokens.into_iter().max(),
            answers: count("n")?.unwrap_or(1).max(count("best_of")?.unwrap_or(1)).max(1),
            wants_usage,
            wants_logprobs,
            top_logprobs,
            has_logit_bias: BIASES
                .into_iter()
                .any(|name| get(name).is_some_and(|member| !is_empty(member.value))),
            internals,
            prompt,
            stream_options: members
                .iter()
                .find(|member| member.name == "stream_options")
                .map(|member| member.range.clone()),
            first: memchr::memchr(b'{', body).map_or(0, |at| at + 1),
        })
    }

    /// The body to send on: unchanged, but that a stream is asked to end with its usage where the client did not ask.
    pub fn forwarded<'b>(&self, body: &'b [u8]) -> Cow<'b, [u8]> {
        let is_asked = matches!(self.surface, Surface::Chat | Surface::Completions);
        if !self.is_stream || self.wants_usage || !is_asked {
            return Cow::Borrowed(body);
        }
        if let Some(range) = &self.stream_options {
            let options = with_usage(&body[range.clone()]);
            return [&body[..range.start], &options, &body[range.end..]].concat().into();
        }
        let options: &[u8] = br#""stream_options":{"include_usage":true},"#;
        [&body[..self.first], options, &body[self.first..]].concat().into()
    }
}

/// The options of a stream, and that its usage is wanted; what is no object is an object then.
fn with_usage(options: &[u8]) -> Vec<u8> {
    let members = json::members(options).unwrap_or_default();
    let kept = members.iter().filter(|member| member.name != "include_usage");
    let kept =
        kept.map(|member| format!(",{}:{}", serde_json::Value::from(member.name.as_ref()), member.value));
    format!(r#"{{"include_usage":true{}}}"#, kept.collect::<String>()).into_bytes()
}

fn asks_usage(options: &Member<'_>) -> bool {
    let members = json::members(options.value.as_bytes()).unwrap_or_default();
    members.iter().any(|member| member.name == "include_usage" && member.value == "true")
}

fn is_empty(object: &str) -> bool {
    object.bytes().all(|byte| byte.is_ascii_whitespace() || matches!(byte, b'{' | b'}' | b'[' | b']'))
}

fn whole(name: &'static str, member: &Member<'_>, most: u64) -> Result<u64, Unreadable> {
    let value = member.value.parse().ok().filter(|value| *value <= most);
    value.ok_or(Unreadable::Type { name, expected: "a whole number in its range" })
}

fn truth(name: &'static str, member: &Member<'_>) -> Result<bool, Unreadable> {
    member.value.parse().map_err(|_| Unreadable::Type { name, expected: "true or false" })
}
