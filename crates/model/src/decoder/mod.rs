//! The decoder: token ids in, hidden states and logits out.
//!
//! A batch is packed: the tokens of all documents one after another, and the range of each document (its *segment*). Positions
//! restart in each segment and attention stays inside, so a packed batch gives what its documents give alone. The rows of
//! a batch never influence each other's bits.

mod forward;
mod influence;
mod tree;
mod weights;

use std::borrow::Cow;
use std::ops::Range;

use stillmark_kernels::attention::attention;
use stillmark_kernels::gemm::{Packed, Precision, Store, gemm_packed};
use stillmark_kernels::matrix::{MatMut, MatRef};
use stillmark_kernels::norm::rms_norm;
use stillmark_kernels::rope::Table;

use crate::architecture::{self, EMBEDDING, FINAL_NORM, HEAD};
use crate::{Config, Error, TensorSource};

pub(crate) use forward::Scratch;
pub use influence::Influence;
pub(crate) use weights::Layer;
use weights::{Embedding, packed_linear, read};

/// Rows of whole segments that go through the layers together, unless one segment alone is longer.
const GROUP_ROWS: usize = 1024;

/// Positions of the table kept; longer sequences compute their own.
const TABLE_POSITIONS: usize = 8192;

/// A model ready to run, its weights packed for the matrix products.
#[derive(Debug)]
pub struct Decoder {
    config: Config,
    precision: Precision,
    embedding: Embedding,
    layers: Vec<Layer>,
    final_norm: Vec<f32>,
    head: Packed,
    table: Table,
}

/// What went into a layer and what came out, for the rows of some whole segments.
#[derive(Clone, Debug)]
pub struct LayerPass<'a> {
    /// The layer, from 0.
    pub layer: usize,
    /// Which rows of the batch these are.
    pub rows: Range<usize>,
    /// The residual stream before the layer, `hidden_size` floats a row.
    pub input: &'a [f32],
    /// The residual stream after it.
    pub output: &'a [f32],
}

/// Who looks on while layers run.
pub(crate) trait Sink {
    /// Receives keys (turned by their positions) and values of `rows` of the batch.
    fn keys_values(&mut self, _layer: usize, _rows: Range<usize>, _keys: &[f32], _values: &[f32]) {}

    /// Whether [`Sink::layer`] is to be called, which costs a copy.
    fn watches_layers(&self) -> bool {
        false
    }

    /// Receives the layer's input and output.
    fn layer(&mut self, _pass: &LayerPass<'_>) {}
}

struct Nobody;

impl Sink for Nobody {}

struct Observer<'a>(&'a mut dyn FnMut(&LayerPass<'_>));

impl Sink for Observer<'_> {
    fn watches_layers(&self) -> bool {
        true
    }

    fn layer(&mut self, pass: &LayerPass<'_>) {
        (self.0)(pass);
    }
}

impl Decoder {
    /// Reads every weight, one at a time, and packs it for products in `precision`.
    pub fn load(config: &Config, source: &dyn TensorSource, precision: Precision) -> Result<Self, Error> {
        let (vocab, d) = (config.vocab_size, config.hidden_size);
        let layers = (0..config.layers)
            .map(|layer| Layer::load(config, source, precision, layer))
            .collect::<Result<Vec<_>, _>>()?;
        let rows = read(source, EMBEDDING, &[vocab, d])?;
        let head = if config.tied_embeddings {
            Packed::of_linear(precision, &rows, vocab, d)
        } else {
            packed_linear(source, precision, &[HEAD], &[vocab], d)?
        };
        Ok(Self {
            precision,
            embedding: Embedding::new(rows, precision),
            layers,
            final_norm: read(source, FINAL_NORM, &[d])?,
            head,
            table: architecture::rope_table(config, config.max_positions.min(TABLE_POSITIONS)),
            config: config.clone(),
        })
    }

    /// The shape of the model.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What operands of products are rounded to.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The final-normed hidden states of all rows, `hidden_size` floats each; rows outside every segment mean nothing.
    pub fn hidden(&self, tokens: &[u32], segments: &[Range<usize>]) -> Result<Vec<f32>, Error> {
        self.forward(tokens, segments, &mut Nobody)
    }

    /// As [`Decoder::hidden`], showing every layer's input and output on the way.
    pub fn hidden_observed(
        &self,
        tokens: &[u32],
        segments: &[Range<usize>],
        on_layer: &mut dyn FnMut(&LayerPass<'_>),
    ) -> Result<Vec<f32>, Error> {
        self.forward(tokens, segments, &mut Observer(on_layer))
    }

    /// The logits of some hidden rows, `vocab_size` floats each. Callers hand over a chunk of rows at a time: the logits
    /// of a whole batch would be far larger than anything else.
    ///
    /// # Panics
    /// When `out` does not hold as many rows as `hidden`.
    pub fn logits(&self, hidden: &[f32], out: &mut [f32]) {
        let n_rows = hidden.len() / self.config.hidden_size;
        let hidden = MatRef::row_major(hidden, n_rows, self.config.hidden_size);
        gemm_packed(
            hidden,
            &self.head,
            MatMut::row_major(out, n_rows, self.config.vocab_size),
            Store::Overwrite,
        );
    }

    /// The logits of what follows each prompt, of hidden rows of all their tokens.
    pub(crate) fn logits_after(&self, hidden: &[f32], prompts: &[&[u32]]) -> Vec<f32> {
        let d = self.config.hidden_size;
        let mut last = Vec::with_capacity(prompts.len() * d);
        let mut end = 0;
        for prompt in prompts {
            end += prompt.len() * d;
            last.extend_from_slice(&hidden[end - d..end]);
        }
        let mut logits = vec![0.0_f32; prompts.len() * self.config.vocab_size];
        self.logits(&last, &mut logits);
        logits
    }

    pub(crate) fn forward(
        &self,
        tokens: &[u32],
        segments: &[Range<usize>],
        sink: &mut dyn Sink,
    ) -> Result<Vec<f32>, Error> {
        self.check(tokens, segments)?;
        let d = self.config.hidden_size;
        let longest = segments.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        let table = self.table(longest);
        let mut out = vec![0.0_f32; tokens.len() * d];
        let mut scratch = Scratch::default();
        let mut rest = segments;
        while let Some(first) = rest.first() {
            let together =
                rest.iter().take_while(|segment| segment.end - first.start <= GROUP_ROWS).count().max(1);
            let (group, after) = rest.split_at(together);
            let rows = first.start..group[together - 1].end;
            let out = &mut out[rows.start * d..rows.end * d];
            self.group(tokens, rows, group, (&table, sink, &mut scratch), out);
            rest = after;
        }
        Ok(out)
    }

    /// Runs the rows of some whole segments through all layers.
    fn group(
        &self,
        tokens: &[u32],
        rows: Range<usize>,
        segments: &[Range<usize>],
        (table, sink, scratch): (&Table, &mut dyn Sink, &mut Scratch),
        out: &mut [f32],
    ) {
        let segments: Vec<_> = segments.iter().map(|s| s.start - rows.start..s.end - rows.start).collect();
        let mut positions = vec![0_u32; rows.len()];
        for segment in &segments {
            for (position, row) in
                positions[segment.clone()].iter_mut().enumerate().map(|(idx, row)| (idx as u32, row))
            {
                *row = position;
            }
        }
        let mut x = self.embed(&tokens[rows.clone()]);
        let mut before = Vec::new();
        for (idx, layer) in self.layers.iter().enumerate() {
            if sink.watches_layers() {
                before.clone_from(&x);
            }
            layer.project(&self.config, (table, &positions), &x, scratch);
            sink.keys_values(idx, rows.clone(), &scratch.k, &scratch.v);
            let (inputs, mixed) = scratch.attention_operands();
            attention(self.precision, layer.shape, &segments, inputs, mixed);
            layer.finish(&self.config, scratch, &mut x);
            if sink.watches_layers() {
                sink.layer(&LayerPass { layer: idx, rows: rows.clone(), input: &before, output: &x });
            }
        }
        self.norm_final(&x, out);
    }

    /// The embeddings of some tokens.
    pub(crate) fn embed(&self, tokens: &[u32]) -> Vec<f32> {
        let mut x = vec![0.0_f32; tokens.len() * self.config.hidden_size];
        for (row, token) in x.chunks_exact_mut(self.config.hidden_size).zip(tokens) {
            self.embedding.row(*token as usize, row);
        }
        x
    }

    pub(crate) fn norm_final(&self, x: &[f32], out: &mut [f32]) {
        rms_norm(x, &self.final_norm, self.config.rms_norm_eps, out);
    }

    pub(crate) fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// A table of at least `n_positions`.
    pub(crate) fn table(&self, n_positions: usize) -> Cow<'_, Table> {
        if n_positions <= self.table.len() {
            Cow::Borrowed(&self.table)
        } else {
            Cow::Owned(architecture::rope_table(&self.config, n_positions))
        }
    }

    /// Whether tokens lie in the vocabulary and segments in order, inside the batch and the context.
    pub(crate) fn check(&self, tokens: &[u32], segments: &[Range<usize>]) -> Result<(), Error> {
        let vocab_size = self.config.vocab_size;
        if let Some(token) = tokens.iter().find(|token| **token as usize >= vocab_size) {
            return Err(Error::Token { token: *token, vocab_size });
        }
        let mut end = 0;
        for segment in segments {
            if segment.start < end || segment.end < segment.start || tokens.len() < segment.end {
                return Err(Error::Segment { start: segment.start, end: segment.end, rows: tokens.len() });
            }
            self.check_length(segment.len())?;
            end = segment.end;
        }
        Ok(())
    }

    pub(crate) fn check_length(&self, tokens: usize) -> Result<(), Error> {
        let limit = self.config.max_positions;
        if tokens <= limit { Ok(()) } else { Err(Error::Context { tokens, limit }) }
    }
}
