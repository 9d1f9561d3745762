//! How alike two texts are, and whether a third tells them apart.

use super::fingerprint::Fingerprint;

/// How much more of what tells two texts apart has to be found of the one than of the other.
const MARGIN: f64 = 0.5;

/// What two texts share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Compared {
    /// Twice the shared runs, over all runs of both (Dice).
    pub(super) likeness: f64,
    /// The part of the known text's runs that the other holds.
    pub(super) held: f64,
}

/// Compares a text with a known one.
pub(super) fn compare(own: &Fingerprint, known: &Fingerprint) -> Compared {
    let (own, known) = (own.hashes(), known.hashes());
    let shared = known.iter().filter(|hash| own.binary_search(hash).is_ok()).count() as f64;
    let over = |all: usize| if all == 0 { 0.0 } else { shared / all as f64 };
    Compared { likeness: 2.0 * over(own.len() + known.len()), held: over(known.len()) }
}

/// Whether the runs that only one of two known texts has speak clearly for the first.
///
/// Licenses of one family share nine tenths of their runs; likeness alone would let a changed
/// line anywhere decide between them.
pub(super) fn told_apart(own: &Fingerprint, best: &Fingerprint, rival: &Fingerprint) -> bool {
    let found_of = |these: &Fingerprint, those: &Fingerprint, if_none: f64| {
        let only: Vec<u32> = these
            .hashes()
            .iter()
            .filter(|hash| those.hashes().binary_search(hash).is_err())
            .copied()
            .collect();
        if only.is_empty() {
            return if_none;
        }
        let found = only.iter().filter(|hash| own.hashes().binary_search(hash).is_ok()).count();
        found as f64 / only.len() as f64
    };
    MARGIN <= found_of(best, rival, 1.0) - found_of(rival, best, 0.0)
}
