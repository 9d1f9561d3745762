//! Answers to many prompts at once: a finished row's place is taken by the next request at once.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::sample::{Choice, LogitsProcessor, Sampling, choose, uniform};
use crate::score::TopK;
use crate::session::Slot;
use crate::{Decoder, Error, Session};

/// Tokens of prompts that are read together.
const PREFILL_TOKENS: usize = 2048;

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
    /// For how many of the most probable tokens at each position log-probabilities are recorded; 0: none.
    pub top_k: usize,
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
    /// The most probable tokens at each position, if wanted.
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
/// off.
///
/// An answer has the same bits whatever else is asked in the same run, before it or beside it.
pub fn generate(
    decoder: &Decoder,
    requests: &mut dyn Iterator<Item = Request>,
    settings: &Settings,
    processor: Option<&mut dyn LogitsProcessor>,
    on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
) -> Result<(), Error> {
    let batch = Batch {
        settings,
        processor,
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
    processor: Option<&mut dyn LogitsProcessor>,
) -> Result<Vec<Answer>, Error> {
    let mut answers = Vec::new();
    generate(decoder, requests, settings, processor, &mut |event| {
        if let Event::Answer(answer) = event {
            answers.push(answer);
        }
        ControlFlow::Continue(())
    })?;
    Ok(answers)
}

/// An answer that grows.
#[derive(Debug)]
struct Row {
    slot: Slot,
    /// Place of the request among all.
    place: u64,
    seed: u64,
    /// Prompt and answer so far.
    context: Vec<u32>,
    limit: usize,
    answer: Answer,
}

/// Puts answers back into the order of their requests.
#[derive(Debug, Default)]
struct Order {
    asked: u64,
    told: u64,
    waiting: BTreeMap<u64, Answer>,
}

struct Batch<'a, 'p> {
    settings: &'a Settings,
    processor: Option<&'p mut dyn LogitsProcessor>,
    session: Session<'a>,
    active: Vec<Row>,
    order: Order,
    top: TopK,
}

impl Batch<'_, '_> {
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

    /// The requests that are read next: as many as there are free rows, within a bound on their prompts' tokens.
    fn next_requests(
        &mut self,
        requests: &mut std::iter::Peekable<&mut dyn Iterator<Item = Request>>,
    ) -> Vec<Request> {
        let free = self.settings.rows.max(1).saturating_sub(self.active.len());
        let mut fresh = Vec::new();
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
        let (slots, logits) = self.session.admit(&prompts)?;
        for (request, slot) in fresh.into_iter().zip(slots) {
            let room = (decoder.config().max_positions + 1).saturating_sub(request.prompt.len());
            self.active.push(Row {
                slot,
                place: self.order.asked,
                seed: request.seed,
                limit: request.max_tokens.min(room).max(1),
                context: request.prompt,
                answer: Answer {
                    id: request.id,
                    tokens: Vec::new(),
                    log_probs: Vec::new(),
                    top: TopK { k: self.settings.top_k, ..TopK::default() },
                    finish: Finish::Length,
                },
            });
            self.order.asked += 1;
        }
        Ok(logits)
    }

    /// Adds a token to each row from `at` on, whose logits are given, and takes finished rows out.
    fn choose(
        &mut self,
        at: usize,
        logits: &mut [f32],
        vocab_size: usize,
        on_event: &mut dyn FnMut(Event) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let mut chosen = Vec::with_capacity(self.active.len() - at);
        for (row, logits) in self.active[at..].iter().zip(logits.chunks_exact(vocab_size)) {
            let token = row.pick(&self.settings.sampling, &mut self.processor, logits)?;
            chosen.push((token, logits[token as usize]));
        }
        // All rows together, on all threads; the logits are of no further use.
        let k = self.settings.top_k.clamp(1, vocab_size);
        let log_sums = self.top.fill(k, logits, vocab_size);
        for (idx, row) in self.active[at..].iter_mut().enumerate() {
            let (token, logit) = chosen[idx];
            let choice = Choice { token, log_prob: logit - log_sums[idx] };
            row.record(choice, (self.settings.top_k > 0).then_some((&self.top, idx)))?;
            if on_event(Event::Token { id: row.answer.id, choice }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let (done, active) =
            std::mem::take(&mut self.active).into_iter().partition(|row| row.is_done(self.settings));
        self.active = active;
        for mut row in Vec::from_iter::<Vec<Row>>(done) {
            if self.settings.stop.contains(&last(&row.answer.tokens)) {
                row.answer.finish = Finish::Stop;
            }
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

impl Row {
    fn is_done(&self, settings: &Settings) -> bool {
        let tokens = &self.answer.tokens;
        tokens.len() >= self.limit || tokens.last().is_some_and(|token| settings.stop.contains(token))
    }

    /// Chooses the next token.
    fn pick(
        &self,
        sampling: &Sampling,
        processor: &mut Option<&mut dyn LogitsProcessor>,
        logits: &[f32],
    ) -> Result<u32, Error> {
        let id = self.answer.id;
        let u = uniform(self.seed, id, self.answer.tokens.len() as u64);
        let token = match processor {
            None => choose(sampling, logits, u),
            Some(processor) => {
                let mut changed = logits.to_vec();
                processor.process(id, &self.context, &mut changed);
                choose(sampling, &changed, u)
            }
        };
        token.ok_or(Error::NotFinite { row: id })
    }

    /// Adds a token, and the most probable ones in its place if they are wanted.
    fn record(&mut self, choice: Choice, top: Option<(&TopK, usize)>) -> Result<(), Error> {
        if !choice.log_prob.is_finite() {
            return Err(Error::NotFinite { row: self.answer.id });
        }
        self.answer.tokens.push(choice.token);
        self.answer.log_probs.push(choice.log_prob);
        self.context.push(choice.token);
        if let Some((top, row)) = top {
            let (ids, log_probs) = top.row(row);
            self.answer.top.k = top.k;
            self.answer.top.ids.extend_from_slice(ids);
            self.answer.top.log_probs.extend_from_slice(log_probs);
            self.answer.top.tails.push(top.tails[row]);
        }
        Ok(())
    }
}

fn last(tokens: &[u32]) -> u32 {
    tokens.last().copied().unwrap_or_default()
}
