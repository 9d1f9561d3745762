//! The two-leaf tournament of `SynthID`-Text (Dathathri et al., Nature 2024, methods) over a whole vocabulary, in the form
//! that transformers computes: in each layer, p ← p (1 + g - Σ g p).
//!
//! In that form the g values of a token are the bits of one word of a table, read from an offset that the context gives:
//! tokens whose numbers are equal modulo the table's length share them all. So the layers run over at most as many
//! places as the table has, on the summed probabilities of such tokens, and each token gets its place's factor at the end.
//! Two layers take one pass: the masses' sums by both g values tell both layers' factors.
//! Limit: fifteen passes for thirty layers, each reading 8 and writing 4 bytes a place in level 2 of the cache.

#![expect(
    clippy::inline_always,
    reason = "a body has the instruction set of the function it is inlined into"
)]

use crate::isa::dispatched;
use crate::log::ln_f32;
use crate::softmax::{LANES, exp, fold, max, scale};

/// Places that are worked on together: two registers of AVX-512, so that the sums' additions overlap.
const WIDE: usize = 32;

/// What two layers multiply a probability by: `[layer][g]`.
type Factors = [[f32; 2]; 2];

dispatched! {
    /// Runs `depth` layers (at most 32) on probabilities. Bit l of `g[(offset + t) mod g.len()]` is token t's g of layer l.
    ///
    /// With an empty table, nothing is done.
    pub fn two_leaf, two_leaf_on(probabilities: &mut [f32], g: &[u32], offset: usize, depth: u32) {
        let places = probabilities.len().min(g.len());
        if places == 0 {
            return;
        }
        let (later, sooner) = g.split_at(offset % g.len());
        // Whole lanes: places beyond the last have no mass.
        let padded = places.next_multiple_of(WIDE);
        let mut bits: Vec<u32> = Vec::with_capacity(padded);
        bits.extend_from_slice(&sooner[..places.min(sooner.len())]);
        bits.extend_from_slice(&later[..places - bits.len()]);
        bits.resize(padded, 0);
        let mut before: Vec<f32> = Vec::with_capacity(padded);
        let (first, twins) = probabilities.split_at(places);
        before.extend_from_slice(first);
        before.resize(padded, 0.0);
        for twins in twins.chunks(places) {
            add(&mut before, twins);
        }
        let mut after = before.clone();
        run(&mut after, &bits, depth.min(32));
        divide(&mut after, &before);
        for part in probabilities.chunks_mut(places) {
            multiply(part, &after);
        }
    }
}

/// Replaces logits by the logarithms of their softmax after [`two_leaf`]; what is not finite becomes the least finite f32.
pub fn scores(logits: &mut [f32], g: &[u32], offset: usize, depth: u32) {
    let highest = max(logits);
    let sum = powers(logits, highest);
    scale(logits, 1.0 / sum);
    two_leaf(logits, g, offset, depth);
    logarithms(logits);
}

dispatched! {
    /// Replaces logits by e^(logit - highest), subnormal ones too, which [`exp`] leaves out, and returns their sum.
    fn powers(logits: &mut [f32], highest: f32) -> f32 {
        /// 2^60 and its logarithm: what low ones are raised by, and lowered again.
        const UP: f32 = 1_152_921_504_606_846_976.0;
        const RISE: f32 = 60.0 * std::f32::consts::LN_2;
        let mut sums = [0.0; LANES];
        for part in logits.chunks_mut(LANES) {
            for (logit, sum) in part.iter_mut().zip(&mut sums) {
                let power = *logit - highest;
                let low = power < -80.0;
                *logit = exp(if low { power + RISE } else { power }) * if low { 1.0 / UP } else { 1.0 };
                *sum += *logit;
            }
        }
        fold(sums)
    }
}

dispatched! {
    /// Replaces each probability by its logarithm, or by the least finite f32 where that is not finite.
    pub fn logarithms, logarithms_on(probabilities: &mut [f32]) {
        const UP: f32 = 18_446_744_073_709_551_616.0;
        const DOWN: f32 = 64.0 * std::f32::consts::LN_2;
        for p in probabilities {
            let tiny = *p < f32::MIN_POSITIVE;
            let log = ln_f32(if tiny { *p * UP } else { *p }) - if tiny { DOWN } else { 0.0 };
            *p = if *p > 0.0 && *p < f32::INFINITY { log } else { f32::MIN };
        }
    }
}

#[inline(always)]
fn run(mass: &mut [f32], bits: &[u32], depth: u32) {
    let mut factors = [[1.0; 2]; 2];
    for layer in (0..depth).step_by(2) {
        let mut sums = pass(mass, bits, layer, factors);
        // Written as the share of what has g = 0, the factor 1 - Σ g p keeps its digits where it is small.
        let first = share(sums[0][0] + sums[0][1], sums[1][0] + sums[1][1]);
        sums = [sums[0].map(|sum| sum * first), sums[1].map(|sum| sum * (1.0 + first))];
        let second = share(sums[0][0] + sums[1][0], sums[0][1] + sums[1][1]);
        factors = [[first, 1.0 + first], [second, 1.0 + second]];
    }
    // The last layers' factors are still to be applied; one of them if the depth is odd.
    if depth % 2 == 1 {
        factors[1] = [1.0; 2];
    }
    pass(mass, bits, depth.next_multiple_of(2), factors);
}

fn share(part: f32, rest: f32) -> f32 {
    if part + rest > 0.0 { part / (part + rest) } else { 1.0 }
}

/// Multiplies the masses by the factors of the two layers before `layer`; returns the sums of the masses by their g of
/// `layer` and of the next: `[g][next g]`.
#[inline(always)]
fn pass(mass: &mut [f32], bits: &[u32], layer: u32, factors: Factors) -> Factors {
    let bit = |layer: u32| 1_u32.checked_shl(layer).unwrap_or(0);
    let before = [bit(layer.wrapping_sub(2)), bit(layer.wrapping_sub(1))];
    let now = [bit(layer), bit(layer + 1)];
    let mut sums = [[0.0; WIDE]; 4];
    for (mass, bits) in mass.as_chunks_mut::<WIDE>().0.iter_mut().zip(bits.as_chunks::<WIDE>().0) {
        for lane in 0..WIDE {
            let bits = bits[lane];
            let one = if bits & before[0] == 0 { factors[0][0] } else { factors[0][1] };
            let other = if bits & before[1] == 0 { factors[1][0] } else { factors[1][1] };
            let m = mass[lane] * (one * other);
            mass[lane] = m;
            let (without, with) = if bits & now[0] == 0 { (m, 0.0) } else { (0.0, m) };
            let next = bits & now[1] == 0;
            sums[0][lane] += if next { without } else { 0.0 };
            sums[1][lane] += if next { 0.0 } else { without };
            sums[2][lane] += if next { with } else { 0.0 };
            sums[3][lane] += if next { 0.0 } else { with };
        }
    }
    let [a, b, c, d] = sums.map(|sums| sums.iter().sum());
    [[a, b], [c, d]]
}

#[inline(always)]
fn add(to: &mut [f32], more: &[f32]) {
    for (to, more) in to.iter_mut().zip(more) {
        *to += more;
    }
}

/// Replaces masses by their share of what they were; where nothing was, it does not matter.
#[inline(always)]
fn divide(after: &mut [f32], before: &[f32]) {
    for (after, before) in after.iter_mut().zip(before) {
        *after = if *before > 0.0 { *after / before } else { 0.0 };
    }
}

#[inline(always)]
fn multiply(values: &mut [f32], factors: &[f32]) {
    for (value, factor) in values.iter_mut().zip(factors) {
        *value *= factor;
    }
}
