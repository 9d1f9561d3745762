//! What one pass learns from: documents laid one after another, and what each row is to predict.

use std::ops::Range;

use super::loss::{Loss, Row, Teacher};
use crate::Error;

/// Packed documents with their targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Tokens of all documents.
    pub tokens: Vec<u32>,
    /// The rows of each document, in order, covering every row.
    pub segments: Vec<Range<usize>>,
    /// How much each row's prediction counts; 0 for prompts that are not to be learned and for the last row of a document.
    pub weights: Vec<f32>,
    /// What the teacher says.
    pub answers: Answers,
}

/// Where the teacher's word on a batch comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Answers {
    /// From nowhere: the text alone is learned.
    #[default]
    None,
    /// The teacher is asked during the step, for logits over the whole vocabulary.
    Asked,
    /// Captured before.
    Top(TopAnswers),
}

/// Captured log-probabilities of the likeliest tokens at every row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopAnswers {
    /// How many tokens a row has room for.
    pub k: usize,
    /// How many of them were captured, one a row, the rest being filler; empty where all were.
    pub known: Vec<usize>,
    /// `k` distinct ids a row.
    pub ids: Vec<u32>,
    /// `k` natural log-probabilities a row.
    pub log_probs: Vec<f32>,
    /// The probability of all other tokens, one a row.
    pub tails: Vec<f32>,
    /// The teacher's log-probability of the token that follows, one a row, where it was captured; else empty.
    pub next_log_probs: Vec<f32>,
}

/// A teacher that gives logits while the student learns, a chunk of rows at a time.
pub trait TeacherHead {
    /// How many logits a row has.
    fn vocab_size(&self) -> usize;

    /// Gets ready for the rows of `batch`, such as by running the teacher's layers over it.
    fn begin(&mut self, batch: &Batch) -> Result<(), Error>;

    /// Writes the logits of some rows of that batch, `vocab_size` floats each.
    fn logits(&mut self, rows: &[usize], out: &mut [f32]) -> Result<(), Error>;
}

impl Batch {
    /// A batch of whole documents whose every token but the first counts alike.
    pub fn of_documents(documents: &[Vec<u32>]) -> Self {
        let mut batch = Self::default();
        for document in documents.iter().filter(|document| !document.is_empty()) {
            let start = batch.tokens.len();
            batch.tokens.extend_from_slice(document);
            batch.weights.resize(batch.tokens.len(), 1.0);
            batch.segments.push(start..batch.tokens.len());
            if let Some(last) = batch.weights.last_mut() {
                *last = 0.0;
            }
        }
        batch
    }

    /// The sum of all rows' weights.
    pub fn total_weight(&self) -> f64 {
        self.weights.iter().map(|&weight| f64::from(weight)).sum()
    }

    /// The token after `row` in its document, for every row.
    pub(super) fn next_tokens(&self) -> Vec<Option<u32>> {
        let mut next = vec![None; self.tokens.len()];
        for segment in &self.segments {
            let following = &self.tokens[segment.clone()][1..];
            for (next, &token) in next[segment.clone()].iter_mut().zip(following) {
                *next = Some(token);
            }
        }
        next
    }

    /// The target of one row.
    pub(super) fn row<'a>(
        &'a self,
        row: usize,
        next: Option<u32>,
        logits: Option<&'a [f32]>,
        scale: f64,
    ) -> Row<'a> {
        let teacher = match (&self.answers, logits) {
            (Answers::Asked, Some(logits)) => Teacher::Logits(logits),
            (Answers::Top(top), _) => top.row(row),
            (Answers::Asked, None) | (Answers::None, _) => Teacher::Silent,
        };
        Row { next, teacher, weight: (f64::from(self.weights[row]) * scale) as f32 }
    }

    /// Checks every index and length against the student's vocabulary and the loss.
    pub fn check(&self, vocab_size: usize, loss: &Loss) -> Result<(), Error> {
        let n = self.tokens.len();
        let covered = self
            .segments
            .iter()
            .try_fold(0, |end, segment| (segment.start == end && segment.end > end).then_some(segment.end));
        expect("rows covered by documents", n, covered.unwrap_or(0))?;
        expect("row weights", n, self.weights.len())?;
        let unknown = self.tokens.iter().filter(|&&token| token as usize >= vocab_size).count();
        expect("token ids outside the student's vocabulary", 0, unknown)?;
        let odd = self.weights.iter().filter(|weight| !(weight.is_finite() && **weight >= 0.0)).count();
        expect("row weights that are negative or not finite", 0, odd)?;
        match &self.answers {
            Answers::Top(top) => top.check(n, loss.shared_vocab),
            Answers::None if loss.terms.iter().any(|term| term.divergence.needs_teacher()) => {
                expect("teacher's answers", n, 0)
            }
            Answers::None | Answers::Asked => Ok(()),
        }
    }
}

impl TopAnswers {
    /// What was captured for one row.
    pub(super) fn row(&self, row: usize) -> Teacher<'_> {
        let known = self.known.get(row).map_or(self.k, |known| *known.min(&self.k));
        if known == 0 {
            return Teacher::Silent;
        }
        let range = row * self.k..row * self.k + known;
        Teacher::Top {
            ids: &self.ids[range.clone()],
            log_probs: &self.log_probs[range],
            tail: self.tails[row],
        }
    }

    fn check(&self, rows: usize, shared_vocab: usize) -> Result<(), Error> {
        expect("captured token ids", rows * self.k, self.ids.len())?;
        expect("captured log-probabilities", rows * self.k, self.log_probs.len())?;
        expect("captured tails", rows, self.tails.len())?;
        if !self.known.is_empty() {
            expect("counts of captured tokens", rows, self.known.len())?;
        }
        if !self.next_log_probs.is_empty() {
            expect("captured log-probabilities of the text", rows, self.next_log_probs.len())?;
        }
        let unknown = self.ids.iter().filter(|&&id| id as usize >= shared_vocab).count();
        expect("captured token ids outside the shared vocabulary", 0, unknown)?;
        let odd = self.log_probs.iter().filter(|log_prob| !log_prob.is_finite()).count()
            + self.tails.iter().filter(|tail| !tail.is_finite()).count();
        expect("captured probabilities that are not finite", 0, odd)?;
        if self.k >= shared_vocab {
            return expect("captured tokens a row, fewer than are shared", shared_vocab - 1, self.k);
        }
        Ok(())
    }
}

fn expect(what: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Mismatch { what, expected: expected.to_string(), found: found.to_string() })
}
