//! Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011), and the uniform numbers that the watermark
//! `philox4x32-10-v1` of vLLM 0.33 draws with it for a context and a token.
//!
//! A site is a context of `width` words, oldest first, and the token that followed it. The context is absorbed four words
//! at a time into a keyed state; state and token give one word. Lanes are 64 bits wide, because that is what the
//! machine's multiplication is; only their lower halves mean something. Limit: 20 rounds a site of two
//! multiplications, two shifts and two three-way XORs, 8 lanes each, are 15 vector instructions a site.

#![expect(
    clippy::inline_always,
    reason = "a body has the instruction set of the function it is inlined into"
)]

use crate::isa::dispatched;
use crate::log::ln;

mod choice;

pub use choice::{gumbel_choice, gumbel_choice_on};

const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u64; 2] = [0x9E37_79B9, 0xBB67_AE85];
const CONTEXT_DOMAIN: u64 = 0x574D_4358;
const TOKEN_DOMAIN: u64 = 0x574D_544B;
const LOW: u64 = u32::MAX as u64;

/// How many sites go side by side.
const LANES: usize = 16;

type Lanes = [u64; LANES];

/// One block of Philox4x32-10.
#[inline]
pub fn block(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    rounds(counter.map(u64::from), key.map(u64::from)).map(|word| word as u32)
}

/// The keyed state of one context.
pub fn context_state(context: &[u32], key: u64) -> [u32; 4] {
    let mut state = [[0; 4]];
    context_states(context, context.len(), key, &mut state);
    state[0]
}

/// The 32 bits that a state gives a token.
pub fn token_word(state: [u32; 4], token: u32, key: u64) -> u32 {
    let counter = [token >> 2, state[0], state[1], state[2]];
    let [low, high] = halves(key);
    block(counter, [low as u32 ^ state[3], (high ^ TOKEN_DOMAIN) as u32])[token as usize & 3]
}

/// The f32 nearest to (⌊word / 2⁸⌋ + 1) / (2²⁴ + 1), between 0 and 1 and never either.
#[inline]
pub fn uniform(word: u32) -> f32 {
    uniform_lane(u64::from(word)) as f32
}

dispatched! {
    /// The keyed states of contexts: rows of `width` words, oldest first, `u32::MAX` where there was no token yet.
    pub fn context_states, context_states_on(contexts: &[u32], width: usize, key: u64, states: &mut [[u32; 4]]) {
        for (index, states) in states.chunks_mut(LANES).enumerate() {
            let rows = &contexts[index * LANES * width..];
            let lanes = absorb(rows, width, key);
            for (lane, state) in states.iter_mut().enumerate() {
                *state = [0, 1, 2, 3].map(|word| lanes[word][lane] as u32);
            }
        }
    }
}

dispatched! {
    /// The word of each state and token.
    pub fn token_words, token_words_on(states: &[[u32; 4]], tokens: &[u32], key: u64, words: &mut [u32]) {
        let chunks = states.chunks(LANES).zip(tokens.chunks(LANES));
        for ((states, tokens), words) in chunks.zip(words.chunks_mut(LANES)) {
            let mut lanes = [[0; LANES]; 4];
            for (lane, state) in states.iter().enumerate() {
                for word in 0..4 {
                    lanes[word][lane] = u64::from(state[word]);
                }
            }
            let drawn = draw(&lanes, tokens, key);
            for (word, drawn) in words.iter_mut().zip(drawn) {
                *word = drawn as u32;
            }
        }
    }
}

dispatched! {
    /// The score -ln(1 - u) of each site, in f64 of the f32 u: exponentially distributed where nothing was marked.
    pub fn gumbel_scores, gumbel_scores_on(
        contexts: &[u32], width: usize, tokens: &[u32], key: u64, scores: &mut [f64],
    ) {
        for (index, (tokens, scores)) in tokens.chunks(LANES).zip(scores.chunks_mut(LANES)).enumerate() {
            let state = absorb(&contexts[index * LANES * width..], width, key);
            let mut lanes = [0.0; LANES];
            for (lane, word) in lanes.iter_mut().zip(draw(&state, tokens, key)) {
                *lane = -ln(1.0 - uniform_lane(word));
            }
            scores.copy_from_slice(&lanes[..scores.len()]);
        }
    }
}

/// The states of the first [`LANES`] rows, or of as many as there are.
#[inline(always)]
fn absorb(rows: &[u32], width: usize, key: u64) -> [Lanes; 4] {
    let [low, high] = halves(key);
    let mut state = start(width);
    for offset in (0..width).step_by(4) {
        let mut words = MISSING.map(|word| [word; LANES]);
        for (lane, row) in rows.chunks_exact(width).take(LANES).enumerate() {
            if let Some(block) = row[offset..].first_chunk::<4>() {
                for word in 0..4 {
                    words[word][lane] = u64::from(block[word]);
                }
            } else {
                for (word, value) in row[offset..].iter().enumerate() {
                    words[word][lane] = u64::from(*value);
                }
            }
        }
        for lane in 0..LANES {
            let counter = [0, 1, 2, 3].map(|word| state[word][lane] ^ words[word][lane]);
            let drawn = rounds(counter, [low ^ offset as u64, high]);
            for word in 0..4 {
                state[word][lane] = drawn[word];
            }
        }
    }
    state
}

/// The words of up to [`LANES`] tokens.
#[inline(always)]
fn draw(state: &[Lanes; 4], tokens: &[u32], key: u64) -> Lanes {
    let [low, high] = halves(key);
    let mut wide = [0; LANES];
    for (wide, token) in wide.iter_mut().zip(tokens) {
        *wide = u64::from(*token);
    }
    let mut drawn = [0; LANES];
    for lane in 0..LANES {
        let counter = [wide[lane] >> 2, state[0][lane], state[1][lane], state[2][lane]];
        let words = rounds(counter, [low ^ state[3][lane], high ^ TOKEN_DOMAIN]);
        let (odd, upper) = (wide[lane] & 1 == 1, wide[lane] & 2 == 2);
        let first = if odd { words[1] } else { words[0] };
        let second = if odd { words[3] } else { words[2] };
        drawn[lane] = if upper { second } else { first };
    }
    drawn
}

/// What stands in the places of a last block that no word of the context fills.
const MISSING: [u64; 4] = [LOW, LOW - 1, LOW - 2, LOW - 3];

#[inline(always)]
fn start(width: usize) -> [Lanes; 4] {
    [[CONTEXT_DOMAIN; LANES], [width as u64; LANES], [0; LANES], [0; LANES]]
}

#[inline(always)]
fn halves(key: u64) -> [u64; 2] {
    [key & LOW, key >> 32]
}

/// The ten rounds. The upper halves of what comes in and goes out are without meaning.
#[inline(always)]
fn rounds(counter: [u64; 4], key: [u64; 2]) -> [u64; 4] {
    let ([mut c0, mut c1, mut c2, mut c3], [mut k0, mut k1]) = (counter, key);
    for _ in 0..10 {
        let (p0, p1) = ((c0 & LOW) * MULTIPLIERS[0], (c2 & LOW) * MULTIPLIERS[1]);
        (c0, c1, c2, c3) = ((p1 >> 32) ^ c1 ^ k0, p1, (p0 >> 32) ^ c3 ^ k1, p0);
        (k0, k1) = (k0.wrapping_add(WEYL[0]), k1.wrapping_add(WEYL[1]));
    }
    [c0, c1, c2, c3]
}

/// [`uniform`], of a word in a lane, as an f64 that an f32 holds.
#[inline(always)]
fn uniform_lane(word: u64) -> f64 {
    /// 2^52: its bits with a small whole number put in are the sum of the two.
    const MAGIC: f64 = 4_503_599_627_370_496.0;
    const STEP: f64 = 1.0 / 16_777_217.0;
    let count = f64::from_bits(MAGIC.to_bits() | ((word & LOW) >> 8)) - (MAGIC - 1.0);
    f64::from((count * STEP) as f32)
}
