//! The distillation dataset: token ids with the teacher's log-probabilities, in Parquet (docs/spec/records.md).

mod columns;
mod content;
mod exchange;
mod meta;
mod read;
mod recount;
mod write;

pub use content::content_digest;
pub use exchange::{import_distillkit, write_distillkit, write_prompt_response};
pub use meta::{Meta, SourceMeta};
pub use read::Shard;
pub use recount::Recount;
pub use write::{Written, write};

/// One text with what the teacher thinks of each of its positions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Its name: unique in the dataset.
    pub id: String,
    /// The source in the plan that it comes from.
    pub source: String,
    /// How many of the first tokens are the prompt, which is not learned.
    pub prompt_len: usize,
    /// The tokens.
    pub input_ids: Vec<u32>,
    /// The teacher's likeliest next tokens after each position.
    pub top: TopLogprobs,
    /// The logarithm of the probability of all tokens that are not in `top`, at each position.
    pub tail_logmass: Vec<f32>,
    /// The answer, or the text, before it was cut into tokens.
    pub text: Option<String>,
    /// The provider's receipt for the answer.
    pub receipt: Option<String>,
}

/// For each position some token ids with their log-probabilities, likeliest first.
#[derive(Clone, Debug, PartialEq)]
pub struct TopLogprobs {
    ends: Vec<usize>,
    ids: Vec<u32>,
    values: Vec<f32>,
}

impl Default for TopLogprobs {
    fn default() -> Self {
        Self { ends: vec![0], ids: Vec::new(), values: Vec::new() }
    }
}

impl TopLogprobs {
    /// Holds no position yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a position; none of its tokens where nothing was recorded.
    pub fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>) {
        for (id, value) in row {
            self.ids.push(id);
            self.values.push(value);
        }
        self.ends.push(self.ids.len());
    }

    /// How many positions there are.
    pub fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tokens at `position` with their log-probabilities; empty beyond the end.
    pub fn at(&self, position: usize) -> (&[u32], &[f32]) {
        let (Some(&start), Some(&end)) = (self.ends.get(position), self.ends.get(position + 1)) else {
            return (&[], &[]);
        };
        (&self.ids[start..end], &self.values[start..end])
    }

    /// Every position in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], &[f32])> {
        (0..self.len()).map(|position| self.at(position))
    }
}

impl Record {
    /// What is wrong with the record, if anything: lengths, ids beyond the vocabulary, values that are no log-probabilities.
    pub fn flaw(&self, vocab_size: usize) -> Option<String> {
        let n = self.input_ids.len();
        if n == 0 {
            return Some("holds no tokens".to_owned());
        }
        if self.prompt_len > n || self.top.len() != n || self.tail_logmass.len() != n {
            let (prompt, top, tail) = (self.prompt_len, self.top.len(), self.tail_logmass.len());
            return Some(format!("{n} tokens, but a prompt of {prompt}, {top} top rows, {tail} tail masses"));
        }
        let ids = self.input_ids.iter().chain(&self.top.ids);
        if let Some(id) = ids.into_iter().find(|id| **id as usize >= vocab_size) {
            return Some(format!("token {id} is beyond the vocabulary of {vocab_size}"));
        }
        // A little above zero is rounding: the logarithm of a sum of rounded exponentials.
        let sound = |value: &f32| *value <= 1e-3;
        let tails = self.tail_logmass.iter().all(sound);
        if !tails || !self.top.values.iter().all(|value| sound(value) && value.is_finite()) {
            return Some("a log-probability is positive or not a number".to_owned());
        }
        let sorted = self.top.iter().all(|(_, values)| values.is_sorted_by(|a, b| a >= b));
        (!sorted).then(|| "log-probabilities are not sorted".to_owned())
    }
}
