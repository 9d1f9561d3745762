//! Scoring of given text: what the model thought of every next token.
//! Texts longer than the context, and entropies, are in [`reading`](crate::reading).

use std::ops::{ControlFlow, Range};

use stillmark_kernels::top::{Best, top_rows};

use crate::{Decoder, Error};

/// Floats of logits held at a time (16 MiB).
const CHUNK_FLOATS: usize = 1 << 22;

/// The best next tokens of some rows, with exact log-probabilities (natural, softmax over the whole vocabulary).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopK {
    /// How many a row.
    pub k: usize,
    /// `k` token ids a row, the most probable first.
    pub ids: Vec<u32>,
    /// Their log-probabilities.
    pub log_probs: Vec<f32>,
    /// The probability of all other tokens, one a row: summed, not subtracted.
    pub tails: Vec<f32>,
}

impl TopK {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.tails.len()
    }

    /// The ids and log-probabilities of one row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = row * self.k..(row + 1) * self.k;
        (&self.ids[range.clone()], &self.log_probs[range])
    }

    /// Adds a row of another.
    pub(crate) fn push(&mut self, other: &Self, row: usize) {
        let (ids, log_probs) = other.row(row);
        self.k = other.k;
        self.ids.extend_from_slice(ids);
        self.log_probs.extend_from_slice(log_probs);
        self.tails.push(other.tails[row]);
    }

    /// Takes the best of each row of logits, which are left changed; returns what makes a logit of each row a
    /// log-probability when taken from it.
    pub(crate) fn fill(&mut self, k: usize, logits: &mut [f32], vocab_size: usize) -> Vec<f32> {
        let n_rows = logits.len() / vocab_size;
        self.k = k;
        self.ids.resize(n_rows * k, 0);
        self.log_probs.resize(n_rows * k, 0.0);
        self.tails.resize(n_rows, 0.0);
        let mut log_sums = vec![0.0_f32; n_rows];
        let mut best = Best { k, ids: &mut self.ids, log_probs: &mut self.log_probs, tails: &mut self.tails };
        top_rows(logits, vocab_size, &mut best, &mut log_sums);
        log_sums
    }
}

/// The scores of a stretch of rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Which rows of the batch.
    pub rows: Range<usize>,
    /// The best next tokens of each.
    pub top: TopK,
    /// The log-probability of the token that does come next; none for the last of a segment and outside of segments.
    pub next: Vec<Option<f32>>,
}

/// Scores every position of a packed batch, showing the results a chunk of rows at a time and in order, until `on_chunk`
/// breaks off.
///
/// `top_k` is cut to the vocabulary; never more than a few megabytes of logits exist at a time.
pub fn score(
    decoder: &Decoder,
    tokens: &[u32],
    segments: &[Range<usize>],
    top_k: usize,
    on_chunk: &mut dyn FnMut(&Scores) -> ControlFlow<()>,
) -> Result<(), Error> {
    let (vocab_size, d) = (decoder.config().vocab_size, decoder.config().hidden_size);
    let hidden = decoder.hidden(tokens, segments)?;
    let targets = next_tokens(tokens, segments);
    let chunk_rows = chunk_rows(vocab_size);
    let mut logits = Vec::new();
    let mut scores = Scores::default();
    for start in (0..tokens.len()).step_by(chunk_rows) {
        let rows = start..(start + chunk_rows).min(tokens.len());
        logits.resize(rows.len() * vocab_size, 0.0);
        decoder.logits(&hidden[rows.start * d..rows.end * d], &mut logits);
        let targets = &targets[rows.clone()];
        scores.next.clear();
        let row_logits = logits.chunks_exact(vocab_size);
        scores
            .next
            .extend(row_logits.zip(targets).map(|(row, target)| target.map(|target| row[target as usize])));
        let log_sums = scores.top.fill(top_k.clamp(1, vocab_size), &mut logits, vocab_size);
        if let Some(bad) = log_sums.iter().position(|sum| !sum.is_finite()) {
            return Err(Error::NotFinite { row: (start + bad) as u64 });
        }
        for (next, log_sum) in scores.next.iter_mut().zip(log_sums) {
            *next = next.map(|logit| logit - log_sum);
        }
        scores.rows = rows;
        if on_chunk(&scores).is_break() {
            break;
        }
    }
    Ok(())
}

/// The best next tokens of some final-normed hidden rows.
pub(crate) fn top_of(decoder: &Decoder, hidden: &[f32], k: usize) -> TopK {
    let (vocab_size, d) = (decoder.config().vocab_size, decoder.config().hidden_size);
    let k = k.clamp(1, vocab_size);
    let mut all = TopK { k, ..TopK::default() };
    let mut chunk = TopK::default();
    let mut logits = Vec::new();
    for hidden in hidden.chunks(chunk_rows(vocab_size) * d) {
        logits.resize(hidden.len() / d * vocab_size, 0.0);
        decoder.logits(hidden, &mut logits);
        chunk.fill(k, &mut logits, vocab_size);
        all.ids.extend_from_slice(&chunk.ids);
        all.log_probs.extend_from_slice(&chunk.log_probs);
        all.tails.extend_from_slice(&chunk.tails);
    }
    all
}

/// Rows whose logits are held at a time.
pub(crate) fn chunk_rows(vocab_size: usize) -> usize {
    (CHUNK_FLOATS / vocab_size).max(1)
}

/// The token that follows each row inside its segment.
fn next_tokens(tokens: &[u32], segments: &[Range<usize>]) -> Vec<Option<u32>> {
    let mut next = vec![None; tokens.len()];
    for segment in segments {
        for row in segment.start + 1..segment.end {
            next[row - 1] = Some(tokens[row]);
        }
    }
    next
}
