//! Answers of the gateway's own: errors as OpenAI's SDKs read them, and what is left of the limits.

use serde::Serialize;

/// A refusal, with the status and words that SDKs act on: they retry 408, 409, 429 and 5xx unless `insufficient_quota` is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// OpenAI's `type`.
    pub kind: &'static str,
    /// OpenAI's `code`.
    pub code: &'static str,
    /// The member of the request at fault.
    pub param: Option<&'static str>,
    /// What happened and how to mend it, for people.
    pub message: String,
    /// When to try again, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: Inner<'a>,
}

#[derive(Serialize)]
struct Inner<'a> {
    message: &'a str,
    r#type: &'a str,
    param: Option<&'a str>,
    code: &'a str,
}

impl Refusal {
    /// A refusal for a fault in the request.
    pub fn invalid(code: &'static str, param: Option<&'static str>, message: String) -> Self {
        Self { status: 400, kind: "invalid_request_error", code, param, message, retry_after_ms: None }
    }

    /// A refusal with another status.
    pub fn new(status: u16, kind: &'static str, code: &'static str, message: &str) -> Self {
        Self { status, kind, code, param: None, message: message.to_owned(), retry_after_ms: None }
    }

    /// The body: `{"error": {"message", "type", "param", "code"}}`.
    pub fn body(&self) -> Vec<u8> {
        let inner = Inner { message: &self.message, r#type: self.kind, param: self.param, code: self.code };
        serde_json::to_vec(&Body { error: inner }).unwrap_or_default()
    }

    /// The same as an event of a stream that had begun.
    pub fn event(&self) -> Vec<u8> {
        [b"data: ", self.body().as_slice(), b"\n\n"].concat()
    }
}

/// A message as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text.push('.');
    text
}

/// A stretch of time as OpenAI's headers write it: `6m0s`, `1.5s`, `12ms`.
pub fn stretch(ms: u64) -> String {
    let (hours, minutes, seconds, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000);
    let fraction = match rest {
        0 => format!("{seconds}s"),
        _ => format!("{seconds}.{}s", format!("{rest:03}").trim_end_matches('0')),
    };
    match (hours, minutes) {
        (0, 0) if ms < 1_000 => format!("{ms}ms"),
        (0, 0) => fraction,
        (0, _) => format!("{minutes}m{fraction}"),
        _ => format!("{hours}h{minutes}m{fraction}"),
    }
}
