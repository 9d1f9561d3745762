//! A stand-in for a model, and marked text of it.

use stillmark_stats::vocabulary::Vocabulary;
use stillmark_watermark::Key;
use stillmark_watermark::generate::{Chosen, Marker, Marking};

/// Tokens that the stand-in knows; a power of two.
pub(crate) const TOKENS: u32 = 1024;

/// A stream of random numbers (`SplitMix64`; Steele, Lea and Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, n: u32) -> u32 {
        (((self.next() >> 32) * u64::from(n)) >> 32) as u32
    }

    pub(crate) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Tokens, all alike.
    pub(crate) fn tokens(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.below(TOKENS)).collect()
    }
}

/// A model: Zipf's law over its tokens, in another order after every token.
pub(crate) struct Model {
    logits: Vec<f32>,
}

/// What was written, with the natural logarithm of each token's probability.
pub(crate) struct Written {
    pub(crate) tokens: Vec<u32>,
    pub(crate) ln_q: Vec<f32>,
}

impl Model {
    pub(crate) fn new(entropy: f64) -> Self {
        let vocabulary = Vocabulary::zipf(TOKENS as usize, entropy).unwrap();
        let classes = vocabulary.classes().iter();
        let all = classes.flat_map(|class| {
            std::iter::repeat_n(class.probability.max(1e-30).ln() as f32, class.tokens as usize)
        });
        Self { logits: all.take(TOKENS as usize).collect() }
    }

    /// The logits after a text: natural logarithms of the probabilities.
    pub(crate) fn after(&self, text: &[u32]) -> Vec<f32> {
        let last = text.iter().rev().take(2).fold(7_u64, |sum, token| sum * 10_007 + u64::from(*token));
        let mut order = Random(last);
        let (shift, factor) = (order.below(TOKENS), order.below(TOKENS) | 1);
        let rank = |token: u32| (token ^ shift).wrapping_mul(factor) % TOKENS;
        (0..TOKENS).map(|token| self.logits[rank(token) as usize]).collect()
    }

    /// Goes on from a prompt, under a key or under none.
    pub(crate) fn write(&self, key: Option<&Key>, prompt: &[u32], count: usize, seed: u64) -> Written {
        let marking = key.map(|key| Marking::new(key).unwrap());
        let mut marker = marking.as_ref().map(Marking::start);
        let mut random = Random(seed);
        let mut written = Written { tokens: prompt.to_vec(), ln_q: vec![0.0; prompt.len()] };
        for _ in 0..count {
            let logits = self.after(&written.tokens);
            let token =
                next(marker.as_mut(), &written.tokens, prompt.len(), &mut logits.clone(), random.uniform());
            written.tokens.push(token);
            written.ln_q.push(logits[token as usize]);
        }
        written
    }
}

fn next(marker: Option<&mut Marker<'_>>, text: &[u32], prompt_len: usize, logits: &mut [f32], u: f64) -> u32 {
    let Some(marker) = marker else { return drawn(logits, u) };
    marker.bias(text, logits);
    if !marker.chooses() {
        return drawn(logits, u);
    }
    match marker.choose(&text[prompt_len..], logits, u) {
        Chosen::Token(token) => token,
        Chosen::Changed | Chosen::Ordinary => drawn(logits, u),
    }
}

/// The token that a uniform number draws.
fn drawn(logits: &[f32], u: f64) -> u32 {
    let weights: Vec<f64> = logits.iter().map(|logit| f64::from(*logit).exp()).collect();
    let mut left = u * weights.iter().sum::<f64>();
    let mut last = 0;
    for (token, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        last = token as u32;
        if left < *weight {
            break;
        }
        left -= weight;
    }
    last
}

/// The parameters of every scheme for the stand-in's vocabulary.
pub(crate) const SCHEMES: [(&str, &str); 22] = [
    ("vllm-philox", ""),
    ("vllm-philox-dual", ""),
    ("vllm-philox-dual", "alpha = 0.5\n"),
    ("stillmark-gumbel", ""),
    ("kgw-transformers", "vocab_size = 1024\n"),
    ("kgw-transformers", "vocab_size = 1024\nseeding_scheme = \"selfhash\"\ncontext_width = 3\n"),
    ("kgw-lm-watermarking", "vocab_size = 1024\nscheme_name = \"simple_1\"\n"),
    ("kgw-lm-watermarking", "vocab_size = 1024\nscheme_name = \"minhash\"\n"),
    ("kgw-lm-watermarking", "vocab_size = 1024\nscheme_name = \"selfhash\"\n"),
    ("synthid-transformers", ""),
    ("synthid-transformers", "ngram_len = 3\n"),
    ("synthid-deepmind", ""),
    ("synthid-vllm", ""),
    ("textseal-gumbel", ""),
    ("textseal-gumbel-dual", ""),
    ("textseal-greenlist", ""),
    ("sbw", "vocab_size = 1024\n"),
    ("three-bricks-maryland", "vocab_size = 1024\n"),
    ("three-bricks-openai", "vocab_size = 1024\n"),
    ("best-of-n", ""),
    ("sglang-gumbel", ""),
    ("sglang-gumbel", "key_b = \"1\"\nmixing_probability = 0.25\n"),
];

/// How many of [`SCHEMES`] choose tokens, by their places.
pub(crate) const MARKING: [usize; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

/// A key of a scheme by its place in [`SCHEMES`].
pub(crate) fn key(scheme: usize, number: u8) -> Key {
    let (name, parameters) = SCHEMES[scheme];
    Key::generate(name, parameters, &[number; 32]).unwrap()
}
