//! Answers of a model, marked or not.

use stillmark_model::generate::{Answer, Recorded, Request, Settings, generate_all};
use stillmark_model::mark::{Mark, MarkState, Place};
use stillmark_model::sample::{Sampling, draw, warped};
use stillmark_model::{Decoder, Error};
use stillmark_watermark::generate::{Chosen, Marker, Marking};

/// A key at work in a model's generation.
#[derive(Debug)]
pub struct Marked(pub Marking);

struct State<'m> {
    marker: Marker<'m>,
    scores: Vec<f32>,
}

impl Mark for Marked {
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

/// Answers to prompts at temperature 1, up to so many tokens each, in the order of the prompts.
pub fn answers(
    decoder: &Decoder,
    prompts: &[Vec<u32>],
    max_tokens: usize,
    seed: u64,
    mark: Option<&dyn Mark>,
) -> Result<Vec<Answer>, Error> {
    let requests = prompts.iter().enumerate();
    let mut requests =
        requests.map(|(id, prompt)| Request { id: id as u64, prompt: prompt.clone(), max_tokens, seed });
    let sampling = Sampling { temperature: 1.0, top_k: None, top_p: None, min_p: None };
    let stop = decoder.config().eos.clone();
    let settings = Settings { sampling, rows: 32, stop, recorded: Recorded::Nothing };
    generate_all(decoder, &mut requests, &settings, mark)
}
