//! What is taken from an answer before it is scored.

use std::collections::BTreeMap;

use regex::Regex;

use super::number::number_in_words;
use super::pattern::{Pattern, Pick};
use super::python::{strip, words};
use crate::record::Record;

/// What a filter gives where it finds nothing.
const NOTHING: &str = "[invalid]";

/// A named filter; `take_first` follows in each.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Its name in results.
    pub name: &'static str,
    /// What it takes.
    pub extract: Extract,
}

/// What a filter takes.
#[derive(Debug, Clone)]
pub enum Extract {
    /// The answer as it is.
    Whole,
    /// A match of a pattern.
    Match(Pattern, Pick),
    /// What follows one of some phrases on its line, but for the last character: `(?<=the answer is )(.*)(?=.)`.
    After {
        /// The phrases.
        phrases: &'static [&'static str],
        /// The pattern as the harness writes it.
        source: &'static str,
        /// Whether an empty match counts as nothing.
        empty_is_nothing: EmptyMatch,
    },
    /// A letter in parentheses, else the text of a choice, else a letter after a colon.
    Letter(Pattern, Pick),
    /// A value for one of several patterns, letter case ignored: the whole of them, then each with its value.
    Mapped(Pattern, Pick, Vec<(Pattern, &'static str)>),
    /// A number in digits, else in English words.
    Number(Pattern, Pick),
    /// The words of the question in the order in which the answer names them last.
    Words,
    /// The prompt and the answer together, as a program.
    Program,
}

/// What an empty match means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyMatch {
    /// An empty answer.
    Answer,
    /// No answer.
    Nothing,
}

impl Filter {
    /// What the filter takes from an answer to a record.
    pub fn apply(&self, record: &Record, answer: &str) -> String {
        let nothing = || NOTHING.to_owned();
        match &self.extract {
            Extract::Whole => answer.to_owned(),
            Extract::Match(pattern, pick) => pattern.find(*pick, answer).unwrap_or_else(nothing),
            Extract::After { phrases, empty_is_nothing, .. } => match after(phrases, answer) {
                Some("") if *empty_is_nothing == EmptyMatch::Nothing => nothing(),
                Some(found) => strip(found).to_owned(),
                None => nothing(),
            },
            Extract::Letter(pattern, pick) => letter(pattern, *pick, record, answer).unwrap_or_else(nothing),
            Extract::Mapped(whole, pick, values) => {
                let found = whole.find(*pick, &answer.to_lowercase()).filter(|found| !found.is_empty());
                let value = found.and_then(|found| {
                    values
                        .iter()
                        .find(|(pattern, _)| pattern.find(*pick, &found).is_some_and(|m| !m.is_empty()))
                });
                value.map_or_else(nothing, |(_, value)| (*value).to_owned())
            }
            Extract::Number(pattern, pick) => match pattern.find(*pick, answer) {
                Some(found) if !found.is_empty() => found,
                _ => number_in_words(*pick, answer).map_or_else(nothing, |number| number.to_string()),
            },
            Extract::Words => sorted_words(&record.question, answer),
            Extract::Program => format!("{}{answer}", record.question),
        }
    }

    /// The filter as the harness lists it.
    pub fn as_listed(&self) -> serde_json::Value {
        use serde_json::json;
        let first = json!({"function": "take_first"});
        let select = |pick: &Pick| match pick {
            Pick::First => 0,
            Pick::Last => -1,
        };
        let step = match &self.extract {
            Extract::Whole => return json!({"name": self.name, "filter": [first]}),
            Extract::Program => {
                return json!({"name": self.name, "filter": [{"function": "custom", "filter_fn": "build_predictions"}]});
            }
            Extract::Match(pattern, Pick::First) => {
                json!({"function": "regex", "regex_pattern": pattern.source()})
            }
            Extract::Match(pattern, pick) => {
                json!({"function": "regex", "group_select": select(pick), "regex_pattern": pattern.source()})
            }
            Extract::After { source, .. } => json!({"function": "regex", "regex_pattern": source}),
            Extract::Letter(pattern, pick) => json!({
                "function": "MultiChoiceRegexFilter", "group_select": select(pick), "ignore_case": true,
                "ignore_punctuation": true, "regex_pattern": pattern.source(),
            }),
            Extract::Mapped(_, pick, values) => {
                let values: BTreeMap<&str, &str> =
                    values.iter().map(|(p, value)| (p.source(), *value)).collect();
                json!({"function": "MapRegexFilter", "group_select": select(pick), "ignore_case": true,
                    "regex_pattern_to_value": values})
            }
            Extract::Number(pattern, pick) => json!({
                "function": "NumberParseRegexFilter", "group_select": select(pick), "regex_pattern": pattern.source(),
            }),
            Extract::Words => json!({"function": "WordSortFilter"}),
        };
        json!({"name": self.name, "filter": [step, first]})
    }
}

/// What follows the first of the phrases that has something after it on its line, without the line's last character.
fn after<'a>(phrases: &[&str], answer: &'a str) -> Option<&'a str> {
    let starts =
        phrases.iter().flat_map(|phrase| answer.match_indices(phrase).map(|(at, _)| at + phrase.len()));
    let rest_of_line = |start: usize| answer[start..].split('\n').next().unwrap_or_default();
    let start = starts.filter(|start| !rest_of_line(*start).is_empty()).min()?;
    let line = rest_of_line(start);
    let last = line.chars().next_back().map_or(0, char::len_utf8);
    Some(&line[..line.len() - last])
}

/// The choice of a BIG-Bench Hard question that an answer names.
fn letter(pattern: &Pattern, pick: Pick, record: &Record, answer: &str) -> Option<String> {
    if let Some(found) = pattern.find(pick, answer).filter(|found| !found.is_empty()) {
        return Some(found);
    }
    let listed: Vec<String> = listed_choices(&record.question);
    let to_letter: BTreeMap<String, char> = listed.iter().cloned().zip('A'..).collect();
    let mut branches: Vec<String> = listed.iter().map(|choice| regex::escape(choice)).collect();
    branches.sort_by_key(|branch| std::cmp::Reverse(branch.chars().count()));
    let by_text = Regex::new(&branches.join("|")).ok()?;
    let plain = plain(answer);
    let mut matches = by_text.find_iter(&plain);
    let found = match pick {
        Pick::First => matches.next(),
        // Python also finds an empty choice right after another match, at the end.
        Pick::Last if by_text.is_match_at(&plain, plain.len()) => None,
        Pick::Last => matches.last(),
    };
    if let Some(found) = found.map(|found| strip(found.as_str())).filter(|found| !found.is_empty()) {
        return Some(to_letter.get(found).map_or_else(|| found.to_owned(), |letter| format!("({letter})")));
    }
    let letters: Vec<String> = ('A'..).take(listed.len()).map(String::from).collect();
    let after_colon = Regex::new(&format!(r":[\s]*({})", letters.join("|"))).ok()?;
    let mut matches = after_colon.captures_iter(answer);
    let found = match pick {
        Pick::First => matches.next(),
        Pick::Last => matches.last(),
    }?;
    let letter = strip(found.get(1)?.as_str());
    (!letter.is_empty()).then(|| format!("({letter})"))
}

/// The choices that a question lists as `(A) …`, in lower case and without punctuation.
fn listed_choices(question: &str) -> Vec<String> {
    let Ok(listed) = Regex::new(r"\([A-Z]\)([^\n^(]*)") else { return Vec::new() };
    listed
        .captures_iter(question)
        .filter_map(|found| found.get(1))
        .map(|m| plain(strip(m.as_str())))
        .collect()
}

/// Lower case, without punctuation.
fn plain(text: &str) -> String {
    let Ok(punctuation) = Regex::new(r"\p{P}+") else { return text.to_lowercase() };
    punctuation.replace_all(&text.to_lowercase(), "").into_owned()
}

/// The words of the question's list in the order in which the answer names each for the last time.
fn sorted_words(question: &str, answer: &str) -> String {
    let listed: Vec<&str> =
        question.split("List:").nth(1).map(|list| words(list).collect()).unwrap_or_default();
    let branches: Vec<String> = listed.iter().map(|word| format!(r"\b{}\b", regex::escape(word))).collect();
    let Ok(any) = Regex::new(&branches.join("|")) else { return String::new() };
    let mut seen: Vec<&str> = Vec::new();
    // Python reverses the matches, keeps the first of each word, and reverses again.
    for found in any.find_iter(answer).map(|found| found.as_str()).collect::<Vec<_>>().into_iter().rev() {
        if !seen.contains(&found) {
            seen.push(found);
        }
    }
    seen.reverse();
    seen.join(" ")
}
