//! Knuth's MMIX generator as a hash of tokens: what `SynthID` takes for one.

/// The multiplier.
pub(crate) const MULTIPLIER: i64 = 6_364_136_223_846_793_005;

/// The hash before the first token in transformers' form.
pub(crate) const START: i64 = 1;

/// One step of the references' hash.
pub(crate) fn step(hash: i64, x: i64) -> i64 {
    hash.wrapping_add(x).wrapping_mul(MULTIPLIER).wrapping_add(1)
}

/// The sum of hash and token, whose lower bits lead to a place of the table in transformers' form: Horner's rule for a polynomial
/// in the multiplier.
#[inline]
pub(crate) fn place(window: &[u32], token: u32) -> u32 {
    let step =
        |hash: u32, token: &u32| hash.wrapping_add(*token).wrapping_mul(MULTIPLIER as u32).wrapping_add(1);
    window.iter().fold(START as u32, step).wrapping_add(token)
}
