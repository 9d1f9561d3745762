//! What an answer cost, read from it as it passes.

use bytes::Bytes;
use serde::Deserialize;

use crate::meter::Cost;
use crate::said;
use crate::veil::Veil;
use crate::wire::request::{Request, Surface};
use crate::wire::sse::{self, Scanner};

/// Token counts as the surfaces of the API name them.
#[derive(Deserialize)]
struct Usage {
    #[serde(rename = "prompt_tokens", alias = "input_tokens", default)]
    prompt: Option<u64>,
    #[serde(rename = "completion_tokens", alias = "output_tokens", default)]
    answer: Option<u64>,
    #[serde(rename = "total_tokens", default)]
    total: Option<u64>,
}

/// The usage that a JSON text states, wherever it stands in it; the last one, where several do.
pub(crate) fn usage_in(text: &[u8]) -> Option<Cost> {
    const NAME: &[u8] = b"\"usage\"";
    let mut end = text.len();
    while let Some(at) = memchr::memmem::rfind(&text[..end], NAME) {
        end = at;
        let value = text[at + NAME.len()..].trim_ascii_start();
        let Some(value) = value.strip_prefix(b":") else { continue };
        let mut values = serde_json::Deserializer::from_slice(value).into_iter::<Usage>();
        let Some(Ok(usage)) = values.next() else { continue };
        let total = usage.total;
        if let Some(prompt) = usage.prompt.or(total) {
            let answer = usage.answer.or(total.map(|total| total.saturating_sub(prompt)));
            return Some(Cost { prompt, answer: answer.unwrap_or_default() });
        }
    }
    None
}

/// Watches the events of a stream.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    scanner: Scanner,
    /// Whether the usage is for the gateway alone, so that the client does not get to see it.
    hides_usage: bool,
    told: Option<Cost>,
    events: u64,
    text_bytes: u64,
    is_done: bool,
    /// Where the words of the answer are kept: what it was asked by.
    keeps: Option<Surface>,
    words: String,
    /// What changes log-probabilities.
    veil: Option<Veil>,
}

/// An event that cannot go on: it grew beyond all measure, or what it tells of log-probabilities cannot be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unreadable;

/// The end of a stream.
pub(crate) const DONE: &[u8] = b"[DONE]";

impl Watch {
    /// Watches the answer to a request.
    pub(crate) fn new(asked: &Request) -> Self {
        Self { hides_usage: !asked.wants_usage, ..Self::default() }
    }

    /// Keeps the words of the answer, too.
    pub(crate) fn keeping(self, surface: Surface) -> Self {
        Self { keeps: Some(surface), ..self }
    }

    /// Changes its log-probabilities, too.
    pub(crate) fn veiled(self, veil: Option<Veil>) -> Self {
        Self { veil, ..self }
    }

    /// The words of the answer so far.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// The bytes to pass on of those that came: whole events, without one that only tells the usage where nobody asked for it, and with the
    /// log-probabilities that are told.
    pub(crate) fn pass(&mut self, bytes: &Bytes) -> Result<Bytes, Unreadable> {
        let before = self.scanner.rest();
        let whole = if before.is_empty() { bytes.clone() } else { [before, bytes].concat().into() };
        let mut scanner = std::mem::take(&mut self.scanner);
        // The events that go on otherwise than they came: where each is, and what goes on.
        let mut changed: Vec<(std::ops::Range<usize>, Vec<u8>)> = Vec::new();
        let mut end = 0;
        let mut is_readable = true;
        let scanned = scanner.push(bytes, |event| {
            let start = end;
            end += event.len();
            if self.hides(event) {
                changed.push((start..end, Vec::new()));
                return;
            }
            match self.veil.as_ref().map_or(Ok(None), |veil| veil.over_event(event)) {
                Ok(None) => {}
                Ok(Some(veiled)) => changed.push((start..end, veiled)),
                Err(_) => is_readable = false,
            }
        });
        self.scanner = scanner;
        if scanned.is_err() || !is_readable {
            return Err(Unreadable);
        }
        if changed.is_empty() {
            return Ok(whole.slice(..end));
        }
        let mut kept = Vec::with_capacity(end);
        let mut at = 0;
        for (range, event) in changed {
            kept.extend_from_slice(&whole[at..range.start]);
            kept.extend_from_slice(&event);
            at = range.end;
        }
        kept.extend_from_slice(&whole[at..end]);
        Ok(kept.into())
    }

    /// Takes note of an event; whether it is for the gateway alone.
    fn hides(&mut self, event: &[u8]) -> bool {
        let Some(data) = sse::data(event) else { return false };
        if data.as_ref() == DONE {
            self.is_done = true;
            return false;
        }
        self.events += 1;
        self.text_bytes += delta_bytes(&data);
        if let Some(surface) = self.keeps {
            said::in_event(surface, &data, &mut self.words);
        }
        if memchr::memmem::find(&data, b"\"usage\"").is_none() {
            return false;
        }
        let Some(cost) = usage_in(&data) else { return false };
        self.told = Some(cost);
        self.hides_usage && has_no_choice(&data)
    }

    /// What came after the last whole event, at the end of the stream; nothing where it cannot be read and must be.
    pub(crate) fn rest(&self) -> Bytes {
        let rest = self.scanner.rest();
        match self.veil.as_ref().map_or(Ok(None), |veil| veil.over_event(rest)) {
            Ok(veiled) => veiled.map_or_else(|| Bytes::copy_from_slice(rest), Bytes::from),
            Err(_) => Bytes::new(),
        }
    }

    /// Whether the stream said that it was whole.
    pub(crate) fn is_done(&self) -> bool {
        self.is_done
    }

    /// The usage that was told.
    pub(crate) fn told(&self) -> Option<Cost> {
        self.told
    }

    /// Tokens of the answer so far, by what was seen: an event is one at least, four bytes of text are one.
    pub(crate) fn seen(&self) -> u64 {
        self.events.saturating_sub(1).max(self.text_bytes / 4)
    }
}

/// Whether an event has no choice in it, as the one that tells the usage.
fn has_no_choice(data: &[u8]) -> bool {
    let members = crate::wire::json::members(data).unwrap_or_default();
    members.iter().any(|member| member.name == "choices" && member.value.replace(' ', "") == "[]")
}

/// How long the text is that an event adds.
fn delta_bytes(data: &[u8]) -> u64 {
    const NAMES: [&[u8]; 5] =
        [b"\"content\":", b"\"text\":", b"\"delta\":", b"\"arguments\":", b"\"reasoning_content\":"];
    let length = |name: &[u8]| {
        let at = memchr::memmem::find(data, name)? + name.len();
        let value = data[at..].trim_ascii_start().strip_prefix(b"\"")?;
        memchr::memchr(b'"', value)
    };
    NAMES.into_iter().filter_map(length).sum::<usize>() as u64
}
