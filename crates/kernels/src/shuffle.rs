//! The head of a Fisher-Yates permutation, and whether a token is in it, found without building it.
//!
//! For i = 0, 1, …, places i and i + word mod (n - i) of 0, 1, …, n - 1 are swapped; after k draws the first k places are final.
//! Limit: two stores a draw. Where few tokens are asked about, each is followed instead: a draw that hits its place
//! brings it to place i for good, and the draw that comes from its place takes it to the place that was drawn. Limit: what
//! the draws and their remainders cost, one multiplication each; the rest is comparisons.

#![expect(
    clippy::inline_always,
    reason = "a body has the instruction set of the function it is inlined into"
)]

use crate::isa::dispatched;

/// Draws whose targets are worked out together.
const BLOCK: usize = 512;

/// Words in the state of the Mersenne Twister.
const STATE: usize = 624;
const MIDDLE: usize = 397;

/// How many generators go side by side.
const LANES: usize = 16;

dispatched! {
    /// Replaces `entries` by the first `words.len()` entries of the permutation of 0 … n - 1 (n below 2³¹) that the words draw.
    pub fn head, head_on(words: &[u32], n: usize, entries: &mut Vec<u32>) {
        entries.clear();
        entries.extend(0..n as u32);
        let words = &words[..words.len().min(n)];
        let mut targets = [0; BLOCK];
        for (block, words) in words.chunks(BLOCK).enumerate() {
            let first = block * BLOCK;
            for (i, (target, word)) in targets.iter_mut().zip(words).enumerate() {
                let divisor = (n - first - i) as u32;
                *target = (first + i) as u32 + remainder(*word, divisor, 1.0 / f64::from(divisor));
            }
            for (i, target) in targets[..words.len()].iter().enumerate() {
                entries.swap(first + i, *target as usize);
            }
        }
        entries.truncate(words.len());
    }
}

dispatched! {
    /// Tells for each token whether it is among the first k entries of its own permutation of 0 … n - 1 (n below 2³¹): that of a
    /// Mersenne Twister started from the seed beside it, as `torch.manual_seed(seed); torch.randperm(n)[:k]` has it on the CPU.
    ///
    /// Sixteen generators go side by side, so that their states and the divisors are shared work.
    pub fn in_heads, in_heads_on(seeds: &[u32], n: usize, k: usize, tokens: &[u32], inside: &mut [bool]) {
        let mut state = vec![[0; LANES]; STATE];
        let pairs = seeds.chunks(LANES).zip(tokens.chunks(LANES));
        for ((seeds, tokens), inside) in pairs.zip(inside.chunks_mut(LANES)) {
            let mut places = [u32::MAX; LANES];
            places[..tokens.len()].copy_from_slice(tokens);
            start(&mut state, seeds);
            let found = follow_lanes(&mut state, n, k.min(n), places);
            for (inside, found) in inside.iter_mut().zip(found) {
                *inside = found != 0;
            }
        }
    }
}

/// Follows a token a lane through all draws: not 0 for those that became final.
#[inline(always)]
fn follow_lanes(state: &mut [[u32; LANES]], n: usize, k: usize, mut places: [u32; LANES]) -> [u32; LANES] {
    let mut found = [0; LANES];
    for first in (0..k).step_by(STATE) {
        twist(state);
        for (i, state) in state.iter().enumerate().take(k - first) {
            let draw = (first + i) as u32;
            let divisor = n as u32 - draw;
            let inverse = 1.0 / f64::from(divisor);
            for lane in 0..LANES {
                let target = draw + remainder(temper(state[lane]), divisor, inverse);
                // Once found, a token rests at its place, which no later draw hits or comes from.
                let hit = u32::from(target == places[lane]);
                let own = places[lane] == draw;
                found[lane] |= hit;
                places[lane] = if hit != 0 {
                    draw
                } else if own {
                    target
                } else {
                    places[lane]
                };
            }
        }
    }
    found
}

/// `word` modulo the divisor, whose inverse is given.
///
/// The quotient rounded to the nearest whole number is the wanted one, or one more: then the rest is negative, which among
/// unsigned numbers is the larger of the two candidates.
#[inline(always)]
fn remainder(word: u32, divisor: u32, inverse: f64) -> u32 {
    /// 2^52: adding it rounds to a whole number, which then stands in the lower bits.
    const MAGIC: f64 = 4_503_599_627_370_496.0;
    let nearest = (f64::from(word) * inverse + MAGIC).to_bits() as u32;
    let rest = word.wrapping_sub(nearest.wrapping_mul(divisor));
    rest.min(rest.wrapping_add(divisor))
}

/// The states of generators started from seeds (Matsumoto and Nishimura's `init_genrand`).
#[inline(always)]
fn start(state: &mut [[u32; LANES]], seeds: &[u32]) {
    let mut before = [0; LANES];
    before[..seeds.len()].copy_from_slice(seeds);
    for (i, words) in state.iter_mut().enumerate() {
        if i > 0 {
            for before in &mut before {
                *before = (*before ^ (*before >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
            }
        }
        *words = before;
    }
}

#[inline(always)]
fn twist(state: &mut [[u32; LANES]]) {
    for i in 0..STATE {
        let (next, far) = (state[(i + 1) % STATE], state[(i + MIDDLE) % STATE]);
        let words = &mut state[i];
        for lane in 0..LANES {
            let y = (words[lane] & 0x8000_0000) | (next[lane] & 0x7fff_ffff);
            words[lane] = far[lane] ^ (y >> 1) ^ ((y & 1).wrapping_neg() & 0x9908_b0df);
        }
    }
}

#[inline(always)]
fn temper(mut y: u32) -> u32 {
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}
