//! Decoding with a cache of keys and values, many rows at once, rows coming and going.

use std::ops::Range;

use half::bf16;
use stillmark_kernels::attention_cached::{CachedHead, attention_cached_batch};
use stillmark_kernels::convert::narrow_bf16;
use stillmark_kernels::gemm::Precision;

use crate::decoder::{Scratch, Sink};
use crate::{Config, Decoder, Error};

/// The place of a row in a [`Session`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot(usize);

/// Sequences being continued, each with its own cache; f32 caches for an f32 decoder, bf16 for a bf16 one.
///
/// The logits of a row have the same bits whatever other rows are in the session.
#[derive(Debug)]
pub struct Session<'a> {
    decoder: &'a Decoder,
    rows: Vec<Option<Cache>>,
    scratch: Scratch,
}

/// The keys and values of one row.
#[derive(Debug)]
struct Cache {
    /// Tokens held.
    len: usize,
    /// Heads of layer 0, then those of layer 1, and so on.
    heads: Vec<Head>,
}

/// One key-value head of one layer.
#[derive(Debug)]
enum Head {
    F32 { keys: Vec<f32>, values: Vec<f32> },
    Bf16 { keys: Vec<bf16>, values: Vec<bf16> },
}

impl Head {
    fn new(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32 { keys: Vec::new(), values: Vec::new() },
            Precision::Bf16 => Self::Bf16 { keys: Vec::new(), values: Vec::new() },
        }
    }

    fn push(&mut self, key: &[f32], value: &[f32]) {
        match self {
            Self::F32 { keys, values } => {
                keys.extend_from_slice(key);
                values.extend_from_slice(value);
            }
            Self::Bf16 { keys, values } => {
                extend_narrow(keys, key);
                extend_narrow(values, value);
            }
        }
    }

    fn view(&self) -> CachedHead<'_> {
        match self {
            Self::F32 { keys, values } => CachedHead::F32 { keys, values },
            Self::Bf16 { keys, values } => CachedHead::Bf16 { keys, values },
        }
    }
}

fn extend_narrow(cache: &mut Vec<bf16>, new: &[f32]) {
    let at = cache.len();
    cache.resize(at + new.len(), bf16::ZERO);
    narrow_bf16(new, &mut cache[at..]);
}

impl Cache {
    fn new(config: &Config, precision: Precision) -> Self {
        Self { len: 0, heads: (0..config.layers * config.kv_heads).map(|_| Head::new(precision)).collect() }
    }

    /// Appends the keys and values of some tokens in one layer.
    fn push(&mut self, config: &Config, layer: usize, keys: &[f32], values: &[f32]) {
        let (kv_heads, dim) = (config.kv_heads, config.head_dim);
        let heads = &mut self.heads[layer * kv_heads..(layer + 1) * kv_heads];
        for (keys, values) in keys.chunks_exact(kv_heads * dim).zip(values.chunks_exact(kv_heads * dim)) {
            for (head, (key, value)) in
                heads.iter_mut().zip(keys.chunks_exact(dim).zip(values.chunks_exact(dim)))
            {
                head.push(key, value);
            }
        }
    }
}

/// Fills the caches of new rows while their prompts pass through the layers.
struct Fill<'a> {
    config: &'a Config,
    segments: &'a [Range<usize>],
    caches: Vec<Cache>,
}

impl Sink for Fill<'_> {
    fn keys_values(&mut self, layer: usize, rows: Range<usize>, keys: &[f32], values: &[f32]) {
        let width = self.config.kv_heads * self.config.head_dim;
        for (segment, cache) in self.segments.iter().zip(&mut self.caches) {
            if rows.start <= segment.start && segment.end <= rows.end {
                let own = (segment.start - rows.start) * width..(segment.end - rows.start) * width;
                cache.push(self.config, layer, &keys[own.clone()], &values[own]);
            }
        }
    }
}

impl<'a> Session<'a> {
    /// A session without rows.
    pub fn new(decoder: &'a Decoder) -> Self {
        Self { decoder, rows: Vec::new(), scratch: Scratch::default() }
    }

    /// As [`Session::read`], returning the logits of what follows each prompt, one after another.
    pub fn admit(&mut self, prompts: &[&[u32]]) -> Result<(Vec<Slot>, Vec<f32>), Error> {
        let (slots, hidden) = self.read(prompts)?;
        Ok((slots, self.decoder.logits_after(&hidden, prompts)))
    }

    /// Takes in new rows and reads their prompts, all at once; returns the rows' places and, one prompt after another, the
    /// final-normed hidden states of all tokens.
    pub fn read(&mut self, prompts: &[&[u32]]) -> Result<(Vec<Slot>, Vec<f32>), Error> {
        let config = self.decoder.config();
        let tokens = prompts.concat();
        let mut end = 0;
        let mut segments = Vec::with_capacity(prompts.len());
        for prompt in prompts {
            if prompt.is_empty() {
                return Err(Error::Segment { start: end, end, rows: tokens.len() });
            }
            segments.push(end..end + prompt.len());
            end += prompt.len();
        }
        let caches = prompts.iter().map(|_| Cache::new(config, self.decoder.precision())).collect();
        let mut fill = Fill { config, segments: &segments, caches };
        let hidden = self.decoder.forward(&tokens, &segments, &mut fill)?;
        let caches =
            fill.caches.into_iter().zip(prompts).map(|(cache, prompt)| Cache { len: prompt.len(), ..cache });
        let slots = caches.map(|cache| place(&mut self.rows, cache)).collect();
        Ok((slots, hidden))
    }

    /// Lets each of the given rows read one more token; `logits` receives those of what follows, in the order given.
    ///
    /// # Panics
    /// When a row is named twice or was released.
    pub fn step(&mut self, inputs: &[(Slot, u32)], logits: &mut Vec<f32>) -> Result<(), Error> {
        let config = self.decoder.config();
        let tokens: Vec<u32> = inputs.iter().map(|(_, token)| *token).collect();
        self.decoder.check(&tokens, &[])?;
        let mut caches = self.take(inputs);
        let result = caches.iter().try_for_each(|cache| self.decoder.check_length(cache.len + 1));
        if result.is_ok() {
            let x = advance(self.decoder, &tokens, &mut caches, &mut self.scratch);
            logits.resize(inputs.len() * config.vocab_size, 0.0);
            self.decoder.logits(&x, logits);
        }
        for ((slot, _), cache) in inputs.iter().zip(caches) {
            self.rows[slot.0] = Some(cache);
        }
        result
    }

    /// Forgets a row; its place may be given to another.
    pub fn release(&mut self, slot: Slot) {
        self.rows[slot.0] = None;
    }

    /// Number of rows held.
    pub fn len(&self) -> usize {
        self.rows.iter().flatten().count()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take(&mut self, inputs: &[(Slot, u32)]) -> Vec<Cache> {
        let taken: Vec<Cache> = inputs.iter().filter_map(|(slot, _)| self.rows[slot.0].take()).collect();
        assert_eq!(taken.len(), inputs.len(), "each row is there, and named once");
        taken
    }
}

fn place(rows: &mut Vec<Option<Cache>>, cache: Cache) -> Slot {
    let free = rows.iter().position(Option::is_none).unwrap_or(rows.len());
    if free == rows.len() {
        rows.push(None);
    }
    rows[free] = Some(cache);
    Slot(free)
}

/// Runs one token of each row through all layers; returns the final-normed hidden states.
fn advance(decoder: &Decoder, tokens: &[u32], caches: &mut [Cache], scratch: &mut Scratch) -> Vec<f32> {
    let config = decoder.config();
    let positions: Vec<u32> = caches.iter().map(|cache| cache.len as u32).collect();
    let table = decoder.table(caches.iter().map(|cache| cache.len + 1).max().unwrap_or(0));
    let (kv_heads, kv_width) = (config.kv_heads, config.kv_heads * config.head_dim);
    let mut x = decoder.embed(tokens);
    for (idx, layer) in decoder.layers().iter().enumerate() {
        layer.project(config, (&table, &positions), &x, scratch);
        let new = scratch.k.chunks_exact(kv_width).zip(scratch.v.chunks_exact(kv_width));
        for (cache, (key, value)) in caches.iter_mut().zip(new) {
            cache.push(config, idx, key, value);
        }
        let own = idx * kv_heads..(idx + 1) * kv_heads;
        let heads: Vec<_> =
            caches.iter().flat_map(|cache| &cache.heads[own.clone()]).map(Head::view).collect();
        attention_cached_batch(layer.shape, &scratch.q, &heads, &mut scratch.mixed);
        drop(heads);
        layer.finish(config, scratch, &mut x);
    }
    for cache in caches {
        cache.len += 1;
    }
    let mut out = vec![0.0_f32; x.len()];
    decoder.norm_final(&x, &mut out);
    out
}
