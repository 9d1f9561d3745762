//! Looks on while answers grow: the entropy before each token, and some of the rows of logits.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use stillmark_kernels::softmax::{exp, max};
use stillmark_model::mark::{Mark, MarkState, Place};
use stillmark_model::sample::uniform;

/// A mark, or none, with what was seen beside it.
pub(crate) struct Observed<'a> {
    mark: Option<&'a dyn Mark>,
    /// The share of rows that are kept.
    share: f64,
    seen: Mutex<Seen>,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// The entropy in nats before each token of an answer, by the answer's number.
    pub(crate) entropies: BTreeMap<u64, Vec<f32>>,
    /// The likeliest tokens with their logits, by answer and position.
    pub(crate) rows: BTreeMap<(u64, usize), (Vec<u32>, Vec<f32>)>,
}

/// Tokens of a row that are kept.
const KEPT: usize = 1024;

struct State<'a> {
    id: u64,
    mark: Option<Box<dyn MarkState + 'a>>,
    share: f64,
    seen: &'a Mutex<Seen>,
}

impl<'a> Observed<'a> {
    pub(crate) fn new(mark: Option<&'a dyn Mark>, share: f64) -> Self {
        Self { mark, share, seen: Mutex::default() }
    }

    pub(crate) fn seen(self) -> Seen {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mark for Observed<'_> {
    fn start(&self, id: u64) -> Box<dyn MarkState + '_> {
        let mark = self.mark.map(|mark| mark.start(id));
        Box::new(State { id, mark, share: self.share, seen: &self.seen })
    }
}

impl MarkState for State<'_> {
    fn choose(&mut self, place: &Place<'_>, logits: &mut [f32]) -> Option<u32> {
        let position = place.answer().len();
        let entropy = entropy(logits);
        let kept = uniform(20_261_127, self.id, position as u64) < self.share;
        let row = kept.then(|| likeliest(logits));
        if let Ok(mut seen) = self.seen.lock() {
            seen.entropies.entry(self.id).or_default().push(entropy);
            seen.rows.extend(row.map(|row| ((self.id, position), row)));
        }
        self.mark.as_mut().and_then(|mark| mark.choose(place, logits))
    }
}

fn likeliest(logits: &[f32]) -> (Vec<u32>, Vec<f32>) {
    let mut tokens: Vec<u32> = (0..logits.len() as u32).collect();
    let most_first = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]);
    if KEPT < tokens.len() {
        tokens.select_nth_unstable_by(KEPT, most_first);
        tokens.truncate(KEPT);
    }
    tokens.sort_unstable();
    let kept = tokens.iter().map(|token| logits[*token as usize]).collect();
    (tokens, kept)
}

/// The entropy of the softmax of logits: H = ln Σ e^z − Σ z e^z / Σ e^z, z the distance from the greatest.
fn entropy(logits: &[f32]) -> f32 {
    let best = max(logits);
    let (mut sum, mut slope) = (0.0, 0.0);
    for part in logits.chunks(1024) {
        let (mut of_part, mut slope_of_part) = (0.0_f32, 0.0_f32);
        for logit in part {
            let z = (logit - best).max(-80.0);
            let weight = exp(z);
            of_part += weight;
            slope_of_part += z * weight;
        }
        sum += f64::from(of_part);
        slope += f64::from(slope_of_part);
    }
    (sum.ln() - slope / sum).max(0.0) as f32
}
