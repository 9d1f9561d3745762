//! What stands around an item in its prompt.

use std::borrow::Cow;
use std::ops::Range;

use crate::json::{self, Kind, Value};

/// So much of a text is kept at each end.
const KEPT: usize = 2_000;
/// So much of what stands before a question is near it.
const NEAR: usize = 200;
/// A question that is shorter may well stand in a prompt for another reason.
const TELLING: usize = 20;

/// A prompt without its item.
#[derive(Debug, Clone, Default)]
pub(super) struct Frame {
    /// What stands before the question, its beginning and its end.
    pub(super) head: String,
    /// The end of it.
    pub(super) near: String,
    /// What stands before each choice; empty where the choices are not listed in their order.
    pub(super) gaps: Vec<String>,
    /// What stands after the last choice, or after the question where none is listed.
    pub(super) tail: String,
    /// All that stands after the question, choices included.
    pub(super) rest: String,
    /// What follows the question and its choices where they stand in the prompt before.
    pub(super) before: Option<String>,
}

/// Cuts the item out of its prompt; `None` where the question is not in it.
pub(super) fn cut(prompt: &str, question: &str, choices: &[String]) -> Option<Frame> {
    let question = question.trim();
    if question.is_empty() {
        return None;
    }
    let at = prompt.rfind(question)?;
    let (head, rest) = (&prompt[..at], &prompt[at + question.len()..]);
    let (gaps, tail) = listed(rest, choices).unwrap_or((Vec::new(), rest));
    let first = head.find(question).filter(|_| question.len() > TELLING);
    let before = first.map(|first| {
        let after = &head[first + question.len()..];
        let (_, after) = listed(after, choices).unwrap_or((Vec::new(), after));
        start(after, KEPT).to_owned()
    });
    Some(Frame {
        head: ends(head).into_owned(),
        near: end(head, NEAR).to_owned(),
        gaps: gaps.into_iter().map(str::to_owned).collect(),
        tail: ends(tail).into_owned(),
        rest: rest.to_owned(),
        before,
    })
}

/// The texts before each choice and what follows the last, where all choices stand there in their order.
fn listed<'t>(text: &'t str, choices: &[String]) -> Option<(Vec<&'t str>, &'t str)> {
    if choices.is_empty() {
        return None;
    }
    let (mut gaps, mut rest) = (Vec::new(), text);
    for choice in choices {
        let (gap, after) = rest.split_once(choice.trim())?;
        gaps.push(gap);
        rest = after;
    }
    Some((gaps, rest))
}

/// A conversation that was dumped as JSON, as one text; any other prompt as it stands.
pub(super) fn spoken(prompt: &str) -> Cow<'_, str> {
    if !prompt.starts_with("[{") {
        return Cow::Borrowed(prompt);
    }
    let Ok(Value { kind: Kind::List(turns), .. }) = json::parse(prompt) else {
        return Cow::Borrowed(prompt);
    };
    let mut all = String::new();
    for turn in &turns {
        let (Some(role), Some(content)) = (turn.get("role").and_then(Value::string), turn.get("content"))
        else {
            return Cow::Borrowed(prompt);
        };
        all.extend(["<", role.as_ref(), ">"]);
        match content.string() {
            Some(text) => all.push_str(&text),
            // Content may come in pieces, each a text of its own.
            None => content
                .items()
                .iter()
                .filter_map(|piece| piece.get("text")?.string())
                .for_each(|text| all.push_str(&text)),
        }
        all.push('\n');
    }
    Cow::Owned(all)
}

/// Where a text holds what another does not share with it at its ends.
fn unshared(other: &str, text: &str) -> Range<usize> {
    let start: usize = other
        .chars()
        .zip(text.chars())
        .take_while(|(one, other)| one == other)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let shared: usize = other[start..]
        .chars()
        .rev()
        .zip(text[start..].chars().rev())
        .take_while(|(one, other)| one == other)
        .map(|(c, _)| c.len_utf8())
        .sum();
    start..text.len() - shared
}

/// What of a text another does not share with it at its ends.
pub(super) fn inserted<'t>(other: &str, text: &'t str) -> &'t str {
    &text[unshared(other, text)]
}

/// The same, widened to whole words.
pub(super) fn differing<'t>(usual: &str, text: &'t str) -> &'t str {
    let Range { start, end } = unshared(usual, text);
    // A number of which only one digit differs is another number.
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | ',' | '-');
    let before: usize = text[..start].chars().rev().take_while(|c| is_part(*c)).map(char::len_utf8).sum();
    let after: usize = text[end..].chars().take_while(|c| is_part(*c)).map(char::len_utf8).sum();
    &text[start - before..end + after]
}

/// Whether a text holds some words as words of their own.
pub(super) fn holds(text: &str, words: &str) -> bool {
    let words = words.trim();
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    !words.is_empty()
        && text.match_indices(words).any(|(at, _)| {
            is_edge(text[..at].chars().next_back()) && is_edge(text[at + words.len()..].chars().next())
        })
}

fn ends(text: &str) -> Cow<'_, str> {
    if text.len() <= 2 * KEPT {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}\n…\n{}", start(text, KEPT), end(text, KEPT)))
}

fn start(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn end(text: &str, most: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(most))..]
}

/// The words and numbers of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}
