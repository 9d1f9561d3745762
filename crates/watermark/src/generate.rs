//! Marking: which token to take, given a model's logits and the tokens so far.
//!
//! A [`Marker`] works on one answer and remembers what it must of it. Green lists bias the logits before temperature and
//! filters; tournaments and Gumbel choices come after them.

use std::collections::BTreeMap;
use std::sync::Arc;

use stillmark_kernels::{philox, tournament};

use crate::scheme::best_of_n::BestOfN;
use crate::scheme::green::{GreenList, Salt};
use crate::scheme::hardened::{Hardened, Uniform};
use crate::scheme::philox::Philox;
use crate::scheme::synthid::SynthId;
use crate::sites::Once;
use crate::{Error, Key};

/// How many of the latest windows vLLM compares a window with.
const LATEST: usize = 8192;

/// How many candidates a self-salted green list looks at.
const CANDIDATES: usize = 40;

/// A key at work on one answer.
pub struct Marker<'m> {
    way: &'m Way,
    /// Tokens that were chosen so far.
    position: usize,
    /// Where each window was last.
    last: BTreeMap<Vec<u32>, usize>,
}

/// What a mark makes of warped scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// It takes this token.
    Token(u32),
    /// It has changed the scores: draw from them.
    Changed,
    /// It leaves the choice to the sampler.
    Ordinary,
}

/// What a key needs to mark, made once for all answers.
pub struct Marking {
    way: Way,
}

/// How a key marks.
enum Way {
    Philox(Philox),
    Hardened(Hardened),
    Green(GreenList),
    /// With the bits of every sum of hash and token, where there are few enough of them.
    SynthId(SynthId, Option<Arc<Vec<u32>>>),
}

impl Marking {
    /// Gets ready to mark with a key.
    pub fn new(key: &Key) -> Result<Self, Error> {
        let scheme = key.scheme();
        let any = scheme.as_any();
        let way = if let Some(philox) = any.downcast_ref::<Philox>() {
            Way::Philox(philox.clone())
        } else if let Some(hardened) = any.downcast_ref::<Hardened>() {
            Way::Hardened(hardened.clone())
        } else if let Some(green) = any.downcast_ref::<GreenList>().filter(|green| green.marks()) {
            Way::Green(green.clone())
        } else if let Some(synthid) = any.downcast_ref::<SynthId>().filter(|synthid| synthid.marks()) {
            Way::SynthId(synthid.clone(), synthid.rotated())
        } else {
            let cannot = "is only detected here: mark with `vllm-philox`, `stillmark-gumbel`, `kgw-transformers` or \
                          `synthid-transformers` (of at most 32 keys), or choose segments with `best-of-n`";
            return Err(Error::Unsupported { scheme: scheme.name(), cannot });
        };
        Ok(Self { way })
    }

    /// Begins an answer.
    pub fn start(&self) -> Marker<'_> {
        Marker { way: &self.way, position: 0, last: BTreeMap::new() }
    }
}

impl Marker<'_> {
    /// Changes the model's logits, before temperature and filters. `context` is the prompt and the answer so far.
    pub fn bias(&mut self, context: &[u32], logits: &mut [f32]) {
        if let Way::Green(scheme) = self.way {
            bias(scheme, context, logits);
        }
    }

    /// Whether the mark has a say after temperature and filters.
    pub fn chooses(&self) -> bool {
        !matches!(self.way, Way::Green(_))
    }

    /// Chooses after temperature and filters: `scores` are logits / temperature, negative infinity where a token was filtered
    /// out. `answer` is the answer so far, `u` the uniform number that decides which of two keys is used.
    pub fn choose(&mut self, answer: &[u32], scores: &mut [f32], u: f64) -> Chosen {
        match self.way {
            Way::Green(_) => Chosen::Ordinary,
            Way::Philox(scheme) => {
                let window = window(answer, scheme.context_width, u32::MAX);
                let latest = if scheme.once == Once::Never { 0 } else { LATEST };
                if !self.is_fresh(window.clone(), latest) {
                    return Chosen::Ordinary;
                }
                let key = match scheme.pair() {
                    Some(([_, key_b], alpha)) if u < alpha => key_b,
                    _ => scheme.first(),
                };
                let state = philox::context_state(&window, key);
                philox::gumbel_choice(scores, state, key).map_or(Chosen::Ordinary, Chosen::Token)
            }
            Way::Hardened(scheme) => {
                let window = window(answer, scheme.context_width, u32::MAX);
                if !self.is_fresh(window.clone(), usize::MAX) {
                    return Chosen::Ordinary;
                }
                hardened_choice(scheme, &window, scores).map_or(Chosen::Ordinary, Chosen::Token)
            }
            Way::SynthId(scheme, table) => {
                let window = window(answer, scheme.ngram_len - 1, 0);
                if !self.is_fresh(window.clone(), scheme.history) {
                    return Chosen::Ordinary;
                }
                let depth = scheme.depth as u32;
                if let Some(table) = table {
                    let offset = scheme.hash(&window).rem_euclid(table.len() as i64) as usize;
                    tournament::scores(scores, table, offset, depth);
                } else {
                    let bits = |token| scheme.bits(&window, token) as u32;
                    let own: Vec<u32> = (0..scores.len() as u32).map(bits).collect();
                    tournament::scores(scores, &own, 0, depth);
                }
                Chosen::Changed
            }
        }
    }

    /// Whether a window was not among the latest so many, whether these chose a token or not; it is the latest from now on.
    fn is_fresh(&mut self, window: Vec<u32>, latest: usize) -> bool {
        self.position += 1;
        self.last.insert(window, self.position).is_none_or(|before| self.position - before > latest)
    }
}

/// The last so many tokens of an answer, with a filler before its first.
fn window(answer: &[u32], width: usize, filler: u32) -> Vec<u32> {
    let own = &answer[answer.len().saturating_sub(width)..];
    let mut window = vec![filler; width - own.len()];
    window.extend_from_slice(own);
    window
}

fn bias(scheme: &GreenList, context: &[u32], logits: &mut [f32]) {
    let width = match scheme.salt {
        Salt::Window => scheme.context_width,
        Salt::Token => scheme.context_width - 1,
    };
    // The reference wants as many tokens as the context is wide, the candidate not counted.
    if context.len() < scheme.context_width {
        return;
    }
    let window = &context[context.len() - width..];
    let mut entries = Vec::new();
    if scheme.salt == Salt::Window {
        for token in scheme.list(scheme.seed(window, 0), &mut entries) {
            if let Some(logit) = logits.get_mut(*token as usize) {
                *logit += scheme.bias;
            }
        }
        return;
    }
    let tokens = likeliest(logits, CANDIDATES);
    for (token, green) in tokens.iter().zip(scheme.are_green(window, &tokens)) {
        if green {
            logits[*token as usize] += scheme.bias;
        }
    }
}

fn likeliest(logits: &[f32], count: usize) -> Vec<u32> {
    let mut tokens: Vec<u32> = (0..logits.len() as u32).collect();
    let order = |a: &u32, b: &u32| logits[*b as usize].total_cmp(&logits[*a as usize]).then(a.cmp(b));
    if count < tokens.len() {
        tokens.select_nth_unstable_by(count, order);
        tokens.truncate(count);
    }
    tokens.sort_unstable_by(order);
    tokens
}

/// argmax of score − ln(−ln u) over the tokens that were kept.
///
/// As −ln u ≥ 1 − u, a token can only come to more than `most` where 1 − u is below e^(score − most): all others are passed over
/// without a logarithm.
fn hardened_choice(scheme: &Hardened, window: &[u32], scores: &[f32]) -> Option<u32> {
    const TOGETHER: usize = 128;
    let mut stream = scheme.stream(window);
    let mut bytes = [0; 8 * TOGETHER];
    let mut best: Option<(f64, u32)> = None;
    for (part, scores) in scores.chunks(TOGETHER).enumerate() {
        let greatest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if greatest == f32::NEG_INFINITY {
            continue;
        }
        let bound = |most: f64| (f64::from(greatest) - most).exp() * (1.0 + 1e-9);
        let mut needed = best.map_or(f64::INFINITY, |(most, _)| bound(most));
        let first = part * TOGETHER;
        stream.set_position(8 * first as u64);
        stream.fill(&mut bytes[..8 * scores.len()]);
        let (words, _) = bytes.as_chunks::<8>();
        for (token, (score, word)) in (first as u32..).zip(scores.iter().zip(words)) {
            let uniform = Uniform::new(*word);
            if uniform.rest() > needed || !score.is_finite() {
                continue;
            }
            let total = f64::from(*score) + uniform.noise();
            if best.is_none_or(|(most, _)| total > most) {
                (best, needed) = (Some((total, token)), bound(total));
            }
        }
    }
    best.map(|(_, token)| token)
}

/// Which of several candidate continuations to keep after a text, by a `best-of-n` key: texts and candidates as
/// [`words`](crate::words).
pub fn choose_segment(key: &Key, text: &[u32], candidates: &[Vec<u32>]) -> Result<usize, Error> {
    let scheme = key.scheme();
    match scheme.as_any().downcast_ref::<BestOfN>() {
        Some(best_of_n) => Ok(best_of_n.choose(text, candidates)),
        None => Err(Error::Unsupported {
            scheme: scheme.name(),
            cannot: "chooses among tokens, not among segments",
        }),
    }
}

/// How a `best-of-n` key marks: candidates a segment, and words in a segment.
pub fn segments(key: &Key) -> Option<(usize, usize)> {
    let best_of_n = key.scheme().as_any().downcast_ref::<BestOfN>()?;
    Some((best_of_n.n, best_of_n.segment))
}

impl std::fmt::Debug for Marker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Marker").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Marking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Marking").finish_non_exhaustive()
    }
}
