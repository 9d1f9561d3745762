//! Answers to many prompts at once: a finished row's place is taken by the next request at once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rayon::prelude::*;

use crate::mark::{Mark, MarkState, Place};
use crate::sample::{Choice, Sampling, choose, uniform};
use crate::score::{TopK, top_of};
use crate::session::Slot;
use crate::{Decoder, Error, Session};

/// Tokens of prompts that are read together.
const PREFILL_TOKENS: usize = 2048;

/// New prompts are read when one in so many rows is free.
const TOGETHER: usize = 8;

/// A prompt to be continued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number; with the seed it decides the draws, so it should not repeat in a run.
    pub id: u64,
    /// The tokens to continue; at least one.
    pub prompt: Vec<u32>,
    /// The answer's length is at most this, and what the context leaves.
    pub max_tokens: usize,
    /// Behind the draws.
    pub seed: u64,
}

/// What holds for all requests.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Answers that grow at a time.
    pub rows: usize,
    /// Tokens that end an answer.
    pub stop: Vec<u32>,
    /// What is recorded of the tokens that were not chosen.
    pub recorded: Recorded,
}

/// Where the most probable tokens are recorded, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Nowhere.
    Nothing,
    /// Before each token of the answer.
    Answer {
        /// How many.
        k: usize,
    },
    /// After each token of the prompt and of the answer, its last included: what scoring the finished text would give.
    Everywhere {
        /// How many.
        k: usize,
    },
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model said so with a stop token, which is the answer's last.
    Stop,
    /// It reached the greatest length.
    Length,
}

/// A finished answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The request's number.
    pub id: u64,
    /// The tokens, with the stop token if there was one.
    pub tokens: Vec<u32>,
    /// The log-probability of each, by the model's own unchanged logits.
    pub log_probs: Vec<f32>,
    /// The most probable tokens at each position that is recorded.
    pub top: TopK,
    /// Why it ended.
    pub finish: Finish,
}

/// What happens while answers grow.
#[derive(Debug)]
pub enum Event {
    /// A token was added to an answer; the tokens of different requests come interleaved.
    Token {
        /// The request.
        id: u64,
        /// The token.
        choice: Choice,
    },
    /// An answer is finished; answers come in the order of their requests.
    Answer(Answer),
}

/// Answers requests in batches of `settings.rows`, telling `on_event` of every token and every answer until it breaks
/// off. With a mark, every answer carries it.
///
/// An answer has the same bits whatever else is asked in the same run, before it or beside it.
pub fn generate(
    decoder: &Decoder,
    requests: &mut dyn Iterator<Item = Request>,
    settings: &Settings,
    mark: Option<&dyn Mark>,
    on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<(), Error> {
    run(decoder, requests, settings, (mark, None), on_event)
}

/// As [`generate`] without a mark, where an answer also ends as soon as `is_ended` says so of its tokens so far.
pub fn generate_until(
    decoder: &Decoder,
    requests: &mut dyn Iterator<Item = Request>,
    settings: &Settings,
    is_ended: &dyn Fn(&[u32]) -> bool,
    on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<(), Error> {
    run(decoder, requests, settings, (None, Some(is_ended)), on_event)
}

/// Whether an answer has ended, told by its tokens so far.
type IsEnded<'a> = &'a dyn Fn(&[u32]) -> bool;

fn run(
    decoder: &Decoder,
    requests: &mut dyn Iterator<Item = Request>,
    settings: &Settings,
    (mark, is_ended): (Option<&dyn Mark>, Option<IsEnded<'_>>),
    on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<(), Error> {
    let batch = Batch {
        settings,
        mark,
        is_ended,
        session: Session::new(decoder),
        active: Vec::new(),
        order: Order::default(),
        top: TopK::default(),
    };
    batch.run(decoder, requests, on_event)
}

/// As [`generate`], returning all answers in the order of their requests.
pub fn generate_all(
    decoder: &Decoder,
    requests: &mut dyn Iterator<Item = Request>,
    settings: &Settings,
    mark: Option<&dyn Mark>,
) -> Result<Vec<Answer>, Error> {
    let mut answers = Vec::new();
    generate(decoder, requests, settings, mark, &mut |event| {
        if let Event::Answer(answer) = event {
            answers.push(answer);
        }
        ControlFlow::Continue(())
    })?;
    Ok(answers)
}

/// An answer that grows.
struct Row<'a> {
    slot: Slot,
    /// Place of the request among all.
    place: u64,
    seed: u64,
    /// Prompt and answer so far.
    context: Vec<u32>,
    prompt_len: usize,
    mark: Option<Marked<'a>>,
    limit: usize,
    stage: Stage,
    answer: Answer,
}

/// The mark of a row, and the logits that it may change.
struct Marked<'a> {
    state: Box<dyn MarkState + 'a>,
    logits: Vec<f32>,
}

/// How far an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Growing,
    /// It has all its tokens; what would follow the last is yet to be recorded.
    Closing,
    Done,
}

/// Puts answers back into the order of their requests.
#[derive(Debug, Default)]
struct Order {
    asked: u64,
    told: u64,
    waiting: BTreeMap<u64, Answer>,
}

struct Batch<'a> {
    settings: &'a Settings,
    mark: Option<&'a dyn Mark>,
    is_ended: Option<IsEnded<'a>>,
    session: Session<'a>,
    active: Vec<Row<'a>>,
    order: Order,
    top: TopK,
}

impl Batch<'_> {
    fn run(
        mut self,
        decoder: &Decoder,
        requests: &mut dyn Iterator<Item = Request>,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let vocab_size = decoder.config().vocab_size;
        let mut requests = requests.peekable();
        let mut logits = Vec::new();
        loop {
            let fresh = self.next_requests(&mut requests);
            if fresh.is_empty() && self.active.is_empty() {
                return Ok(());
            }
            if !fresh.is_empty() {
                let at = self.active.len();
                let mut logits = self.admit(decoder, fresh)?;
                if self.choose(at, &mut logits, vocab_size, on_event)?.is_break() {
                    return Ok(());
                }
                continue;
            }
            let inputs: Vec<_> = self.active.iter().map(|row| (row.slot, last(&row.context))).collect();
            self.session.step(&inputs, &mut logits)?;
            if self.choose(0, &mut logits, vocab_size, on_event)?.is_break() {
                return Ok(());
            }
        }
    }

    /// The requests that are read next: as many as there are free rows, within a bound on their prompts' tokens. Prompts
    /// cost less together, so a few rows are let become free first.
    fn next_requests(
        &mut self,
        requests: &mut std::iter::Peekable<&mut dyn Iterator<Item = Request>>,
    ) -> Vec<Request> {
        let free = self.settings.rows.max(1).saturating_sub(self.active.len());
        let mut fresh = Vec::new();
        if !self.active.is_empty() && free * TOGETHER < self.settings.rows {
            return fresh;
        }
        let mut tokens = 0;
        while fresh.len() < free {
            let fits = |next: &Request| tokens == 0 || tokens + next.prompt.len() <= PREFILL_TOKENS;
            let Some(request) = requests.next_if(fits) else { break };
            tokens += request.prompt.len();
            fresh.push(request);
        }
        fresh
    }

    /// Makes rows of new requests and returns the logits of their first tokens.
    fn admit(&mut self, decoder: &Decoder, fresh: Vec<Request>) -> Result<Vec<f32>, Error> {
        let prompts: Vec<&[u32]> = fresh.iter().map(|request| request.prompt.as_slice()).collect();
        let config = decoder.config();
        let (slots, hidden) = self.session.read(&prompts)?;
        let logits = decoder.logits_after(&hidden, &prompts);
        let mut rest = hidden.as_slice();
        for (request, slot) in fresh.into_iter().zip(slots) {
            let (own, after) = rest.split_at(request.prompt.len() * config.hidden_size);
            rest = after;
            // The token that is only recorded after must fit too.
            let (top, one_more) = match self.settings.recorded {
                Recorded::Nothing => (TopK::default(), 1),
                Recorded::Answer { k } => (TopK { k, ..TopK::default() }, 1),
                Recorded::Everywhere { k } => (top_of(decoder, &own[..own.len() - config.hidden_size], k), 0),
            };
            let room = (config.max_positions + one_more).saturating_sub(request.prompt.len());
            self.active.push(Row {
                slot,
                place: self.order.asked,
                seed: request.seed,
                limit: request.max_tokens.min(room).max(1),
                prompt_len: request.prompt.len(),
                context: request.prompt,
                mark: self.mark.map(|mark| Marked { state: mark.start(request.id), logits: Vec::new() }),
                stage: Stage::Growing,
                answer: Answer {
                    id: request.id,
                    tokens: Vec::new(),
                    log_probs: Vec::new(),
                    top,
                    finish: Finish::Length,
                },
            });
            self.order.asked += 1;
        }
        Ok(logits)
    }

    /// The next token of each row from `at` on with its logit, if it still grows.
    fn pick(
        &mut self,
        at: usize,
        logits: &[f32],
        vocab_size: usize,
    ) -> Result<Vec<Option<(u32, f32)>>, Error> {
        let sampling = &self.settings.sampling;
        let rows = self.active[at..].par_iter_mut().zip(logits.par_chunks_exact(vocab_size));
        rows.map(|(row, logits)| row.pick(sampling, logits)).collect()
    }

    /// Adds a token to each row from `at` on, whose logits are given, and takes finished rows out.
    fn choose(
        &mut self,
        at: usize,
        logits: &mut [f32],
        vocab_size: usize,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let chosen = self.pick(at, logits, vocab_size)?;
        // All rows together, on all threads; the logits are of no further use.
        let k = self.settings.recorded.k().clamp(1, vocab_size);
        let log_sums = self.top.fill(k, logits, vocab_size);
        for (idx, row) in self.active[at..].iter_mut().enumerate() {
            row.record(self.settings.recorded, &self.top, idx);
            let Some((token, logit)) = chosen[idx] else { continue };
            let choice = Choice { token, log_prob: logit - log_sums[idx] };
            row.add(choice, self.settings, self.is_ended)?;
            if on_event(Event::Token { id: row.answer.id, choice }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let done = |row: &mut Row| row.stage == Stage::Done;
        for row in self.active.extract_if(.., done) {
            self.session.release(row.slot);
            self.order.waiting.insert(row.place, row.answer);
        }
        while let Some(answer) = self.order.waiting.remove(&self.order.told) {
            self.order.told += 1;
            if on_event(Event::Answer(answer)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl Recorded {
    fn k(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Answer { k } | Self::Everywhere { k } => k,
        }
    }
}

impl Row<'_> {
    /// Chooses the next token, and says what its logit is.
    fn pick(&mut self, sampling: &Sampling, logits: &[f32]) -> Result<Option<(u32, f32)>, Error> {
        if self.stage != Stage::Growing {
            return Ok(None);
        }
        let id = self.answer.id;
        let u = uniform(self.seed, id, self.answer.tokens.len() as u64);
        let token = match &mut self.mark {
            None => choose(sampling, logits, u),
            Some(mark) => {
                let place = Place { context: &self.context, prompt_len: self.prompt_len, sampling, u };
                mark.choose(&place, logits)
            }
        };
        // A mark may name what the model does not have.
        let chosen = token.and_then(|token| Some((token, *logits.get(token as usize)?)));
        chosen.map(Some).ok_or(Error::NotFinite { row: id })
    }

    /// Keeps the most probable tokens after the last, if they are wanted.
    fn record(&mut self, recorded: Recorded, top: &TopK, row: usize) {
        if recorded != Recorded::Nothing {
            self.answer.top.push(top, row);
        }
        if self.stage == Stage::Closing {
            self.stage = Stage::Done;
        }
    }

    /// Adds a token.
    fn add(
        &mut self,
        choice: Choice,
        settings: &Settings,
        is_ended: Option<IsEnded<'_>>,
    ) -> Result<(), Error> {
        if !choice.log_prob.is_finite() {
            return Err(Error::NotFinite { row: self.answer.id });
        }
        self.answer.tokens.push(choice.token);
        self.answer.log_probs.push(choice.log_prob);
        self.context.push(choice.token);
        let is_ended = is_ended.is_some_and(|is_ended| is_ended(&self.answer.tokens));
        if is_ended || settings.stop.contains(&choice.token) {
            self.answer.finish = Finish::Stop;
        } else if self.answer.tokens.len() < self.limit {
            return Ok(());
        }
        self.stage = match settings.recorded {
            Recorded::Everywhere { .. } => Stage::Closing,
            Recorded::Nothing | Recorded::Answer { .. } => Stage::Done,
        };
        Ok(())
    }
}

impl Marked<'_> {
    fn choose(&mut self, place: &Place<'_>, logits: &[f32]) -> Option<u32> {
        self.logits.clear();
        self.logits.extend_from_slice(logits);
        let own = self.state.choose(place, &mut self.logits);
        own.or_else(|| choose(place.sampling, &self.logits, place.u))
    }
}

fn last(tokens: &[u32]) -> u32 {
    tokens.last().copied().unwrap_or_default()
}
