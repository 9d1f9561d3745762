//! The words of an answer, to which its receipt commits.

use std::borrow::Cow;

use serde::Deserialize;

use crate::wire::json;
use crate::wire::request::Surface;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(borrow, default)]
    output: Vec<Output<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Option<Words<'a>>,
    #[serde(borrow, default)]
    delta: Option<Words<'a>>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Words<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow, default)]
    content: Vec<Part<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
}

/// The words of a whole answer: those of its choices one after another; the empty text where it has none.
pub(crate) fn in_whole(body: &[u8]) -> String {
    let Ok(answer) = serde_json::from_slice::<Answer<'_>>(body) else { return String::new() };
    let mut words = String::new();
    for choice in &answer.choices {
        let content = choice.message.as_ref().and_then(|message| message.content.as_deref());
        words.push_str(content.or(choice.text.as_deref()).unwrap_or_default());
    }
    let parts = answer.output.iter().flat_map(|output| &output.content);
    words.extend(parts.filter_map(|part| part.text.as_deref()));
    words
}

/// The words that an event adds.
pub(crate) fn in_event(surface: Surface, data: &[u8], words: &mut String) {
    if surface == Surface::Responses {
        let members = json::members(data).unwrap_or_default();
        let get = |name: &str| members.iter().find(|member| member.name == name);
        if get("type").is_some_and(|kind| kind.value == "\"response.output_text.delta\"")
            && let Some(delta) = get("delta").and_then(|delta| json::string(delta.value))
        {
            words.push_str(&delta);
        }
        return;
    }
    let Ok(event) = serde_json::from_slice::<Answer<'_>>(data) else { return };
    for choice in &event.choices {
        let delta = choice.delta.as_ref().and_then(|delta| delta.content.as_deref());
        words.push_str(delta.or(choice.text.as_deref()).unwrap_or_default());
    }
}

/// What is asked, as a receipt commits to it: the JSON of messages as received, or the text itself where it is one.
pub(crate) fn asked(prompt: &str) -> Cow<'_, str> {
    json::string(prompt).unwrap_or(Cow::Borrowed(prompt))
}
