//! Green lists as sets of bits, and those that are worth keeping from one text to the next.

use std::sync::{Mutex, MutexGuard};

use stillmark_kernels::shuffle;
use stillmark_stats::torch::Generator;

/// From so many tokens on a list is drawn whole rather than followed for each.
const WHOLE: u32 = 4;

/// The same where it is kept: who asks twice asks again.
const AGAIN: u32 = 2;

/// Bytes of lists that a key keeps.
const KEPT: usize = 256 << 20;

/// Slots that a seed may lie in.
const WAYS: usize = 4;

/// One green list after another.
pub(super) struct Lists {
    vocab_size: usize,
    words: Vec<u32>,
    entries: Vec<u32>,
    bits: Vec<u64>,
}

/// A green list: one bit a token.
#[derive(Clone, Copy)]
pub(super) struct List<'l>(&'l [u64]);

impl Lists {
    pub(super) fn new(vocab_size: usize, size: usize) -> Self {
        let (words, bits) = (vec![0; size], vec![0; vocab_size.div_ceil(64)]);
        Self { vocab_size, words, entries: Vec::new(), bits }
    }

    /// The list of a seed, for so many tokens; none where they had better be followed one by one.
    pub(super) fn of<'l>(
        &'l mut self,
        seed: u32,
        tokens: u32,
        kept: Option<&'l mut Kept>,
    ) -> Option<List<'l>> {
        let Some(slot) = kept.and_then(|kept| kept.slot(seed, tokens)) else {
            return (tokens >= WHOLE).then(|| List(self.draw(seed)));
        };
        if slot.bits.is_none() && slot.asked >= AGAIN {
            slot.bits = Some(self.draw(seed).into());
        }
        slot.bits.as_deref().map(List)
    }

    fn draw(&mut self, seed: u32) -> &[u64] {
        self.bits.fill(0);
        Generator::manual_seed(u64::from(seed)).fill(&mut self.words);
        shuffle::head(&self.words, self.vocab_size, &mut self.entries);
        for token in &self.entries {
            self.bits[*token as usize / 64] |= 1 << (token % 64);
        }
        &self.bits
    }
}

impl List<'_> {
    /// 1 where the token is on the list, else 0.
    pub(super) fn has(self, token: u32) -> f64 {
        self.0.get(token as usize / 64).map_or(0.0, |bits| (bits >> (token % 64) & 1) as f64)
    }
}

/// The lists of a key that scores many texts, one a slot: among the seeds that share some slots those hold them that most of
/// the tokens ask for (the vote of Misra and Gries 1982, one slot at a time).
#[derive(Default)]
pub(crate) struct Kept {
    /// Made when the key is at work for the second time: most keys are not.
    slots: Vec<Slot>,
    begun: bool,
}

#[derive(Clone, Default)]
struct Slot {
    seed: u32,
    /// The tokens that asked for this seed, less those that asked for others.
    asked: u32,
    bits: Option<Box<[u64]>>,
}

impl Kept {
    /// Begins to score a text. None where another thread is at it, or on the first time.
    pub(super) fn begin(kept: &Mutex<Self>, vocab_size: usize) -> Option<MutexGuard<'_, Self>> {
        let mut kept = kept.try_lock().ok()?;
        if !kept.begun {
            kept.begun = true;
            return None;
        }
        if kept.slots.is_empty() {
            let sets = (KEPT / vocab_size.div_ceil(8) / WAYS).clamp(1, 1 << 18);
            kept.slots = vec![Slot::default(); sets * WAYS];
        }
        Some(kept)
    }

    /// The slot of a seed, where it is the seed's own.
    fn slot(&mut self, seed: u32, tokens: u32) -> Option<&mut Slot> {
        let sets = (self.slots.len() / WAYS) as u64;
        let set = (u64::from(seed.wrapping_mul(0x9E37_79B1)) * sets) >> 32;
        let ways = self.slots.chunks_exact_mut(WAYS).nth(set as usize)?;
        let least = |ways: &[Slot]| (0..WAYS).min_by_key(|way| ways[*way].asked);
        let way = ways.iter().position(|slot| slot.seed == seed).or_else(|| least(ways))?;
        let slot = &mut ways[way];
        if slot.seed == seed {
            slot.asked = slot.asked.saturating_add(tokens);
        } else if slot.asked > tokens {
            slot.asked -= tokens;
            return None;
        } else {
            *slot = Slot { seed, asked: tokens, bits: None };
        }
        Some(slot)
    }
}
