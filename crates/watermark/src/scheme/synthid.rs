//! SynthID-Text (Dathathri et al. 2024, "Scalable watermarking for identifying large language model outputs"): a tournament
//! among tokens in as many layers as there are keys, each layer with a bit of every token. Three projects made three
//! incompatible hashes of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};
use stillmark_kernels::philox;
use stillmark_stats::torch::Generator;

use super::{Decoys, Fields, Null, Scheme, hex, integer};
use crate::mmix::{MULTIPLIER, place, step};
use crate::sites::{Before, Once, Rule, Slice};

/// How a window, a token and a layer's key become a bit.
#[derive(Clone)]
pub(crate) enum Form {
    /// transformers: the hash's lower bits look up a table of bits.
    Transformers { table: Vec<u8>, table_seed: u64 },
    /// google-deepmind/synthid-text since June 2025: a start made of all keys, and twelve rounds.
    DeepMind,
    /// vLLM's main branch: the bits of the token's Philox word.
    Vllm { key: u64 },
}

/// A SynthID-Text mark with its keys.
#[derive(Clone)]
pub(crate) struct SynthId {
    pub(crate) form: Form,
    /// One a layer (none in vLLM's form).
    pub(crate) keys: Vec<i64>,
    pub(crate) depth: usize,
    pub(crate) ngram_len: usize,
    pub(crate) history: usize,
    pub(crate) eos_token: Option<u32>,
    /// The hash before the first token.
    pub(crate) start: i64,
    /// What [`Self::rotated`] has worked out, of a key that scores many texts.
    pub(crate) kept: Option<Kept>,
}

/// What was once worked out: the table, and the sums over bytes.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    table: Arc<OnceLock<Arc<Vec<u32>>>>,
    sums: Arc<OnceLock<Vec<[f64; 256]>>>,
    /// The sites that were scored without it.
    asked: Arc<AtomicUsize>,
}

/// The table of bits of transformers' form.
pub(crate) fn table(size: usize, seed: u64) -> Vec<u8> {
    let mut generator = Generator::manual_seed(seed);
    (0..size).map(|_| u8::from(generator.bit())).collect()
}

/// The hash before the first token in `DeepMind`'s form.
pub(crate) fn start_of(keys: &[i64]) -> i64 {
    let mut hasher = Sha256::new();
    for key in keys {
        hasher.update(key.to_le_bytes());
    }
    let modulus = u128::from(u64::MAX >> 1);
    hasher.finalize().iter().fold(0_u128, |rest, byte| (rest << 8 | u128::from(*byte)) % modulus) as i64
}

impl SynthId {
    /// Whether text is marked with it here.
    pub(crate) fn marks(&self) -> bool {
        matches!(self.form, Form::Transformers { .. }) && self.depth <= 32
    }

    /// The hash of a window and its token, to which each layer's key is added.
    pub(crate) fn hash(&self, window: &[u32]) -> i64 {
        window.iter().fold(self.start, |hash, token| step(hash, i64::from(*token)))
    }

    /// The bits of a token after a window, the first layer lowest.
    pub(crate) fn bits(&self, window: &[u32], token: u32) -> u64 {
        if let Form::Vllm { key } = self.form {
            let word = philox::token_word(philox::context_state(window, key), token, key);
            return u64::from(word) & (u64::MAX >> (64 - self.depth));
        }
        let hash = step(self.hash(window), i64::from(token));
        let bit = |key: &i64| match &self.form {
            Form::Transformers { table, .. } => {
                u64::from(table[step(hash, *key).rem_euclid(table.len() as i64) as usize])
            }
            _ => (twelve_rounds(step(hash, *key)) >> 30) as u64 & 1,
        };
        self.keys.iter().enumerate().fold(0, |bits, (layer, key)| bits | bit(key) << layer)
    }

    /// The weights of the layers in the weighted mean, which add up to their number.
    pub(crate) fn weights(&self) -> Vec<f64> {
        let last = (self.depth.max(2) - 1) as f64;
        let weights: Vec<f64> = (0..self.depth).map(|layer| 10.0 - 9.0 * layer as f64 / last).collect();
        let total: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight * self.depth as f64 / total).collect()
    }

    /// The bits of each site.
    pub(crate) fn site_bits(&self, sites: Slice<'_>) -> Vec<u64> {
        let mut all = Vec::with_capacity(sites.len());
        self.each_bits(sites, |bits| all.push(bits));
        all
    }

    /// Tells of the bits of each site.
    fn each_bits(&self, sites: Slice<'_>, mut tell: impl FnMut(u64)) {
        match self.rotated_for(sites.len()) {
            Some(table) => {
                Self::each_place(sites, |place| tell(u64::from(table[place as usize & (table.len() - 1)])));
            }
            None => self.hashed(sites).into_iter().for_each(tell),
        }
    }

    /// The bits of each site without a table.
    fn hashed(&self, sites: Slice<'_>) -> Vec<u64> {
        let Form::Vllm { key } = self.form else {
            return (0..sites.len()).map(|site| self.bits(sites.window(site), sites.tokens[site])).collect();
        };
        let (mut states, mut words) = (vec![[0; 4]; sites.len()], vec![0; sites.len()]);
        philox::context_states(sites.windows, sites.width, key, &mut states);
        philox::token_words(&states, sites.tokens, key, &mut words);
        words.into_iter().map(|word| u64::from(word) & (u64::MAX >> (64 - self.depth))).collect()
    }

    /// The mean of each site's bits, weighted by layer. Words of 32 layers are usual, and half the work.
    fn means<const BYTES: usize>(&self, sites: Slice<'_>, sums: &[[f64; 256]], scores: &mut [f64]) {
        let Some(sums) = sums.first_chunk::<BYTES>() else { return };
        let of_byte =
            |(byte, sums): (usize, &[f64; 256]), bits: u64| sums[(bits >> (8 * byte)) as usize & 255];
        let (mut places, depth) = (scores.iter_mut(), self.depth as f64);
        self.each_bits(sites, |bits| {
            if let Some(place) = places.next() {
                *place = sums.iter().enumerate().map(|pair| of_byte(pair, bits)).sum::<f64>() / depth;
            }
        });
    }

    /// The sums of weights over the bits of each byte of a word.
    fn byte_sums(&self) -> Vec<[f64; 256]> {
        let weights = match self.null() {
            Null::Bits { weights } => weights,
            _ => Vec::new(),
        };
        let mut all = vec![[0.0; 256]; if self.depth <= 32 { 4 } else { 8 }];
        for (sums, weights) in all.iter_mut().zip(weights.chunks(8)) {
            for (bit, weight) in weights.iter().enumerate() {
                // A byte whose highest bit this is, is a smaller byte and the bit.
                let (without, with) = sums.split_at_mut(1 << bit);
                with.iter_mut().zip(without).for_each(|(with, without)| *with = *without + weight);
            }
        }
        all
    }

    /// Tells of each site's [`place`].
    fn each_place(sites: Slice<'_>, mut tell: impl FnMut(u32)) {
        let (wide, others) = sites.windows.as_chunks::<4>();
        if sites.width == 4 && others.is_empty() {
            // The usual width, without a loop.
            wide.iter().zip(sites.tokens).for_each(|(window, token)| tell(place(window, *token)));
        } else {
            let windows = sites.windows.chunks_exact(sites.width);
            windows.zip(sites.tokens).for_each(|(window, token)| tell(place(window, *token)));
        }
    }

    /// How many different layers there are: of a key that looks up a table, the lower bits alone count, as many as index it.
    fn layers(&self) -> Option<usize> {
        match &self.form {
            Form::Transformers { table, .. } if table.len().is_power_of_two() => Some(table.len()),
            _ => None,
        }
    }

    /// All layers that are not this key's, in an order that the seed says (Fisher and Yates).
    fn other_layers(&self, seed: u64, pass: u64) -> Vec<i64> {
        let Some(layers) = self.layers() else { return Vec::new() };
        let mut free = vec![true; layers];
        for key in &self.keys {
            free[key.rem_euclid(layers as i64) as usize] = false;
        }
        let mut others: Vec<i64> =
            (0..layers).filter(|layer| free[*layer]).map(|layer| layer as i64).collect();
        let mut stream =
            super::decoy_hasher(seed).update(b"layers").update(&pass.to_le_bytes()).finalize_xof();
        for left in (1..others.len()).rev() {
            let mut bytes = [0; 8];
            stream.fill(&mut bytes);
            let drawn = (u128::from(u64::from_le_bytes(bytes)) * (left as u128 + 1)) >> 64;
            others.swap(left, drawn as usize);
        }
        others
    }

    /// What [`Self::rotated`] gives, where it is at hand or worth working out for so many sites.
    fn rotated_for(&self, sites: usize) -> Option<Arc<Vec<u32>>> {
        /// Working it out takes as long as so many entries of it as sites, one by one.
        const WORTH: usize = 16;
        let Form::Transformers { table, .. } = &self.form else { return None };
        let Some(kept) = &self.kept else {
            return (table.len() <= sites * WORTH).then(|| self.rotated()).flatten();
        };
        // The first time it is not kept: most keys are not at work twice.
        if let Some(table) = kept.table.get() {
            return Some(table.clone());
        }
        let asked = kept.asked.fetch_add(sites, Ordering::Relaxed);
        let rotated = (table.len() <= (asked + sites) * WORTH).then(|| self.rotated()).flatten()?;
        Some(if asked > 0 { kept.table.get_or_init(|| rotated).clone() } else { rotated })
    }

    /// The bits of every possible sum of hash and token, where they repeat soon enough: a token's bits depend on the lower bits
    /// of that sum alone, as many as index the table.
    pub(crate) fn rotated(&self) -> Option<Arc<Vec<u32>>> {
        let Form::Transformers { table, .. } = &self.form else { return None };
        if !table.len().is_power_of_two() || self.depth > 32 {
            return None;
        }
        Some(Arc::new(rotated(table, &self.keys)))
    }
}

/// The index of a layer's bit is (((s · M + 1) + key) · M + 1) mod the table's length, for a sum s. As M is odd, s · M² + c is
/// (s + c / M²) · M²: each layer reads one reordered table from another place on.
fn rotated(table: &[u8], keys: &[i64]) -> Vec<u32> {
    let mask = table.len() as u64 - 1;
    let square = (MULTIPLIER as u64).wrapping_mul(MULTIPLIER as u64);
    let reordered: Vec<u32> =
        (0..table.len() as u64).map(|s| u32::from(table[(s.wrapping_mul(square) & mask) as usize])).collect();
    // Newton's iteration doubles the right bits of an inverse modulo a power of two, of which an odd number itself has three.
    let inverse = (0..5)
        .fold(square, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(square.wrapping_mul(inverse))));
    let mut all = vec![0; table.len()];
    for (layer, key) in keys.iter().enumerate() {
        let constant = step(step(0, 0), *key) as u64;
        let (end, begin) = reordered.split_at((constant.wrapping_mul(inverse) & mask) as usize);
        let (first, last) = all.split_at_mut(begin.len());
        for (bits, bit) in first.iter_mut().zip(begin).chain(last.iter_mut().zip(end)) {
            *bits |= bit << layer;
        }
    }
    all
}

fn twelve_rounds(mut x: i64) -> i64 {
    for _ in 0..12 {
        x = step(x, 1) >> 5;
    }
    x
}

impl Scheme for SynthId {
    fn name(&self) -> &'static str {
        match self.form {
            Form::Transformers { .. } => "synthid-transformers",
            Form::DeepMind => "synthid-deepmind",
            Form::Vllm { .. } => "synthid-vllm",
        }
    }

    fn reference(&self) -> &'static str {
        match self.form {
            Form::Transformers { .. } => "transformers 5.23.0, SynthIDTextWatermarkLogitsProcessor",
            Form::DeepMind => "google-deepmind/synthid-text addb4a1",
            Form::Vllm { .. } => "vLLM main at 0265d6bd674c, synthid.py",
        }
    }

    fn fields(&self) -> Fields {
        let keys = || toml::Value::from(self.keys.clone());
        match &self.form {
            Form::Vllm { key } => Fields::from([
                ("key", hex(*key)),
                ("depth", integer(self.depth)),
                ("context_width", integer(self.ngram_len - 1)),
            ]),
            Form::DeepMind => Fields::from([
                ("keys", keys()),
                ("ngram_len", integer(self.ngram_len)),
                ("context_history_size", integer(self.history)),
            ]),
            Form::Transformers { table, table_seed } => {
                let mut fields = Fields::from([
                    ("keys", keys()),
                    ("ngram_len", integer(self.ngram_len)),
                    ("context_history_size", integer(self.history)),
                    ("sampling_table_size", integer(table.len())),
                    ("sampling_table_seed", hex(*table_seed)),
                ]);
                fields.extend(self.eos_token.map(|token| ("eos_token", integer(token as usize))));
                fields
            }
        }
    }

    fn rule(&self) -> Rule {
        let width = self.ngram_len - 1;
        let (before, once) = match self.form {
            Form::Vllm { .. } => (Before::Filler(u32::MAX), Once::Window),
            _ => (Before::Nothing, Once::History(self.history)),
        };
        Rule { end: self.eos_token, ..Rule::new(width, before, once) }
    }

    fn effective_rule(&self) -> Rule {
        let places = self.layers().and_then(|layers| u32::try_from(layers).ok());
        Rule { once: Once::Window, places, ..self.rule() }
    }

    fn null(&self) -> Null {
        match self.form {
            Form::Vllm { .. } => Null::Bits { weights: vec![1.0; self.depth] },
            _ => Null::Bits { weights: self.weights() },
        }
    }

    fn score(&self, sites: Slice<'_>, scores: &mut [f64]) {
        let own;
        let sums = if let Some(kept) = &self.kept {
            kept.sums.get_or_init(|| self.byte_sums())
        } else {
            own = self.byte_sums();
            &own
        };
        match sums.len() {
            4 => self.means::<4>(sites, sums, scores),
            _ => self.means::<8>(sites, sums, scores),
        }
    }

    fn with_key(&self, material: &[u8; 32]) -> Box<dyn Scheme> {
        if let Form::Vllm { .. } = self.form {
            return Box::new(Self {
                form: Form::Vllm { key: super::word(material) },
                kept: None,
                ..self.clone()
            });
        }
        let mut stream = blake3::Hasher::new_keyed(material).finalize_xof();
        let mut next = || {
            let mut bytes = [0; 8];
            stream.fill(&mut bytes);
            (u64::from_le_bytes(bytes) >> 32) as i64
        };
        let keys: Vec<i64> = (0..self.depth).map(|_| next()).collect();
        let start = if matches!(self.form, Form::DeepMind) { start_of(&keys) } else { self.start };
        Box::new(Self { keys, start, kept: None, ..self.clone() })
    }

    fn decoys(&self, seed: u64, count: usize) -> Decoys<'_> {
        let others = self.layers().map_or(0, |layers| layers.saturating_sub(self.depth));
        let a_pass = others / self.depth;
        if a_pass == 0 {
            return super::made_decoys(self, seed);
        }
        let passes: Vec<Vec<i64>> =
            (0..count.div_ceil(a_pass)).map(|pass| self.other_layers(seed, pass as u64)).collect();
        Box::new(move |number| {
            let first = number % a_pass * self.depth;
            let keys = passes[number / a_pass % passes.len()][first..first + self.depth].to_vec();
            Box::new(Self { keys, kept: None, ..self.clone() })
        })
    }

    fn apart_from(&self, other: &dyn Scheme) -> Option<Box<dyn Scheme>> {
        let (layers, other) = (self.layers()? as i64, other.as_any().downcast_ref::<Self>()?);
        let is_shared = |key: &i64| other.keys.iter().any(|other| (other - key) % layers == 0);
        let keys: Vec<i64> = self.keys.iter().copied().filter(|key| !is_shared(key)).collect();
        let some = !keys.is_empty() && keys.len() < self.keys.len();
        some.then(|| {
            Box::new(Self { depth: keys.len(), keys, kept: None, ..self.clone() }) as Box<dyn Scheme>
        })
    }

    fn keep(&mut self) {
        self.kept = Some(Kept::default());
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
