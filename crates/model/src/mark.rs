//! Watermarks that are put into answers while these grow.
//!
//! One method serves every kind of mark, since whoever chooses sees the logits before anything was done to them:
//!
//! - A bias (Kirchenbauer et al. 2023, arXiv:2301.10226) is added to the logits, and the choice is left to the sampler, be it greedy or not.
//! - A Gumbel mark (Aaronson 2022) takes [`warped`](crate::sample::warped) scores and returns the token of the greatest
//!   `score - ln(-ln u)`, or leaves the choice to the sampler where a context repeats.
//! - `SynthID` in transformers' form changes warped scores and returns what [`draw`](crate::sample::draw) takes from them.

use crate::sample::Sampling;

/// A watermark, which may mark any number of answers at the same time.
pub trait Mark {
    /// Begins with the answer to request `id`.
    fn start(&self, id: u64) -> Box<dyn MarkState + '_>;
}

/// A watermark at work on one answer, with what it remembers of it.
///
/// Answers share nothing, so a mark does not make one depend on its neighbors, and rows are marked in parallel.
pub trait MarkState: Send {
    /// Chooses the next token; `None` leaves the choice to the sampler, by the logits as they then are.
    ///
    /// `logits` are the model's own when the call begins. They are a copy: log-probabilities that are reported are those
    /// of the unchanged ones.
    fn choose(&mut self, place: &Place<'_>, logits: &mut [f32]) -> Option<u32>;
}

/// Where a token is to be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Prompt and answer so far.
    pub context: &'a [u32],
    /// How many of these are the prompt.
    pub prompt_len: usize,
    /// How tokens are chosen.
    pub sampling: &'a Sampling,
    /// The uniform number in `[0, 1)` that the sampler decides by.
    pub u: f64,
}

impl<'a> Place<'a> {
    /// The tokens that are continued.
    ///
    /// # Panics
    /// When `prompt_len` reaches past the context.
    pub fn prompt(&self) -> &'a [u32] {
        &self.context[..self.prompt_len]
    }

    /// The answer so far.
    ///
    /// # Panics
    /// When `prompt_len` reaches past the context.
    pub fn answer(&self) -> &'a [u32] {
        &self.context[self.prompt_len..]
    }
}
