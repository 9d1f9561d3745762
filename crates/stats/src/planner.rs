//! What each scheme's score of one marked token is like, given the distribution of the next token.

use crate::special::{digamma, tetragamma, trigamma};
use crate::vocabulary::Vocabulary;

/// So many tokens stand for the vocabulary in `SynthID`'s tournaments; rarer ones than this part are left out.
const SYNTHID_TOKENS: usize = 1_024;
const RAREST: f64 = 1e-6;

/// So many tokens take part in all tournaments together: the fewer in each, the more are played.
const SYNTHID_WORK: usize = 3_000_000;

/// The moments of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The variance.
    pub variance: f64,
    /// The third central moment over the variance's power 3/2.
    pub skewness: f64,
}

impl Moments {
    /// Of raw moments: the means of the score, its square and its cube.
    pub fn from_raw(first: f64, second: f64, third: f64) -> Self {
        let variance = (second - first * first).max(0.0);
        let central = third - 3.0 * first * second + 2.0 * first.powi(3);
        let skewness = if variance > 0.0 { central / variance.powf(1.5) } else { 0.0 };
        Self { mean: first, variance, skewness }
    }

    /// Of 1 with that chance, otherwise 0.
    pub fn bernoulli(chance: f64) -> Self {
        Self::from_raw(chance, chance, chance)
    }
}

/// The score −ln(1 − u) of a token that a Gumbel mark has chosen. Of a token of probability p it is −ln of a Beta(1, 1/p)
/// variable; its cumulants are H(1/p), ψ₁(1) − ψ₁(1 + 1/p) and ψ₂(1 + 1/p) − ψ₂(1).
pub fn gumbel(vocabulary: &Vocabulary) -> Moments {
    mixed(vocabulary, &[(1.0, |marked, _| marked)], 0.0)
}

/// The fused score (1 − α) `s_A` + α `s_B` of a dual key, of which key A chooses with chance 1 − α.
pub fn dual_gumbel(vocabulary: &Vocabulary, alpha: f64) -> Moments {
    let by_first: Fused = |cumulants, alpha| fuse(cumulants, 1.0 - alpha, alpha);
    let by_second: Fused = |cumulants, alpha| fuse(cumulants, alpha, 1.0 - alpha);
    mixed(vocabulary, &[(1.0 - alpha, by_first), (alpha, by_second)], alpha)
}

/// Whether a token is green, under lists of a share γ and a bias δ on their logits.
///
/// The mass M of a random list gives the chance e^δ M / (1 + (e^δ − 1) M). Its mean over lists is exact for lists that take
/// each token with chance γ on its own: 1/(1 + g M) is the integral of e^(−t (1 + g M)), and the mean of e^(−t g M) a
/// product over tokens. The integral is Simpson's.
pub fn green_list(vocabulary: &Vocabulary, gamma: f64, delta: f64) -> Moments {
    const STEP: f64 = 0.02;
    const STEPS: u32 = 2_000;
    let gain = delta.exp_m1();
    if gain <= 0.0 {
        return Moments::bernoulli(gamma);
    }
    let ln_factor = |x: f64| (gamma * (-x).exp_m1()).ln_1p();
    let integrand = |t: f64| {
        let sum: f64 =
            vocabulary.drawable().map(|class| class.tokens * ln_factor(t * gain * class.probability)).sum();
        (sum - t).exp()
    };
    let weight = |step: u32| if step == 0 || step == STEPS { 1.0 } else { 2.0 + 2.0 * f64::from(step % 2) };
    let integral: f64 = (0..=STEPS).map(|step| weight(step) * integrand(f64::from(step) * STEP)).sum();
    Moments::bernoulli((gain + 1.0) / gain * (1.0 - integral * STEP / 3.0))
}

/// The mean of a token's layers, each weighted, under `SynthID`'s tournament of two leaves a layer; none where 1,024 tokens
/// cannot have the entropy.
///
/// A layer that starts from the probabilities p shows 1 with chance ¾ − ¼ Σ p², and later layers leave that alone. How the
/// collision Σ p² goes on has no closed recursion, so that thousands of seeded tournaments over 1,024 tokens at most
/// (of the same entropy) are played; variance and skewness are averaged over the token that is drawn at their ends.
pub fn synthid(entropy: f64, weights: &[f64]) -> Option<Moments> {
    let start = expanded(&Vocabulary::zipf(SYNTHID_TOKENS, entropy)?);
    let total: f64 = weights.iter().sum();
    let (mut state, mut mean, mut raw) = (0x9e37_79b9_7f4a_7c15_u64, 0.0, [0.0; 3]);
    let draws = SYNTHID_WORK / start.len().max(1);
    for _ in 0..draws {
        let mut tokens = start.clone();
        for weight in weights {
            let collision: f64 = tokens.iter().map(|(probability, _)| probability * probability).sum();
            mean += weight / total * (0.75 - 0.25 * collision);
            play(&mut tokens, weight / total, &mut state);
        }
        for (probability, score) in tokens {
            raw[0] += probability * score;
            raw[1] += probability * score * score;
            raw[2] += probability * score.powi(3);
        }
    }
    let [first, second, third] = raw.map(|sum| sum / draws as f64);
    Some(Moments { mean: mean / draws as f64, ..Moments::from_raw(first, second, third) })
}

/// `SynthID`'s weights of its layers: falling linearly from 10 to 1.
pub fn falling_weights(depth: usize) -> Vec<f64> {
    let step = 9.0 / depth.saturating_sub(1).max(1) as f64;
    (0..depth).map(|layer| 10.0 - step * layer as f64).collect()
}

/// How the three cumulants of a marked score become those of the score in use.
type Fused = fn([f64; 3], f64) -> [f64; 3];

/// The moments of a mixture over tokens, and over the ways in which a token comes about.
fn mixed(vocabulary: &Vocabulary, ways: &[(f64, Fused)], alpha: f64) -> Moments {
    let mut raw = [0.0; 3];
    for class in vocabulary.drawable() {
        let marked = gumbel_cumulants(class.probability);
        for (chance, fused) in ways {
            let [mean, variance, third] = fused(marked, alpha);
            let weight = class.tokens * class.probability * chance;
            raw[0] += weight * mean;
            raw[1] += weight * (variance + mean * mean);
            raw[2] += weight * (third + 3.0 * mean * variance + mean.powi(3));
        }
    }
    Moments::from_raw(raw[0], raw[1], raw[2])
}

fn gumbel_cumulants(p: f64) -> [f64; 3] {
    let above = 1.0 + 1.0 / p;
    [digamma(above) - digamma(1.0), trigamma(1.0) - trigamma(above), tetragamma(above) - tetragamma(1.0)]
}

/// The cumulants of a sum of a marked score and an exponential variable of mean 1, weighted.
fn fuse(marked: [f64; 3], weight: f64, other: f64) -> [f64; 3] {
    let exponential = [1.0, 1.0, 2.0];
    let at = |order: usize| {
        let power = order as i32 + 1;
        weight.powi(power) * marked[order] + other.powi(power) * exponential[order]
    };
    [at(0), at(1), at(2)]
}

/// One entry a token that might ever be drawn: its probability, and its score so far.
fn expanded(vocabulary: &Vocabulary) -> Vec<(f64, f64)> {
    let common = vocabulary.classes().iter().filter(|class| class.probability > RAREST);
    common.flat_map(|class| std::iter::repeat_n((class.probability, 0.0), class.tokens as usize)).collect()
}

/// One layer: p ← p (1 + g − Σ g p), with a fair bit g a token.
fn play(tokens: &mut [(f64, f64)], weight: f64, state: &mut u64) {
    let (mut bits, mut drawn, mut mass) = (Vec::with_capacity(tokens.len()), 0, 0.0);
    for (index, token) in tokens.iter().enumerate() {
        if index % 64 == 0 {
            drawn = split_mix(state);
        }
        let bit = if drawn >> (index % 64) & 1 == 1 { 1.0 } else { 0.0 };
        mass += bit * token.0;
        bits.push(bit);
    }
    for (token, bit) in tokens.iter_mut().zip(bits) {
        // The mass of all tokens may round above 1.
        token.0 *= (1.0 + bit - mass).max(0.0);
        token.1 += bit * weight;
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
