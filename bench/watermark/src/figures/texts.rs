//! Tokens and logits that need no model.

use stillmark_watermark::Text;

/// 32 bits a draw, of Knuth's MMIX generator.
pub(super) fn words(count: usize) -> Vec<u32> {
    let mut state = 0x0123_4567_89AB_CDEF_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 32) as u32
    };
    (0..count).map(|_| next()).collect()
}

/// Tokens that are equally likely.
pub(super) fn tokens(count: usize, vocabulary: usize) -> Vec<u32> {
    words(count).into_iter().map(|word| ((u64::from(word) * vocabulary as u64) >> 32) as u32).collect()
}

/// Logits that are nearly normal with deviation 1, as the peers': twelve uniform numbers less six.
pub(super) fn logits(count: usize) -> Vec<f32> {
    let unit = |word: &u32| *word as f32 / u32::MAX as f32;
    words(12 * count).chunks(12).map(|words| words.iter().map(unit).sum::<f32>() - 6.0).collect()
}

/// Tokens as texts of one length, without prompts.
pub(super) fn texts(tokens: &[u32], length: usize) -> Vec<Text<'_>> {
    tokens.chunks(length).map(|tokens| Text { tokens, prompt_len: 0 }).collect()
}
