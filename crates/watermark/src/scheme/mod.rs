//! The schemes: each public reference's way from a window of tokens to a score of the next.

pub(crate) mod best_of_n;
pub(crate) mod bricks;
pub(crate) mod green;
pub(crate) mod hardened;
mod lists;
pub(crate) mod philox;
pub(crate) mod prf;
pub(crate) mod sglang;
pub(crate) mod synthid;
pub(crate) mod textseal;

use std::any::Any;
use std::collections::BTreeMap;

use crate::sites::{Rule, Slice};

/// The keys of a key file with their values.
pub(crate) type Fields = BTreeMap<&'static str, toml::Value>;

/// How a score is distributed where there is no mark, over the choice of the key.
#[derive(Debug, Clone, PartialEq)]
pub enum Null {
    /// Each score is exponential of mean 1.
    Exponential,
    /// Each score is (1 − α) times one exponential variable of mean 1 plus α times another.
    Fused {
        /// The weight of the second key.
        alpha: f64,
    },
    /// Each score is 1 with chance γ, else 0.
    Green {
        /// The chance.
        gamma: f64,
    },
    /// Each score is the mean of fair bits with these weights, which add up to their number.
    Bits {
        /// The weights.
        weights: Vec<f64>,
    },
}

/// A scheme with its key: what a key file holds.
pub trait Scheme: Send + Sync {
    /// The name that key files give it.
    fn name(&self) -> &'static str;

    /// The implementation whose scores it gives, or `unverified` with the reason.
    fn reference(&self) -> &'static str;

    /// What its key file holds.
    fn fields(&self) -> Fields;

    /// Which tokens the reference scores.
    fn rule(&self) -> Rule;

    /// Which tokens are scored where the answer is more than a comparison with the reference: of what repeats under this
    /// scheme, the first alone.
    fn effective_rule(&self) -> Rule {
        self.rule()
    }

    /// How scores are distributed without a mark.
    fn null(&self) -> Null;

    /// The score of each site.
    fn score(&self, sites: Slice<'_>, scores: &mut [f64]);

    /// Where sites of one text share what this key draws for them, and not by chance, leaves the first its score and gives the
    /// others what is expected without a mark. Which they are depends on the key, so that no [`Rule`] can pass them over.
    fn settle(&self, _sites: Slice<'_>, _scores: &mut [f64]) {}

    /// The same scheme under another key, made of 32 uniform bytes: decoys and tenants' keys are made by one way.
    fn with_key(&self, material: &[u8; 32]) -> Box<dyn Scheme>;

    /// Decoys of this key: keys made as keys are made, which nobody has marked with. Where keys of a scheme may have parts in
    /// common, the first so many have none with this key or each other: its mark is then no evidence for a decoy.
    fn decoys(&self, seed: u64, _count: usize) -> Decoys<'_> {
        made_decoys(self, seed)
    }

    /// This key less the parts that it has in common with another; none where there are no such parts.
    fn apart_from(&self, _other: &dyn Scheme) -> Option<Box<dyn Scheme>> {
        None
    }

    /// The key of a tenant of this key's owner.
    fn tenant(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        self.with_key(material)
    }

    /// The part that tells tenants of one owner apart, where they share another.
    fn distinctive(&self) -> Option<Box<dyn Scheme>> {
        None
    }

    /// Keeps what it works out while it scores: for a key that scores many texts, and not for decoys.
    fn keep(&mut self) {}

    /// For what one scheme alone has.
    fn as_any(&self) -> &dyn Any;
}

/// The decoy of each number.
pub(crate) type Decoys<'a> = Box<dyn Fn(usize) -> Box<dyn Scheme> + Send + Sync + 'a>;

/// Decoys that are made as keys are made, each of 32 bytes of its own.
pub(crate) fn made_decoys<S: Scheme + ?Sized>(scheme: &S, seed: u64) -> Decoys<'_> {
    Box::new(move |number| {
        let material = decoy_hasher(seed).update(&(number as u64).to_le_bytes()).finalize();
        scheme.with_key(material.as_bytes())
    })
}

/// What decoys of that seed are made of, before their number.
pub(crate) fn decoy_hasher(seed: u64) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new_derive_key("stillmark 2026-11 watermark decoy keys v1");
    hasher.update(&seed.to_le_bytes());
    hasher
}

/// As long as whole numbers get: what nobody chose by hand, a tenant's key or a new one, is so long.
pub(crate) const LONG: i128 = i64::MAX as i128;

/// A whole number of 32 uniform bytes that is as long as `like` in bits, at least 24: keys of one kind look alike.
pub(crate) fn whole_number(material: &[u8; 32], like: i128) -> i128 {
    let bits = (128 - like.unsigned_abs().leading_zeros()).clamp(24, 63);
    let mut low = [0; 8];
    low.copy_from_slice(&material[..8]);
    i128::from(u64::from_le_bytes(low) & ((1 << bits) - 1)).max(1)
}

/// The first eight bytes as a number.
pub(crate) fn word(material: &[u8; 32]) -> u64 {
    let mut low = [0; 8];
    low.copy_from_slice(&material[..8]);
    u64::from_le_bytes(low)
}

pub(crate) fn integer(number: usize) -> toml::Value {
    toml::Value::Integer(number as i64)
}

/// A key of 64 bits, which TOML's integers cannot hold.
pub(crate) fn hex(number: u64) -> toml::Value {
    format!("{number:#x}").into()
}

pub(crate) fn bare_hex(bytes: &[u8]) -> toml::Value {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<String>().into()
}
