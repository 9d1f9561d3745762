//! A watermark key at work in a model's generation.

use stillmark_model::mark::{Mark, MarkState, Place};
use stillmark_model::sample::{draw, warped};
use stillmark_watermark::generate::{Chosen, Marker, Marking};

/// A key that marks what a model answers.
#[derive(Debug)]
pub(crate) struct Marks(pub(crate) Marking);

struct State<'m> {
    marker: Marker<'m>,
    scores: Vec<f32>,
}

impl Mark for Marks {
    fn start(&self, _: u64) -> Box<dyn MarkState + '_> {
        Box::new(State { marker: self.0.start(), scores: Vec::new() })
    }
}

impl MarkState for State<'_> {
    fn choose(&mut self, place: &Place<'_>, logits: &mut [f32]) -> Option<u32> {
        self.marker.bias(place.context, logits);
        if !self.marker.chooses() {
            return None;
        }
        warped(place.sampling, logits, &mut self.scores);
        match self.marker.choose(place.answer(), &mut self.scores, place.u) {
            Chosen::Token(token) => Some(token),
            Chosen::Changed => draw(&self.scores, place.u),
            Chosen::Ordinary => None,
        }
    }
}
