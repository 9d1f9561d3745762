//! vLLM's Gumbel marks on Philox (`philox4x32-10-v1`), with one key or two.
//!
//! Aaronson and Kirchner 2022: where u is uniform, argmax(logit − ln(−ln u)) is a draw from the model's own distribution; whoever
//! has the key finds −ln(1 − u) of the chosen tokens too large. With two keys a token is drawn by key B with chance α.

use sha2::{Digest, Sha256};
use stillmark_kernels::philox;

use super::{Fields, Null, Scheme, hex, integer};
use crate::sites::{Before, Once, Rule, Slice};

/// A Gumbel mark of vLLM with its key.
#[derive(Clone)]
pub(crate) struct Philox {
    pub(crate) keys: Keys,
    pub(crate) context_width: usize,
    pub(crate) once: Once,
}

/// One key, or two.
#[derive(Clone)]
pub(crate) enum Keys {
    One(u64),
    /// Two that vLLM derives from one; B is drawn with chance α.
    Derived {
        key: u64,
        alpha: f64,
    },
    /// Two of their own: A a provider's, B a tenant's.
    Pair {
        key_a: u64,
        key_b: u64,
        alpha: f64,
    },
}

/// The keys A and B that vLLM derives from one.
fn derived(key: u64) -> [u64; 2] {
    [b"key_a", b"key_b"].map(|label| {
        let digest = Sha256::new().chain_update(label).chain_update(key.to_be_bytes()).finalize();
        digest[..8].iter().fold(0, |key, byte| key << 8 | u64::from(*byte))
    })
}

impl Philox {
    /// Keys A and B with the weight of B, where there are two.
    pub(crate) fn pair(&self) -> Option<([u64; 2], f64)> {
        match self.keys {
            Keys::One(_) => None,
            Keys::Derived { key, alpha } => Some((derived(key), alpha)),
            Keys::Pair { key_a, key_b, alpha } => Some(([key_a, key_b], alpha)),
        }
    }

    /// The key, or key A.
    pub(crate) fn first(&self) -> u64 {
        match self.keys {
            Keys::One(key) => key,
            Keys::Derived { key, .. } => derived(key)[0],
            Keys::Pair { key_a, .. } => key_a,
        }
    }

    fn with_keys(&self, keys: Keys) -> Box<dyn Scheme> {
        Box::new(Self { keys, ..self.clone() })
    }
}

impl Scheme for Philox {
    fn name(&self) -> &'static str {
        match self.keys {
            Keys::One(_) => "vllm-philox",
            Keys::Derived { .. } | Keys::Pair { .. } => "vllm-philox-dual",
        }
    }

    fn reference(&self) -> &'static str {
        "vLLM 0.33.0, philox4x32-10-v1"
    }

    fn fields(&self) -> Fields {
        let mut fields = Fields::from([
            ("context_width", integer(self.context_width)),
            ("deduplicate", (self.once != Once::Never).into()),
        ]);
        match self.keys {
            Keys::One(key) => fields.extend([("key", hex(key))]),
            Keys::Derived { key, alpha } => fields.extend([("key", hex(key)), ("alpha", alpha.into())]),
            Keys::Pair { key_a, key_b, alpha } => {
                fields.extend([("key_a", hex(key_a)), ("key_b", hex(key_b)), ("alpha", alpha.into())]);
            }
        }
        fields
    }

    fn rule(&self) -> Rule {
        Rule::new(self.context_width, Before::Filler(u32::MAX), self.once)
    }

    fn null(&self) -> Null {
        match self.pair() {
            Some((_, alpha)) if alpha > 0.0 && alpha < 1.0 => Null::Fused { alpha },
            _ => Null::Exponential,
        }
    }

    fn score(&self, sites: Slice<'_>, scores: &mut [f64]) {
        philox::gumbel_scores(sites.windows, sites.width, sites.tokens, self.first(), scores);
        let Some(([_, key_b], alpha)) = self.pair() else { return };
        let mut second = vec![0.0; scores.len()];
        philox::gumbel_scores(sites.windows, sites.width, sites.tokens, key_b, &mut second);
        for (score, second) in scores.iter_mut().zip(second) {
            *score = (1.0 - alpha) * *score + alpha * second;
        }
    }

    fn with_key(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        let key = super::word(material);
        self.with_keys(match self.keys {
            Keys::One(_) => Keys::One(key),
            Keys::Derived { alpha, .. } => Keys::Derived { key, alpha },
            Keys::Pair { alpha, .. } => {
                let [key_a, key_b] = derived(key);
                Keys::Pair { key_a, key_b, alpha }
            }
        })
    }

    fn tenant(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        match self.keys {
            Keys::Pair { key_a, alpha, .. } => {
                self.with_keys(Keys::Pair { key_a, key_b: super::word(material), alpha })
            }
            _ => self.with_key(material),
        }
    }

    fn distinctive(&self) -> Option<Box<dyn Scheme>> {
        match self.keys {
            Keys::Pair { key_b, .. } => Some(self.with_keys(Keys::One(key_b))),
            _ => None,
        }
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
