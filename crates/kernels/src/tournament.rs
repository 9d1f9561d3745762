//! The two-leaf tournament of `SynthID`-Text (Dathathri et al., Nature 2024, methods) over a whole vocabulary, in the form
//! that transformers computes: in each layer, p ← p (1 + g - Σ g p).
//!
//! In that form the g values of a token are the bits of one word of a table, read from an offset that the context gives:
//! tokens whose numbers are equal modulo the table's length share them all. So the layers run over at most as many
//! places as the table has, on the summed probabilities of such tokens, and each token gets its place's factor at the end.
//! Limit: a pass a layer, which applies it and sums for the next, and reads 8 and writes 4 bytes a place in level 2 of the
//! cache.

#![expect(
    clippy::inline_always,
    reason = "a body has the instruction set of the function it is inlined into"
)]

use crate::isa::dispatched;
use crate::log::ln_f32;
use crate::softmax::{LANES, exp, fold, max, scale};

/// Places that are worked on together: two registers of AVX-512, so that the sums' additions overlap.
const WIDE: usize = 32;

/// Places whose sum is kept in f32 before it goes to f64: beside one great mass, small ones are lost in few places only.
const BLOCK: usize = 2048;

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

/// Each pass applies one layer and sums for the next, with the roundings of 1 + g - Σ g p in f32 that transformers' has.
#[inline(always)]
fn run(mass: &mut [f32], bits: &[u32], depth: u32) {
    let mut factors = [1.0; 2];
    for layer in 0..=depth {
        let bit = |layer: u32| 1_u32.checked_shl(layer).unwrap_or(0);
        let sum = pass(mass, bits, [bit(layer.wrapping_sub(1)), bit(layer)], factors);
        factors = [1.0 - sum, 2.0 - sum];
    }
}

/// Multiplies the masses by the factors of g = 0 and 1 at the first mask; returns the sum of those with a bit of the second.
#[inline(always)]
fn pass(mass: &mut [f32], bits: &[u32], [before, now]: [u32; 2], factors: [f32; 2]) -> f32 {
    let mut total = 0.0_f64;
    for (mass, bits) in mass.chunks_mut(BLOCK).zip(bits.chunks(BLOCK)) {
        let mut sums = [0.0; WIDE];
        for (mass, bits) in mass.as_chunks_mut::<WIDE>().0.iter_mut().zip(bits.as_chunks::<WIDE>().0) {
            for lane in 0..WIDE {
                let factor = if bits[lane] & before == 0 { factors[0] } else { factors[1] };
                mass[lane] *= factor;
                sums[lane] += if bits[lane] & now == 0 { 0.0 } else { mass[lane] };
            }
        }
        for sum in sums {
            total += f64::from(sum);
        }
    }
    total as f32
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
