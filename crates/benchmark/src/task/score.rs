//! The scores of one answer.

use super::filter::Filter;
use super::metric::{Metric, argmax};
use super::recipe::{Output, Task};
use crate::Error;
use crate::record::{Answer, Record};

/// One score of one answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Which metric.
    pub metric: &'static str,
    /// Of what the filter took.
    pub filter: &'static str,
    /// What the filter took; empty for choices.
    pub filtered: String,
    /// The score; none where it takes running a program.
    pub value: Option<f64>,
}

impl Task {
    /// Scores the log-likelihoods of a record's choices, in the harness's order of metrics.
    pub fn score_choices(&self, record: &Record, log_likelihoods: &[f64]) -> Result<Vec<Score>, Error> {
        let Output::Choices { metrics } = &self.output else { return Ok(Vec::new()) };
        let choices = self.template.choices(record)?;
        if choices.len() != log_likelihoods.len() {
            return Err(Error::Malformed {
                format: "answer",
                at: format!("task `{}`", self.name),
                problem: format!("{} log-likelihoods for {} choices", log_likelihoods.len(), choices.len()),
            });
        }
        let gold: usize = self.template.target(record)?.parse().unwrap_or(usize::MAX);
        let value = |metric: &Metric| match metric {
            Metric::AccuracyNorm => {
                let lengths = choices.iter().map(|choice| choice.chars().count() as f64);
                let per_char: Vec<f64> = log_likelihoods.iter().zip(lengths).map(|(ll, n)| ll / n).collect();
                is_gold(&per_char, gold)
            }
            Metric::TrueMass => true_mass(record, log_likelihoods),
            _ => is_gold(log_likelihoods, gold),
        };
        let score = |metric: &Metric| Score {
            metric: metric.name(),
            filter: "none",
            filtered: String::new(),
            value: Some(value(metric)),
        };
        Ok(metrics.iter().map(score).collect())
    }

    /// Scores a text, once a filter, in the harness's order of filters.
    pub fn score_text(&self, record: &Record, answer: &str) -> Result<Vec<Score>, Error> {
        let Output::Text { filters, metric, .. } = &self.output else { return Ok(Vec::new()) };
        let target = self.template.target(record)?;
        let score = |filter: &Filter| {
            let filtered = filter.apply(record, answer);
            let value = match metric {
                Metric::PassAt1 => None,
                _ => Some(f64::from(u8::from(metric.matches(&filtered, &target)))),
            };
            Score { metric: metric.name(), filter: filter.name, filtered, value }
        };
        Ok(filters.iter().map(score).collect())
    }
}

fn is_gold(numbers: &[f64], gold: usize) -> f64 {
    f64::from(u8::from(argmax(numbers) == Some(gold)))
}

/// The probability of the right choices among all.
fn true_mass(record: &Record, log_likelihoods: &[f64]) -> f64 {
    let probabilities: Vec<f64> = log_likelihoods.iter().map(|ll| ll.exp()).collect();
    let sum: f64 = probabilities.iter().sum();
    let labels: &[bool] = match &record.answer {
        Answer::Labels { labels, .. } => labels,
        _ => &[],
    };
    probabilities.iter().zip(labels).filter(|(_, right)| **right).map(|(p, _)| p / sum).sum()
}
