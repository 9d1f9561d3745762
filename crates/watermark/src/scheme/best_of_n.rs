//! Keyed best-of-n: a mark behind any API, made by choosing among finished segments.
//!
//! Of n candidate segments the one whose pairs of neighboring words score highest under the key is kept (the idea of `WaterMax`,
//! Giboulot and Furon 2024, arXiv:2403.04808; docs/spec/watermark-key.md). Nothing is needed of the model but n answers, and
//! each kept segment is one that the model gave.

use super::hardened::Uniform;
use super::{Fields, Null, Scheme, bare_hex, integer};
use crate::sites::{Before, Once, Rule, Slice};

/// Keyed best-of-n with its key.
#[derive(Clone)]
pub(crate) struct BestOfN {
    pub(crate) key: [u8; 32],
    /// Candidates a segment.
    pub(crate) n: usize,
    /// Words in a segment.
    pub(crate) segment: usize,
}

/// What stands before the first word.
const BEGINNING: u32 = u32::MAX;

impl BestOfN {
    fn score_of(&self, before: u32, word: u32) -> f64 {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"best-of-n/v1");
        hasher.update(&before.to_le_bytes());
        hasher.update(&word.to_le_bytes());
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
        Uniform::new(bytes).score()
    }

    /// Which of the candidates to keep after a text: the one that adds the most to the text's mark. Pairs that the text has
    /// already do not count.
    pub(crate) fn choose(&self, text: &[u32], candidates: &[Vec<u32>]) -> usize {
        let had: std::collections::BTreeSet<(u32, u32)> = pairs(BEGINNING, text).collect();
        let last = text.last().copied().unwrap_or(BEGINNING);
        let gain = |candidate: &Vec<u32>| {
            let fresh: std::collections::BTreeSet<(u32, u32)> =
                pairs(last, candidate).filter(|pair| !had.contains(pair)).collect();
            let score: f64 = fresh.iter().map(|(before, word)| self.score_of(*before, *word)).sum();
            // Standardized: a longer candidate is not a better one.
            (score - fresh.len() as f64) / (fresh.len() as f64).sqrt().max(1.0)
        };
        let gains = candidates.iter().map(gain).enumerate();
        let better = |a: (usize, f64), b: (usize, f64)| if b.1 > a.1 { b } else { a };
        gains.reduce(better).map_or(0, |(best, _)| best)
    }
}

fn pairs(before: u32, words: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    let befores = std::iter::once(before).chain(words.iter().copied());
    befores.zip(words.iter().copied()).collect::<Vec<_>>().into_iter()
}

/// The words of a text as they stand: its runs of letters and digits.
pub fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty())
}

/// The words of a text as numbers: its [`runs`] in lower case, each by the first 32 bits of its hash. So the mark does not
/// depend on any tokenizer, on punctuation or on white space.
pub fn words(text: &str) -> Vec<u32> {
    runs(text)
        .map(|run| {
            let hash = blake3::hash(run.to_lowercase().as_bytes());
            let bytes = hash.as_bytes();
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) & 0x7fff_ffff
        })
        .collect()
}

impl Scheme for BestOfN {
    fn name(&self) -> &'static str {
        "best-of-n"
    }

    fn reference(&self) -> &'static str {
        "docs/spec/watermark-key.md, best-of-n version 1"
    }

    fn fields(&self) -> Fields {
        Fields::from([
            ("key", bare_hex(&self.key)),
            ("n", integer(self.n)),
            ("segment", integer(self.segment)),
        ])
    }

    fn rule(&self) -> Rule {
        Rule::new(1, Before::Filler(BEGINNING), Once::Pair)
    }

    fn null(&self) -> Null {
        Null::Exponential
    }

    fn score(&self, sites: Slice<'_>, scores: &mut [f64]) {
        for (site, score) in scores.iter_mut().enumerate() {
            *score = self.score_of(sites.windows[site], sites.tokens[site]);
        }
    }

    fn with_key(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        Box::new(Self { key: *material, ..self.clone() })
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
