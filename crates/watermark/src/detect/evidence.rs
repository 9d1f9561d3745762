//! E-values: evidence that may be looked at at any time, with or without a model's probabilities.

use std::ops::Range;

use stillmark_evidence::watermark::TextResult;
use stillmark_stats::e_process::{
    EProcess, GreenBetting, GumbelMixture, LayeredBetting, Layers, LikelihoodRatio,
};

use super::set_e_value;
use crate::scheme::synthid::SynthId;
use crate::scheme::{Null, Scheme};
use crate::sites::Sites;

/// What a model says of a text's tokens.
#[derive(Debug, Clone, Copy)]
pub struct Likelihoods<'a> {
    /// The natural logarithm of the probability of each token of the text, prompt included (those are not looked at).
    pub ln_q: &'a [f32],
    /// The share of marked tokens that may have been replaced by others.
    pub foreign: f64,
}

/// Adds the e-value of a text: by the likelihood ratio where a model was asked and the scheme has one, else of the key alone.
pub(super) fn add(
    result: &mut TextResult,
    scheme: &dyn Scheme,
    sites: &Sites,
    range: Range<usize>,
    scores: &[f64],
    likelihoods: Option<Likelihoods<'_>>,
) {
    if range.is_empty() {
        return;
    }
    let own = &scores[range.clone()];
    let ln_e = match (scheme.null(), likelihoods) {
        (Null::Exponential, Some(likelihoods)) => likelihood_ratio(own, &sites.positions[range], likelihoods),
        (Null::Exponential, None) => pushed(GumbelMixture::new(), own, GumbelMixture::push),
        (Null::Fused { alpha }, _) => pushed(GumbelMixture::fused(alpha), own, GumbelMixture::push),
        (Null::Green { gamma }, _) => {
            // What is between red and green tells nothing.
            let told: Vec<f64> = own.iter().copied().filter(|score| score.fract() == 0.0).collect();
            pushed(GreenBetting::new(gamma), &told, |process, score| process.push(score as u8))
        }
        (Null::Bits { .. }, _) => {
            let Some(synthid) = scheme.as_any().downcast_ref::<SynthId>() else { return };
            let mut process = LayeredBetting::falling(Layers::Independent, synthid.depth);
            for bits in synthid.site_bits(sites.slice(range)) {
                process.push(bits);
            }
            process.ln_value()
        }
    };
    set_e_value(result, ln_e);
}

fn pushed<P: EProcess>(mut process: P, scores: &[f64], push: fn(&mut P, f64)) -> f64 {
    for score in scores {
        push(&mut process, *score);
    }
    process.ln_value()
}

/// The product of (1/q) u^(1/q − 1) over the sites; the score is −ln(1 − u).
pub(super) fn likelihood_ratio(scores: &[f64], positions: &[u32], likelihoods: Likelihoods<'_>) -> f64 {
    let mut process = LikelihoodRatio::with_foreign(likelihoods.foreign);
    for (score, position) in scores.iter().zip(positions) {
        let Some(ln_q) = likelihoods.ln_q.get(*position as usize) else { continue };
        process.push_complement((-score).exp(), f64::from(*ln_q).exp());
    }
    process.ln_value()
}
