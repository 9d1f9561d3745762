//! `SGLang`'s Gumbel mark on `MurmurHash3`, with one key or two: a coin of each window says which of them draws its token.

use super::{Fields, Null, Scheme, hex, integer};
use crate::sites::{Before, Once, Rule, Slice};

/// A Gumbel mark of `SGLang` with its key.
#[derive(Clone)]
pub(crate) struct SgLang {
    pub(crate) key: u64,
    /// The other key with the chance that a window is the first one's.
    pub(crate) second: Option<(u64, f64)>,
    pub(crate) context_window: usize,
}

/// `MurmurHash3_x86_32` (Appleby) of 32-bit words with seed 0.
fn murmur3(words: impl IntoIterator<Item = u32>) -> u32 {
    let (mut state, mut bytes) = (0_u32, 0_u32);
    for word in words {
        let word = word.wrapping_mul(0xCC9E_2D51).rotate_left(15).wrapping_mul(0x1B87_3593);
        state = (state ^ word).rotate_left(13).wrapping_mul(5).wrapping_add(0xE654_6B64);
        bytes = bytes.wrapping_add(4);
    }
    state ^= bytes;
    state = (state ^ state >> 16).wrapping_mul(0x85EB_CA6B);
    state = (state ^ state >> 13).wrapping_mul(0xC2B2_AE35);
    state ^ state >> 16
}

fn halves(key: u64) -> [u32; 2] {
    [key as u32, (key >> 32) as u32]
}

impl SgLang {
    /// The key that draws the token after a window of that hash.
    fn drawing(&self, window: u32) -> u64 {
        let Some((second, chance)) = self.second else { return self.key };
        let [[low, high], [second_low, second_high]] = [self.key, second].map(halves);
        let coin = murmur3([low, high, second_low, second_high, window]);
        if u64::from(coin) < (chance * 2_f64.powi(32)) as u64 { self.key } else { second }
    }

    /// The uniform number of a token after a window.
    fn uniform(&self, window: &[u32], token: u32) -> f64 {
        let window = murmur3(window.iter().copied());
        let [low, high] = halves(self.drawing(window));
        (f64::from(murmur3([low, high, window, token])) + 0.5) / 2_f64.powi(32)
    }
}

impl Scheme for SgLang {
    fn name(&self) -> &'static str {
        "sglang-gumbel"
    }

    fn reference(&self) -> &'static str {
        "SGLang 0.5.23, WatermarkDetector"
    }

    fn fields(&self) -> Fields {
        let mut fields =
            Fields::from([("key", hex(self.key)), ("context_window", integer(self.context_window))]);
        if let Some((key_b, chance)) = self.second {
            fields.extend([("key_b", hex(key_b)), ("mixing_probability", chance.into())]);
        }
        fields
    }

    fn rule(&self) -> Rule {
        Rule::new(self.context_window, Before::Prompt, Once::Window)
    }

    fn null(&self) -> Null {
        Null::Exponential
    }

    fn score(&self, sites: Slice<'_>, scores: &mut [f64]) {
        for (site, score) in scores.iter_mut().enumerate() {
            *score = -(-self.uniform(sites.window(site), sites.tokens[site])).ln_1p();
        }
    }

    fn with_key(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        let mut after = [0; 32];
        after[..24].copy_from_slice(&material[8..]);
        let second = self.second.map(|(_, chance)| (super::word(&after), chance));
        Box::new(Self { key: super::word(material), second, ..self.clone() })
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
