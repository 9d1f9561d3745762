//! `TextSeal`'s marks (facebookresearch/textseal): 13 bits from one multiplicative hash, as a green list or as Gumbel noise.

use super::{Fields, Null, Scheme, integer};
use crate::sites::{Before, Once, Rule, Slice};

/// The multipliers of a window's tokens, oldest first: a window is at most this long.
pub(crate) const PRIMES: [i64; 10] = [
    10_000_019, 10_000_247, 10_000_439, 10_000_643, 10_000_747, 10_000_867, 10_000_993, 10_001_213,
    10_001_357, 10_001_501,
];

/// What a key B is more than key A.
const SECOND: i64 = 12_345;

/// How the 13 bits are used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Form {
    /// Green below γ.
    GreenList {
        gamma: f64,
    },
    Gumbel,
    /// Gumbel with key A or, with chance α, key B.
    Dual {
        alpha: f64,
    },
}

/// A mark of `TextSeal` with its key.
#[derive(Clone)]
pub(crate) struct TextSeal {
    pub(crate) form: Form,
    pub(crate) secret_key: i64,
    pub(crate) key_b: i64,
    pub(crate) ngram: usize,
    pub(crate) once: Once,
}

/// The hash of a token after a window, from 0 to 8190.
pub(crate) fn hash(window: &[u32], token: u32, secret_key: i64) -> u16 {
    let product = |(token, prime): (&u32, i64)| i64::from(*token).wrapping_mul(prime);
    let sum = window.iter().zip(PRIMES).map(product).fold(0, i64::wrapping_add);
    let token = i64::from(token).wrapping_mul(100_000_007);
    let key = secret_key.wrapping_mul(500_001_713);
    let h = sum.wrapping_add(token).wrapping_add(key).wrapping_mul(15_485_863).wrapping_mul(40_499);
    (h ^ (h >> 13)).rem_euclid(8191) as u16
}

/// The hash as the reference's uniform number.
pub(crate) fn uniform(hash: u16) -> f32 {
    f32::from(hash) / 8191.0
}

impl TextSeal {
    /// Key B as the reference makes it of key A.
    pub(crate) fn second(secret_key: i64) -> i64 {
        secret_key.wrapping_add(SECOND)
    }

    fn under(&self, secret_key: i64) -> Self {
        Self { secret_key, key_b: Self::second(secret_key), ..self.clone() }
    }

    fn gumbel(window: &[u32], token: u32, key: i64) -> f64 {
        -(-f64::from(uniform(hash(window, token, key)))).ln_1p()
    }
}

impl Scheme for TextSeal {
    fn name(&self) -> &'static str {
        match self.form {
            Form::GreenList { .. } => "textseal-greenlist",
            Form::Gumbel => "textseal-gumbel",
            Form::Dual { .. } => "textseal-gumbel-dual",
        }
    }

    fn reference(&self) -> &'static str {
        "facebookresearch/textseal, main of October 2026"
    }

    fn fields(&self) -> Fields {
        let scoring = if self.once == Once::Window { "v1" } else { "v2" };
        let mut fields = Fields::from([
            ("secret_key", self.secret_key.into()),
            ("ngram", integer(self.ngram)),
            ("scoring", scoring.into()),
        ]);
        match self.form {
            Form::GreenList { gamma } => fields.extend([("gamma", gamma.into())]),
            Form::Gumbel => {}
            Form::Dual { alpha } => fields.extend([("alpha", alpha.into()), ("key_b", self.key_b.into())]),
        }
        fields
    }

    fn rule(&self) -> Rule {
        Rule { skip: 1, ..Rule::new(self.ngram, Before::Prompt, self.once) }
    }

    fn null(&self) -> Null {
        match self.form {
            Form::GreenList { gamma } => Null::Green { gamma },
            Form::Gumbel => Null::Exponential,
            Form::Dual { alpha } => Null::Fused { alpha },
        }
    }

    fn score(&self, sites: Slice<'_>, scores: &mut [f64]) {
        for (site, score) in scores.iter_mut().enumerate() {
            let (window, token) = (sites.window(site), sites.tokens[site]);
            *score = match self.form {
                Form::GreenList { gamma } => {
                    let u = uniform(hash(window, token, self.secret_key));
                    f64::from(u8::from(f64::from(u) < gamma))
                }
                Form::Gumbel => Self::gumbel(window, token, self.secret_key),
                // As the reference weighs them: α goes with key A here.
                Form::Dual { alpha } => {
                    let second = Self::gumbel(window, token, self.key_b);
                    alpha * Self::gumbel(window, token, self.secret_key) + (1.0 - alpha) * second
                }
            };
        }
    }

    fn with_key(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        Box::new(self.under(super::whole_number(material, i128::from(self.secret_key)) as i64))
    }

    fn tenant(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        Box::new(self.under(super::whole_number(material, super::LONG) as i64))
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
