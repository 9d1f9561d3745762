//! Which items are re-run: a draw that nobody could steer and anybody can repeat.

use sha2::{Digest as _, Sha256};

/// What the seed's hash begins with.
const SEED: &[u8] = b"stillmark-rla/v1";
/// What the commitment's hash begins with.
const NONCE: &[u8] = b"stillmark-rla-nonce/v1";

/// What the auditor publishes before the log's checkpoint: the digest of a secret number.
pub fn commitment(nonce: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(NONCE).chain_update(nonce).finalize().into()
}

/// The seed of the draw: SHA-256("stillmark-rla/v1" ‖ root of the log's checkpoint ‖ the auditor's number). The log was fixed
/// before its owner could know the number, the number before its owner could know the root.
pub fn seed(root: &[u8; 32], nonce: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(SEED).chain_update(root).chain_update(nonce).finalize().into()
}

/// The first `count` of a shuffle of the numbers below `population` (Fisher and Yates, from the front), in the order drawn.
pub fn draw(seed: &[u8; 32], population: u64, count: u64) -> Vec<u64> {
    let mut stream = Stream { seed: *seed, counter: 0 };
    // Only what was swapped away is kept, so that few of very many cost little.
    let mut moved = std::collections::BTreeMap::new();
    let mut at = |place: u64, value: Option<u64>| match value {
        Some(value) => moved.insert(place, value).unwrap_or(place),
        None => moved.get(&place).copied().unwrap_or(place),
    };
    (0..count.min(population))
        .map(|place| {
            let other = place + stream.below(population - place);
            let (here, there) = (at(place, None), at(other, None));
            at(other, Some(here));
            there
        })
        .collect()
}

/// Numbers from SHA-256(seed ‖ counter), the counter eight bytes, the first eight bytes of the digest taken, both big-endian.
struct Stream {
    seed: [u8; 32],
    counter: u64,
}

impl Stream {
    fn next(&mut self) -> u64 {
        let digest =
            Sha256::new().chain_update(self.seed).chain_update(self.counter.to_be_bytes()).finalize();
        self.counter += 1;
        digest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    /// A number below `end`, each as probable: what lies above the last whole multiple of `end` below 2⁶⁴ is drawn again.
    fn below(&mut self, end: u64) -> u64 {
        let limit = u64::MAX - (u64::MAX % end + 1) % end;
        loop {
            let number = self.next();
            if number <= limit {
                return number % end;
            }
        }
    }
}
