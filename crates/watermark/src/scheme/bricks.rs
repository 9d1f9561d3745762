//! The Gumbel mark of `three_bricks` (Fernandez et al. 2023, arXiv:2308.00113), "`OpenAI`" there: u = `torch.rand(V)[token]`.

use stillmark_stats::torch::Generator;

use super::prf::{self, Function, Hash};
use super::{Fields, Null, Scheme, hex, integer};
use crate::sites::{Before, Once, Rule, Slice};

/// The Gumbel mark of `three_bricks` with its key.
#[derive(Clone)]
pub(crate) struct Bricks {
    pub(crate) seed: u64,
    pub(crate) ngram: usize,
    pub(crate) vocab_size: u32,
}

impl Bricks {
    /// The uniform number of a token after a window.
    pub(crate) fn uniform(&self, window: &[u32], token: u32) -> f32 {
        let seed = prf::value(Function::Bricks, &Hash::Jenkins, i128::from(self.seed), window);
        Generator::manual_seed(seed as u64).nth(token as usize)
    }
}

impl Scheme for Bricks {
    fn name(&self) -> &'static str {
        "three-bricks-openai"
    }

    fn reference(&self) -> &'static str {
        "facebookresearch/three_bricks, OpenAI"
    }

    fn fields(&self) -> Fields {
        Fields::from([
            ("seed", hex(self.seed)),
            ("ngram", integer(self.ngram)),
            ("vocab_size", integer(self.vocab_size as usize)),
        ])
    }

    fn rule(&self) -> Rule {
        let vocab_size = Some(self.vocab_size);
        Rule { vocab_size, ..Rule::new(self.ngram, Before::Prompt, Once::Pair) }
    }

    fn effective_rule(&self) -> Rule {
        Rule { once: Once::Window, ..self.rule() }
    }

    fn null(&self) -> Null {
        Null::Exponential
    }

    fn score(&self, sites: Slice<'_>, scores: &mut [f64]) {
        for (site, score) in scores.iter_mut().enumerate() {
            let u = self.uniform(sites.window(site), sites.tokens[site]);
            *score = -(-f64::from(u)).ln_1p();
        }
    }

    fn with_key(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        let seed = super::whole_number(material, i128::from(self.seed)) as u64;
        Box::new(Self { seed, ..self.clone() })
    }

    fn tenant(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        let seed = super::whole_number(material, super::LONG) as u64;
        Box::new(Self { seed, ..self.clone() })
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
