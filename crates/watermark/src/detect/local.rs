//! Where in a text is the mark?

use std::ops::Range;

use stillmark_evidence::watermark::{Stretch, TextResult};
use stillmark_stats::{decoys, scan};

use super::{fraction, tails};
use crate::scheme::Null;
use crate::sites::Sites;

/// The shortest window that is looked at, in sites.
const LEAST: usize = 32;

/// How clear the clearest stretch is: the negative logarithm of its corrected p-value, 0 where there is none.
pub(super) fn strength(null: &Null, scores: &[f64]) -> f64 {
    best(null, scores).map_or(0.0, |stretch| -stretch.p.ln())
}

/// Adds the clearest stretch of a text, ranked among those of the decoys.
pub(super) fn add(
    result: &mut TextResult,
    null: &Null,
    sites: &Sites,
    range: Range<usize>,
    scores: &[f64],
    decoys: &[f64],
) {
    let Some(found) = best(null, &scores[range.clone()]) else { return };
    let positions = &sites.positions[range];
    let rank = (!decoys.is_empty()).then(|| fraction(decoys::rank_p(-found.p.ln(), decoys), decoys.len()));
    result.stretch = Some(Stretch {
        from: u64::from(positions[found.from]),
        to: u64::from(positions[found.to - 1]) + 1,
        ln_p: found.p.ln().max(f64::MIN),
        decoy_p: rank,
    });
}

fn best(null: &Null, scores: &[f64]) -> Option<scan::Stretch> {
    match null {
        Null::Exponential => scan::best_window(scores, scan::Null::Gamma, LEAST),
        Null::Fused { alpha } => scan::best_window(scores, scan::Null::Fused { alpha: *alpha }, LEAST),
        Null::Green { gamma } => scan::best_window(scores, scan::Null::Bernoulli { gamma: *gamma }, LEAST),
        Null::Bits { weights } => {
            let variance = tails::variance(weights);
            scan::best_window(scores, scan::Null::Normal { mean: 0.5, variance }, LEAST)
        }
    }
}
