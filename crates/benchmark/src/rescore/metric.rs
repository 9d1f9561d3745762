//! Metrics, and what logs make of many scores.

use std::borrow::Cow;

use super::regex::Pattern;
use super::{ChoiceMetric, Output};
use crate::json::Value;
use crate::log::Sample;

/// How far apart two ways of adding the same numbers may end.
const ROUNDING: f64 = 1e-12;

/// Whether two numbers are the same but for rounding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Agreement {
    /// They are.
    Holds,
    /// They differ by this much.
    Fails(f64),
}

impl Agreement {
    /// Compares a number with what it should be; two that are no number agree.
    pub fn of(expected: f64, found: f64) -> Self {
        Self::within(expected, found, ROUNDING)
    }

    /// As [`Agreement::of`], with another tolerance, relative beyond 1.
    pub fn within(expected: f64, found: f64, tolerance: f64) -> Self {
        let difference = (expected - found).abs();
        let same = expected == found || (expected.is_nan() && found.is_nan());
        if same || difference <= tolerance * expected.abs().max(1.0) {
            Self::Holds
        } else {
            Self::Fails(difference)
        }
    }

    /// Whether they agree.
    pub fn holds(self) -> bool {
        self == Self::Holds
    }
}

/// A metric over one text.
#[derive(Debug, Clone)]
pub(super) enum TextMetric {
    ExactMatch(ExactMatch),
}

/// `exact_match`: equal after both were cleaned.
#[derive(Debug, Clone)]
pub(super) struct ExactMatch {
    removed: Vec<Pattern>,
    lower: Cleaning,
    punctuation: Cleaning,
    numbers: Cleaning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cleaning {
    Kept,
    Ignored,
}

impl TextMetric {
    pub(super) fn name(&self) -> Cow<'static, str> {
        match self {
            Self::ExactMatch(_) => Cow::Borrowed("exact_match"),
        }
    }

    pub(super) fn score(&self, answer: &str, target: &str) -> f64 {
        match self {
            Self::ExactMatch(rule) => f64::from(u8::from(rule.cleaned(answer) == rule.cleaned(target))),
        }
    }
}

impl ExactMatch {
    fn cleaned(&self, text: &str) -> String {
        let mut text = self.removed.iter().fold(text.to_owned(), |text, pattern| pattern.removed(&text));
        // The harness compares numpy strings, which end before trailing zero characters.
        text.truncate(text.trim_end_matches('\0').len());
        if self.lower == Cleaning::Ignored {
            text = text.to_lowercase();
        }
        if self.punctuation == Cleaning::Ignored {
            text.retain(|c| !c.is_ascii_punctuation());
        }
        if self.numbers == Cleaning::Ignored {
            text.retain(|c| !c.is_ascii_digit());
        }
        text
    }
}

/// The metrics over choices that a configuration lists and that are known here.
pub(super) fn choice_metrics(config: Option<&Value<'_>>) -> Output {
    let named = |metric: &Value<'_>| match metric.get("metric")?.string()?.as_ref() {
        "acc" => Some(ChoiceMetric::Accuracy),
        "acc_norm" => Some(ChoiceMetric::PerCharacter),
        "acc_bytes" => Some(ChoiceMetric::PerByte),
        "acc_mutual_info" => Some(ChoiceMetric::MutualInformation),
        _ => None,
    };
    let known: Vec<_> = listed(config).iter().filter_map(named).collect();
    if known.is_empty() && !listed(config).is_empty() {
        return Output::Unknown("none of its metrics is known here".to_owned());
    }
    if known.is_empty() {
        return Output::Choices(vec![ChoiceMetric::Accuracy, ChoiceMetric::PerCharacter]);
    }
    Output::Choices(known)
}

/// The metrics over texts that a configuration lists and that are known here.
pub(super) fn text_metrics(config: Option<&Value<'_>>) -> Result<Vec<TextMetric>, String> {
    if config.and_then(|config| config.get("doc_to_choice")).is_some_and(|choices| !choices.is_null()) {
        return Err("its targets are indices of choices that the log does not spell out".to_owned());
    }
    let known: Vec<_> = listed(config).iter().filter_map(exact_match).collect();
    if known.is_empty() {
        return Err("none of its metrics is known here".to_owned());
    }
    Ok(known)
}

fn listed<'v, 'a>(config: Option<&'v Value<'a>>) -> &'v [Value<'a>] {
    config.and_then(|config| config.get("metric_list")).map_or(&[][..], Value::items)
}

fn exact_match(listed: &Value<'_>) -> Option<TextMetric> {
    if listed.get("metric")?.string()? != "exact_match" {
        return None;
    }
    let ignores = |key: &str| match listed.get(key).and_then(Value::truth) {
        Some(true) => Cleaning::Ignored,
        _ => Cleaning::Kept,
    };
    let patterns = listed.get("regexes_to_ignore").map_or(&[][..], Value::items);
    let removed = patterns.iter().map(|pattern| Pattern::new(&pattern.string()?)).collect::<Option<_>>()?;
    Some(TextMetric::ExactMatch(ExactMatch {
        removed,
        lower: ignores("ignore_case"),
        punctuation: ignores("ignore_punctuation"),
        numbers: ignores("ignore_numbers"),
    }))
}

/// The share of probability on right choices (`TruthfulQA` mc2).
pub(super) fn true_mass(sample: &Sample<'_>, numbers: &[f64]) -> Option<f64> {
    let labels = sample.doc.as_ref()?.get("mc2_targets")?.get("labels")?.items();
    if labels.len() != numbers.len() {
        return None;
    }
    let probabilities: Vec<f64> = numbers.iter().map(|ln| ln.exp()).collect();
    let sum: f64 = probabilities.iter().sum();
    let right = probabilities.iter().zip(labels).filter(|(_, label)| label.number() == Some(1.0));
    Some(right.map(|(p, _)| p / sum).sum())
}

/// The mean, added in the order of the rows.
pub fn mean(scores: &[f64]) -> Option<f64> {
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

/// The standard error that lm-eval states beside a mean: sample standard deviation over the root of n.
pub fn stderr(scores: &[f64]) -> Option<f64> {
    let mean = mean(scores)?;
    let n = scores.len() as f64;
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    (scores.len() > 1).then(|| (squares / (n - 1.0)).sqrt() / n.sqrt())
}
