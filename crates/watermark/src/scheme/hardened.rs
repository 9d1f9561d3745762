//! Our own Gumbel mark (`stillmark-gumbel`, docs/spec/watermark-key.md): the same test as vLLM's on a keyed hash that is one.
//!
//! The uniform numbers are the output of BLAKE3 keyed with 256 bits on the window, 53 bits a token: a key cannot be recovered or
//! a mark forged from marked text short of breaking the hash.

use stillmark_kernels::log::ln;

use super::{Fields, Null, Scheme, bare_hex, integer};
use crate::sites::{Before, Once, Rule, Slice};

/// The hardened Gumbel mark with its key.
#[derive(Clone)]
pub(crate) struct Hardened {
    pub(crate) key: [u8; 32],
    pub(crate) context_width: usize,
}

/// Bytes of output a token takes.
const TOKEN_BYTES: u64 = 8;

impl Hardened {
    /// The stream of uniform numbers that a window gives, one for each token of a vocabulary.
    pub(crate) fn stream(&self, window: &[u32]) -> blake3::OutputReader {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(b"stillmark-gumbel/v1");
        for token in window {
            hasher.update(&token.to_le_bytes());
        }
        hasher.finalize_xof()
    }
}

/// A number u = (k + ½) / 2⁵³ strictly between 0 and 1, with 1 − u, which is of the same form: each is rounded by itself, so
/// that nothing is lost near 0 or 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Uniform {
    u: f64,
    rest: f64,
}

impl Uniform {
    /// What eight bytes of a stream stand for.
    pub(crate) fn new(bytes: [u8; 8]) -> Self {
        const ALL: u64 = (1 << 53) - 1;
        let k = u64::from_le_bytes(bytes) >> 11;
        let number = |k: u64| (k as f64 + 0.5) / (1_u64 << 53) as f64;
        Self { u: number(k), rest: number(ALL - k) }
    }

    /// 1 − u.
    pub(crate) fn rest(self) -> f64 {
        self.rest
    }

    /// −ln(1 − u): exponential of mean 1 where u is uniform.
    pub(crate) fn score(self) -> f64 {
        minus_ln(self.rest, self.u)
    }

    /// −ln(−ln u): Gumbel's distribution where u is uniform.
    pub(crate) fn noise(self) -> f64 {
        -ln(minus_ln(self.u, self.rest))
    }
}

/// −ln x, given 1 − x too, which it never falls below: where x rounds to 1 that is all there is.
fn minus_ln(x: f64, rest: f64) -> f64 {
    (-ln(x)).max(rest)
}

impl Scheme for Hardened {
    fn name(&self) -> &'static str {
        "stillmark-gumbel"
    }

    fn reference(&self) -> &'static str {
        "docs/spec/watermark-key.md, stillmark-gumbel version 1"
    }

    fn fields(&self) -> Fields {
        Fields::from([("key", bare_hex(&self.key)), ("context_width", integer(self.context_width))])
    }

    fn rule(&self) -> Rule {
        Rule::new(self.context_width, Before::Filler(u32::MAX), Once::Window)
    }

    fn null(&self) -> Null {
        Null::Exponential
    }

    fn score(&self, sites: Slice<'_>, scores: &mut [f64]) {
        for (site, score) in scores.iter_mut().enumerate() {
            let mut stream = self.stream(sites.window(site));
            stream.set_position(TOKEN_BYTES * u64::from(sites.tokens[site]));
            let mut bytes = [0; 8];
            stream.fill(&mut bytes);
            *score = Uniform::new(bytes).score();
        }
    }

    fn with_key(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        Box::new(Self { key: *material, ..self.clone() })
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
