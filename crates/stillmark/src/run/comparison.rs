//! `comparison.json`: what quickstart measured beside the run itself. It is no evidence and is not signed.

use serde::{Deserialize, Serialize};
use stillmark_distill::metrics::EvaluationRecord;

/// The file's name in the run folder.
pub(crate) const FILE: &str = "comparison.json";
/// Its schema.
pub(crate) const SCHEMA: &str = "stillmark/comparison/v1";

/// Students side by side on the same held-out text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// [`SCHEMA`].
    pub(crate) schema: String,
    /// The teacher's perplexity of the held-out text.
    pub(crate) teacher_perplexity: Option<f64>,
    /// One student each.
    pub(crate) rows: Vec<Row>,
    /// Answers to the same prompts.
    pub(crate) samples: Vec<Sample>,
}

/// One student's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// Which student.
    pub(crate) model: String,
    /// Perplexity of the held-out text.
    pub(crate) perplexity: Option<f64>,
    /// Share of positions where its likeliest token is the teacher's.
    pub(crate) agreement: Option<f64>,
    /// KL(teacher || student), nats.
    pub(crate) kl: Option<f64>,
}

/// Answers to one prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// The prompt.
    pub(crate) prompt: String,
    /// Who answered what.
    pub(crate) answers: Vec<(String, String)>,
}

impl Row {
    /// The figures of an evaluation.
    pub(crate) fn of(model: &str, found: &EvaluationRecord) -> Self {
        let EvaluationRecord { perplexity, agreement, kl, .. } = *found;
        Self { model: model.to_owned(), perplexity, agreement, kl }
    }
}
