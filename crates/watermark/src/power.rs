//! How many tokens does a mark need?
//!
//! The mean, variance and skewness of a marked token's score follow from the entropy of the model's next-token distribution
//! (taken as Zipf's over the vocabulary); the null side is exact ([`stillmark_stats::sample_size`]).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use stillmark_stats::planner::{self, Moments};
use stillmark_stats::sample_size::{self, NullSum};
use stillmark_stats::vocabulary::Vocabulary;
use stillmark_stats::{PValue, tail};

use crate::scheme::best_of_n::BestOfN;
use crate::scheme::green::GreenList;
use crate::scheme::{Null, Scheme};

/// The vocabulary that is planned for where the scheme names none.
const VOCABULARY: usize = 49_152;

/// A scheme at one entropy: what its scores are with and without a mark.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    marked: Moments,
    null: NullSum,
}

/// Prepares to plan with a scheme for text whose next tokens have so many nats of entropy. None where the vocabulary cannot
/// have that entropy.
pub fn plan(scheme: &dyn Scheme, entropy: f64) -> Option<Planned> {
    let any = scheme.as_any();
    if let Some(best_of_n) = any.downcast_ref::<BestOfN>() {
        let gain = greatest_of(best_of_n.n) / (best_of_n.segment as f64).sqrt();
        let marked = Moments { mean: 1.0 + gain, variance: 1.0, skewness: 2.0 };
        return Some(Planned { marked, null: NullSum::Gamma });
    }
    let green = any.downcast_ref::<GreenList>();
    let tokens = green.map_or(VOCABULARY, |green| green.vocab_size as usize);
    let vocabulary = Vocabulary::zipf(tokens, entropy)?;
    Some(match scheme.null() {
        Null::Exponential => Planned { marked: planner::gumbel(&vocabulary), null: NullSum::Gamma },
        Null::Fused { alpha } => {
            let variance = alpha * alpha + (1.0 - alpha) * (1.0 - alpha);
            let marked = planner::dual_gumbel(&vocabulary, alpha);
            Planned { marked, null: NullSum::Weighted { variance } }
        }
        Null::Green { gamma } => {
            let delta = green.map_or(2.0, |green| f64::from(green.bias));
            Planned {
                marked: planner::green_list(&vocabulary, gamma, delta),
                null: NullSum::Binomial { gamma },
            }
        }
        Null::Bits { weights } => {
            Planned { marked: tournament(entropy, &weights)?, null: NullSum::Bits { weights } }
        }
    })
}

impl Planned {
    /// The least number of scored tokens (words, for `best-of-n`) with which a mark reaches a level with that power.
    pub fn tokens(&self, level: f64, power: f64) -> Option<u64> {
        sample_size::tokens_needed(self.marked, &self.null, PValue::new(level), power)
    }

    /// The chance that so many scored tokens reach a level.
    pub fn at(&self, tokens: u64, level: f64) -> f64 {
        sample_size::power_at(tokens, self.marked, &self.null, PValue::new(level))
    }

    /// The mean score of a marked token.
    pub fn mean(&self) -> f64 {
        self.marked.mean
    }
}

/// The moments of a tournament's scores; they are simulated, which takes half a second, so that some are remembered.
fn tournament(entropy: f64, weights: &[f64]) -> Option<Moments> {
    const REMEMBERED: usize = 64;
    static KNOWN: Mutex<BTreeMap<Vec<u64>, Option<Moments>>> = Mutex::new(BTreeMap::new());
    let numbers = std::iter::once(&entropy).chain(weights);
    let asked: Vec<u64> = numbers.map(|number| number.to_bits()).collect();
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(moments) = known().get(&asked) {
        return *moments;
    }
    let moments = planner::synthid(entropy, weights);
    let mut known = known();
    if known.len() < REMEMBERED {
        known.insert(asked, moments);
    }
    moments
}

/// The mean of the greatest of n standard normal variables, by Simpson's rule.
fn greatest_of(n: usize) -> f64 {
    const STEPS: usize = 400;
    const FROM: f64 = -8.0;
    let step = 2.0 * -FROM / STEPS as f64;
    let value = |x: f64| {
        let below = 1.0 - tail::normal(x).value();
        let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        x * n as f64 * density * below.powi(n as i32 - 1)
    };
    let weight = |idx: usize| match idx {
        0 | STEPS => 1.0,
        idx if idx % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=STEPS).map(|idx| weight(idx) * value(FROM + idx as f64 * step)).sum::<f64>() * step / 3.0
}
