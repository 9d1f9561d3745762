//! The filters that a log's own configuration lists.

use std::borrow::Cow;

use super::regex::{Found, Pattern};
use crate::json::Value;
use crate::task::strip;

/// A chain of filters with a name.
#[derive(Debug, Clone)]
pub struct Chain {
    /// Its name in results.
    pub(super) name: String,
    /// Its steps; none where one is unknown.
    steps: Option<Vec<Step>>,
}

/// One step of a chain.
#[derive(Debug, Clone)]
pub(super) enum Step {
    TakeFirst,
    Match { pattern: Pattern, select: i64, fallback: String },
    Lower,
    Upper,
    Strip,
}

/// The chains that a configuration lists; where it lists none, answers are taken as they are.
pub(super) fn chains(config: Option<&Value<'_>>) -> Vec<Chain> {
    let listed = config.and_then(|config| config.get("filter_list")).map_or(&[][..], Value::items);
    if listed.is_empty() {
        return vec![Chain { name: "none".to_owned(), steps: Some(vec![Step::TakeFirst]) }];
    }
    let chain = |listed: &Value<'_>| {
        let name = listed.get("name").and_then(Value::string)?.into_owned();
        let steps = listed.get("filter").map_or(&[][..], Value::items).iter().map(step).collect();
        Some(Chain { name, steps })
    };
    listed.iter().filter_map(chain).collect()
}

fn step(listed: &Value<'_>) -> Option<Step> {
    let text = |key: &str| listed.get(key).and_then(Value::string);
    match text("function")?.as_ref() {
        "take_first" => Some(Step::TakeFirst),
        "lowercase" => Some(Step::Lower),
        "uppercase" => Some(Step::Upper),
        "remove_whitespace" => Some(Step::Strip),
        "regex" => {
            let source = text("regex_pattern").unwrap_or(Cow::Borrowed(r"#### (\-?[0-9\.\,]+)"));
            let select = match listed.get("group_select") {
                Some(select) => select.raw.parse().ok()?,
                None => 0,
            };
            let fallback = match listed.get("fallback") {
                Some(fallback) => fallback.string()?.into_owned(),
                None => "[invalid]".to_owned(),
            };
            Some(Step::Match { pattern: Pattern::new(&source)?, select, fallback })
        }
        _ => None,
    }
}

impl Chain {
    /// What the chain takes from the answers of one request; `None` where a step is unknown or leaves more than one.
    pub fn apply<'t>(&self, mut answers: Vec<Cow<'t, str>>) -> Option<Cow<'t, str>> {
        let mut is_one = false;
        for step in self.steps.as_ref()? {
            match step {
                Step::TakeFirst => {
                    answers.truncate(1);
                    is_one = true;
                }
                // Once one answer is taken, a filter would see its letters one by one.
                _ if is_one => return None,
                step => answers = answers.into_iter().map(|answer| step.apply(answer)).collect(),
            }
        }
        if is_one { answers.pop() } else { None }
    }
}

impl Step {
    fn apply<'t>(&self, answer: Cow<'t, str>) -> Cow<'t, str> {
        match self {
            Self::TakeFirst => answer,
            Self::Lower => Cow::Owned(answer.to_lowercase()),
            Self::Upper => Cow::Owned(answer.to_uppercase()),
            Self::Strip => Cow::Owned(strip(&answer).to_owned()),
            Self::Match { pattern, select, fallback } => Cow::Owned(match pattern.pick(&answer, *select) {
                Some(Found::Text(text)) => strip(&text).to_owned(),
                Some(Found::Empty) => strip(fallback).to_owned(),
                None => fallback.clone(),
            }),
        }
    }
}
