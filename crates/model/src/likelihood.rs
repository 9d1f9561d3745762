//! How probable continuations are: many contexts at once, what they share computed once.
//!
//! Queries are put in the order of their tokens, so that those that begin alike lie side by side, and read a batch at a time as a tree
//! ([`Decoder::hidden_tree`]). The choices of one question cost its text once, the examples before many questions once a batch; logits are
//! computed only where a token is judged.

mod pair;

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use rayon::prelude::*;
use stillmark_kernels::attention_tree::Node;
use stillmark_kernels::softmax::{exp, max};

use crate::score::chunk_rows;
use crate::{Decoder, Error};

pub use pair::Encoder;

/// Rows that are read together, unless one text alone is longer.
const BATCH_ROWS: usize = 4096;

/// A beginning shorter than this is not shared: many small stretches cost more than they save.
const LEAST_SHARED: usize = 8;

/// A continuation whose probability is asked after a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The tokens before; at least one.
    pub context: Vec<u32>,
    /// The tokens that are judged.
    pub continuation: Vec<u32>,
}

/// What the model thought of one token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token {
    /// The token's natural log-probability.
    pub log_prob: f64,
    /// The mean of the log-probability over the vocabulary, each token weighing its probability (minus the entropy).
    pub mean: f64,
    /// Its variance.
    pub variance: f64,
    /// Whether no token was more probable, and none with a smaller id as probable.
    pub is_greedy: bool,
}

/// What the model thought of a continuation, token by token.
#[derive(Clone, Debug, PartialEq)]
pub struct Likelihood {
    /// Its tokens.
    pub tokens: Vec<Token>,
}

impl Likelihood {
    /// The continuation's log-probability.
    pub fn log_prob(&self) -> f64 {
        self.tokens.iter().map(|token| token.log_prob).sum()
    }

    /// Whether the model, always taking the most probable token, would have written it.
    pub fn is_greedy(&self) -> bool {
        self.tokens.iter().all(|token| token.is_greedy)
    }
}

/// Told of a batch of judged queries, each with its number; breaks off where nothing more is wanted.
pub type OnBatch<'a> = dyn FnMut(&[(usize, Likelihood)]) -> ControlFlow<()> + 'a;

/// Judges every query, telling `on_batch` of a batch at a time, each query with its number, until it breaks off.
///
/// A context that leaves no room is cut from the left, as the public harness does; a continuation longer than the model's context is an
/// error. What is said of a query hardly depends on what is asked beside it: sums run in another order, no more.
pub fn likelihoods(decoder: &Decoder, queries: &[Query], on_batch: &mut OnBatch<'_>) -> Result<(), Error> {
    let texts = queries.iter().map(|query| Text::new(query, decoder.config().max_positions));
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by(|a, b| texts[*a].read().cmp(texts[*b].read()));
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch_len(&texts, rest));
        let judged = judge(decoder, &texts, batch)?;
        if on_batch(&judged).is_break() {
            break;
        }
        rest = after;
    }
    Ok(())
}

/// What is read, and how many of its last tokens are judged.
struct Text {
    tokens: Vec<u32>,
    judged: usize,
}

impl Text {
    fn new(query: &Query, limit: usize) -> Result<Self, Error> {
        let judged = query.continuation.len();
        let mut tokens = [query.context.as_slice(), &query.continuation].concat();
        if query.context.is_empty() || limit < judged {
            return Err(Error::Context { tokens: tokens.len(), limit });
        }
        tokens.drain(..tokens.len().saturating_sub(limit + 1));
        Ok(Self { tokens, judged })
    }

    /// The tokens that the model reads: all but the last, which is only judged.
    fn read(&self) -> &[u32] {
        &self.tokens[..self.tokens.len() - 1]
    }

    /// The places of what is read after which a token is judged.
    fn places(&self) -> std::ops::Range<usize> {
        self.tokens.len() - 1 - self.judged..self.tokens.len() - 1
    }
}

/// How many of the texts, which lie in order, are read together.
fn batch_len(texts: &[Text], order: &[usize]) -> usize {
    let mut rows = 0;
    for (idx, text) in order.iter().enumerate() {
        let own = texts[*text].read();
        let shared = idx.checked_sub(1).map_or(0, |before| common(texts[order[before]].read(), own));
        rows += own.len() - shared;
        if BATCH_ROWS < rows && 0 < idx {
            return idx;
        }
    }
    order.len()
}

/// How many tokens two texts begin with alike.
fn common(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// The texts of a batch as a tree.
#[derive(Default)]
struct Tree {
    tokens: Vec<u32>,
    nodes: Vec<Node>,
    /// For each different text, in order, the stretches of rows that hold it.
    paths: Vec<Vec<std::ops::Range<usize>>>,
}

impl Tree {
    /// Adds texts that are in order, all different, and alike in their first `depth` tokens, which `before` holds.
    fn grow(&mut self, texts: &[&[u32]], depth: usize, before: &[std::ops::Range<usize>]) {
        let mut rest = texts;
        while let Some(first) = rest.first() {
            let alike = |text: &&&[u32]| depth + LEAST_SHARED <= common(first, text);
            let together = rest.iter().take_while(alike).count().max(1);
            let (group, after) = rest.split_at(together);
            let shared = common(first, group[together - 1]);
            let own = self.tokens.len()..self.tokens.len() + shared - depth;
            self.tokens.extend_from_slice(&first[depth..shared]);
            let mut path = before.to_vec();
            if !own.is_empty() {
                self.nodes.push(Node { before: path.clone(), own: own.clone() });
                path.push(own);
            }
            // The first of a group may be the beginning of all others, and so be whole already.
            let is_whole = first.len() == shared;
            if is_whole {
                self.paths.push(path.clone());
            }
            let others = if is_whole { &group[1..] } else { group };
            if !others.is_empty() {
                self.grow(others, shared, &path);
            }
            rest = after;
        }
    }

    /// The row of a place of a text.
    fn row(&self, text: usize, place: usize) -> Option<usize> {
        let mut at = place;
        for rows in &self.paths[text] {
            if at < rows.len() {
                return Some(rows.start + at);
            }
            at -= rows.len();
        }
        None
    }
}

/// Reads the texts of a batch together.
fn judge(decoder: &Decoder, texts: &[Text], batch: &[usize]) -> Result<Vec<(usize, Likelihood)>, Error> {
    let mut different: Vec<&[u32]> = batch.iter().map(|text| texts[*text].read()).collect();
    different.dedup();
    let mut tree = Tree::default();
    tree.grow(&different, 0, &[]);
    // Each row that is judged, with all the tokens that are asked after it.
    let mut asked: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    let mut places = Vec::with_capacity(batch.len());
    let mut idx = 0;
    for text in batch {
        let text = &texts[*text];
        idx += usize::from(different[idx] != text.read());
        let rows: Vec<usize> = text.places().filter_map(|place| tree.row(idx, place)).collect();
        for (row, token) in rows.iter().zip(&text.tokens[text.tokens.len() - text.judged..]) {
            asked.entry(*row).or_default().push(*token);
        }
        places.push(rows);
    }
    let mut found = measured(decoder, &tree, &asked)?;
    // Tokens are taken out of each row in the order in which they were asked: the same loop again.
    let mut take = |row: &usize| found.get_mut(row).and_then(VecDeque::pop_front);
    let likelihoods =
        places.iter().map(|rows| Likelihood { tokens: rows.iter().filter_map(&mut take).collect() });
    Ok(batch.iter().copied().zip(likelihoods).collect())
}

type Found = BTreeMap<usize, VecDeque<Token>>;

/// What the model thought of the tokens that are asked after some rows.
fn measured(decoder: &Decoder, tree: &Tree, asked: &BTreeMap<usize, Vec<u32>>) -> Result<Found, Error> {
    let (vocab_size, d) = (decoder.config().vocab_size, decoder.config().hidden_size);
    let wanted: Vec<usize> = asked.keys().copied().collect();
    let hidden = decoder.hidden_tree(&tree.tokens, &tree.nodes, &wanted)?;
    let mut found = Found::new();
    let mut logits = Vec::new();
    let chunk = chunk_rows(vocab_size);
    for (hidden, rows) in hidden.chunks(chunk * d).zip(wanted.chunks(chunk)) {
        logits.resize(rows.len() * vocab_size, 0.0);
        decoder.logits(hidden, &mut logits);
        let tokens: Vec<Option<VecDeque<Token>>> = logits
            .par_chunks_exact(vocab_size)
            .zip(rows)
            .map(|(logits, row)| measure(logits, &asked[row]))
            .collect();
        for (row, tokens) in rows.iter().zip(tokens) {
            found.insert(*row, tokens.ok_or(Error::NotFinite { row: *row as u64 })?);
        }
    }
    Ok(found)
}

/// What one row of logits says of some tokens; none where it is not made of finite numbers, or a token is not in the vocabulary.
fn measure(logits: &[f32], tokens: &[u32]) -> Option<VecDeque<Token>> {
    let best = max(logits);
    if !best.is_finite() {
        return None;
    }
    let greedy = logits.iter().position(|logit| *logit == best)?;
    let [sum, first, second] = sums(logits, best);
    let log_sum = sum.ln();
    // With z = logit - best: ln p = z - ln sum(e^z), so its mean is that of z, shifted, and its variance that of z.
    let (mean, square) = (first / sum, second / sum);
    let token = |token: &u32| {
        let logit = *logits.get(*token as usize)?;
        Some(Token {
            log_prob: f64::from(logit - best) - log_sum,
            mean: mean - log_sum,
            variance: (square - mean * mean).max(0.0),
            is_greedy: greedy == *token as usize,
        })
    };
    if !log_sum.is_finite() {
        return None;
    }
    tokens.iter().map(token).collect()
}

/// Sums of `e^z`, `z e^z` and `z² e^z` over a row, in short stretches of 32-bit numbers.
fn sums(logits: &[f32], best: f32) -> [f64; 3] {
    const LANES: usize = 16;
    // Below this, e^z is nothing beside the best one's 1, and z e^z of an impossible token would be no number.
    const LEAST: f32 = -80.0;
    let mut sums = [0.0_f64; 3];
    for stretch in logits.chunks(64 * LANES) {
        let mut parts = [[0.0_f32; LANES]; 3];
        for lanes in stretch.chunks(LANES) {
            for (lane, logit) in lanes.iter().enumerate() {
                let z = logit - best;
                let z = if z < LEAST { LEAST } else { z };
                let weight = exp(z);
                parts[0][lane] += weight;
                parts[1][lane] += z * weight;
                parts[2][lane] += z * z * weight;
            }
        }
        for (sum, part) in sums.iter_mut().zip(parts) {
            *sum += part.iter().map(|x| f64::from(*x)).sum::<f64>();
        }
    }
    sums
}
