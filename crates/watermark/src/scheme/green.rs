//! Green lists: a seed from the window names a share γ of the vocabulary, whose tokens are green.
//!
//! Kirchenbauer et al. 2023, "A Watermark for Large Language Models" (arXiv:2301.10226). Four projects made four
//! incompatible things of it; they differ in the seed ([`prf`]), in what the seed draws, and in nothing else.

use std::sync::{Arc, Mutex};

use stillmark_kernels::{philox, shuffle};
use stillmark_stats::torch::Generator;

use super::lists::{Kept, Lists};
use super::prf::{self, Function, Hash};
use super::{Fields, Null, Scheme, integer};
use crate::sites::{Before, Once, Rule, Slice};

/// Whose green lists they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// `WatermarkLogitsProcessor` of transformers.
    Transformers,
    /// jwkirchenbauer/lm-watermarking.
    LmWatermarking,
    /// The package `sbw` of `PyPI`.
    Sbw,
    /// facebookresearch/`three_bricks`, Maryland's form.
    ThreeBricks,
}

/// What a seed draws.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Draws {
    /// The first γV entries of `torch.randperm(V)`, of a seed reduced by this modulus.
    Permutation(i128),
    /// A Philox word for each token, compared with γ.
    Words,
}

/// Whether the token itself is the last of the window that seeds its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Salt {
    /// The window ends before the token.
    Window,
    /// The window ends with the token.
    Token,
}

/// A green-list scheme with its key.
#[derive(Clone)]
pub(crate) struct GreenList {
    pub(crate) origin: Origin,
    pub(crate) function: Function,
    pub(crate) hash: Hash,
    pub(crate) draws: Draws,
    pub(crate) salt: Salt,
    /// Tokens that seed, the salting token included.
    pub(crate) context_width: usize,
    pub(crate) once: Once,
    pub(crate) key: i128,
    pub(crate) gamma: f64,
    pub(crate) vocab_size: u32,
    /// What is added to the logits of green tokens where text is made.
    pub(crate) bias: f32,
    /// The public name of the variant.
    pub(crate) variant: String,
    /// Lists that were drawn, of a key that scores many texts.
    pub(crate) kept: Option<Arc<Mutex<Kept>>>,
}

impl GreenList {
    /// Whether text is marked with it here.
    pub(crate) fn marks(&self) -> bool {
        matches!(self.origin, Origin::Transformers | Origin::LmWatermarking)
    }

    /// How many tokens are green after each window.
    pub(crate) fn list_size(&self) -> usize {
        (f64::from(self.vocab_size) * self.gamma) as usize
    }

    /// The seed of the window before a token.
    pub(crate) fn seed(&self, window: &[u32], token: u32) -> u64 {
        let value = match self.salt {
            Salt::Window => prf::value(self.function, &self.hash, self.key, window),
            Salt::Token => {
                let mut salted = [0; 32];
                let len = window.len().min(31);
                salted[..len].copy_from_slice(&window[window.len() - len..]);
                salted[len] = token;
                prf::value(self.function, &self.hash, self.key, &salted[..=len])
            }
        };
        match self.draws {
            Draws::Permutation(modulus) => value.rem_euclid(modulus) as u64,
            Draws::Words => value as u64,
        }
    }

    /// The green tokens of a seed, in the order in which they are drawn (permutations alone).
    pub(crate) fn list<'a>(&self, seed: u64, entries: &'a mut Vec<u32>) -> &'a [u32] {
        let mut generator = Generator::manual_seed(seed);
        generator.randperm_head(self.vocab_size as usize, self.list_size(), entries)
    }

    /// Which of some tokens are green after a window, each with a list of its own.
    pub(crate) fn are_green(&self, window: &[u32], tokens: &[u32]) -> Vec<bool> {
        let seeds = tokens.iter().map(|token| self.seed(window, *token));
        if self.draws == Draws::Words {
            return seeds.zip(tokens).map(|(seed, token)| self.is_green_word(seed, *token)).collect();
        }
        // torch takes the lower 32 bits of a seed.
        let seeds: Vec<u32> = seeds.map(|seed| seed as u32).collect();
        let mut green = vec![false; tokens.len()];
        shuffle::in_heads(&seeds, self.vocab_size as usize, self.list_size(), tokens, &mut green);
        green
    }

    /// Whether a token's word is green, as the detector of `sbw` has it.
    fn is_green_word(&self, seed: u64, token: u32) -> bool {
        const SCALE: f32 = 4.656_612_7e-10;
        let words = philox::block([token >> 2, 0, 0, 0], [seed as u32, (seed >> 32) as u32]);
        let word = words[token as usize & 3] & 0x7fff_ffff;
        (word as f32) * SCALE < self.gamma as f32
    }

    fn under(&self, key: i128) -> Self {
        let hash = match &self.hash {
            Hash::Own(_) => Hash::of_key(key),
            other => other.clone(),
        };
        Self { hash, key, kept: None, ..self.clone() }
    }

    /// Whether windows that differ may share a seed: a hash of some of their tokens, or of their sum, forgets the others.
    fn forgets(&self) -> bool {
        let whole = matches!(self.function, Function::Bricks | Function::Noncommutative);
        self.context_width > 1 && !whole && self.effective_rule().once != Once::LastPair
    }

    fn score_permutations(&self, sites: Slice<'_>, scores: &mut [f64]) {
        // Sites of one seed share one list. torch takes the lower 32 bits of a seed.
        let mut order: Vec<u64> = (0..sites.len())
            .map(|site| {
                let seed = self.seed(sites.window(site), sites.tokens[site]) as u32;
                u64::from(seed) << 32 | site as u64
            })
            .collect();
        order.sort_unstable();
        let mut lists = Lists::new(self.vocab_size as usize, self.list_size());
        let mut kept = self.kept.as_ref().and_then(|kept| Kept::begin(kept, self.vocab_size as usize));
        // What few sites ask of a list is followed through its draws instead, many lists side by side.
        let mut few: Vec<u64> = Vec::new();
        for run in order.chunk_by(|a, b| a >> 32 == b >> 32) {
            let Some(list) = lists.of((run[0] >> 32) as u32, run.len() as u32, kept.as_deref_mut()) else {
                few.extend_from_slice(run);
                continue;
            };
            for site in run.iter().map(|entry| *entry as u32 as usize) {
                scores[site] = list.has(sites.tokens[site]);
            }
        }
        let seeds: Vec<u32> = few.iter().map(|entry| (entry >> 32) as u32).collect();
        let tokens: Vec<u32> = few.iter().map(|entry| sites.tokens[*entry as u32 as usize]).collect();
        let mut inside = vec![false; few.len()];
        shuffle::in_heads(&seeds, self.vocab_size as usize, self.list_size(), &tokens, &mut inside);
        for (entry, inside) in few.iter().zip(inside) {
            scores[*entry as u32 as usize] = f64::from(u8::from(inside));
        }
    }
}

impl Scheme for GreenList {
    fn name(&self) -> &'static str {
        match self.origin {
            Origin::Transformers => "kgw-transformers",
            Origin::LmWatermarking => "kgw-lm-watermarking",
            Origin::Sbw => "sbw",
            Origin::ThreeBricks => "three-bricks-maryland",
        }
    }

    fn reference(&self) -> &'static str {
        match self.origin {
            Origin::Transformers => "transformers 5.23.0, WatermarkLogitsProcessor and WatermarkDetector",
            Origin::LmWatermarking => "jwkirchenbauer/lm-watermarking",
            Origin::Sbw => "PyPI sbw 1.0.0",
            Origin::ThreeBricks => "facebookresearch/three_bricks, Maryland",
        }
    }

    fn fields(&self) -> Fields {
        let mut fields = Fields::from([("vocab_size", integer(self.vocab_size as usize))]);
        let key = self.key.to_string();
        let (name, ratio) = match self.origin {
            Origin::Transformers => ("hashing_key", "greenlist_ratio"),
            Origin::LmWatermarking | Origin::Sbw => ("hash_key", "gamma"),
            Origin::ThreeBricks => ("seed", "gamma"),
        };
        fields.extend([(name, key.into()), (ratio, self.gamma.into())]);
        match self.origin {
            Origin::Transformers => fields.extend([
                ("seeding_scheme", self.variant.clone().into()),
                ("context_width", integer(self.context_width)),
            ]),
            Origin::LmWatermarking => fields.extend([("scheme_name", self.variant.clone().into())]),
            Origin::Sbw => fields.extend([("seeding_scheme", self.variant.clone().into())]),
            Origin::ThreeBricks => fields.extend([("ngram", integer(self.context_width))]),
        }
        if self.origin != Origin::ThreeBricks {
            fields.extend([("deduplicate", (self.once != Once::Never).into())]);
        }
        if matches!(self.origin, Origin::Transformers | Origin::LmWatermarking) {
            fields.extend([("bias", f64::from(self.bias).into())]);
        }
        fields
    }

    fn rule(&self) -> Rule {
        let width = match self.salt {
            Salt::Window => self.context_width,
            Salt::Token => self.context_width - 1,
        };
        Rule { vocab_size: Some(self.vocab_size), ..Rule::new(width, Before::Prompt, self.once) }
    }

    fn effective_rule(&self) -> Rule {
        // transformers hashes the last token alone however wide the window is: what repeats is the pair.
        match (self.function, self.once) {
            (Function::Last, Once::Pair) => Rule { once: Once::LastPair, ..self.rule() },
            _ => self.rule(),
        }
    }

    fn null(&self) -> Null {
        Null::Green { gamma: self.gamma }
    }

    fn score(&self, sites: Slice<'_>, scores: &mut [f64]) {
        match self.draws {
            Draws::Permutation(_) => self.score_permutations(sites, scores),
            Draws::Words => {
                for (site, score) in scores.iter_mut().enumerate() {
                    let (window, token) = (sites.window(site), sites.tokens[site]);
                    *score = f64::from(u8::from(self.is_green_word(self.seed(window, token), token)));
                }
            }
        }
    }

    fn settle(&self, sites: Slice<'_>, scores: &mut [f64]) {
        if self.once == Once::Never || !self.forgets() {
            return;
        }
        let drawn =
            |site: usize| (self.seed(sites.window(site), sites.tokens[site]), sites.tokens[site], site);
        let mut order: Vec<_> = (0..sites.len()).map(drawn).collect();
        order.sort_unstable();
        for pair in order.windows(2) {
            let (seed, token, site) = pair[1];
            if (seed, token) == (pair[0].0, pair[0].1) {
                scores[site] = self.gamma;
            }
        }
    }

    fn with_key(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        Box::new(self.under(super::whole_number(material, self.key)))
    }

    fn tenant(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        Box::new(self.under(super::whole_number(material, super::LONG)))
    }

    fn keep(&mut self) {
        self.kept = Some(Arc::default());
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
