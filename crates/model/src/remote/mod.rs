//! A model behind an OpenAI-compatible API: vLLM, `SGLang`, llama.cpp's server, or a provider.
//!
//! Questions are asked by a bounded number of threads; replies come back in the order of the questions, as soon as all before
//! them are there. What may pass (rate limits, server faults, broken connections) is tried again after a growing, jittered
//! wait that honors `retry-after`; a refused key ends the run at once.

mod client;
mod retry;
mod secret;
mod wire;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

use client::Client;
pub use retry::Patience;
pub use secret::Secret;
pub use wire::{Message, Prompt, Question, Reply, Scope, Token, Usage};

use crate::Error;

/// Where a model is reached, and how hard to try.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// What comes before `/chat/completions`, such as `https://api.example.com/v1`.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// Sent as a bearer token.
    pub key: Option<Secret>,
    /// An HTTP proxy's address.
    pub proxy: Option<String>,
    /// The longest that one attempt may take, from connecting to the last byte.
    pub timeout: Duration,
    /// Questions asked at a time.
    pub concurrency: usize,
    /// When to try again.
    pub patience: Patience,
}

/// The rim's part in waiting: a library neither sleeps nor draws chance by itself.
pub trait Pause: Sync {
    /// Waits.
    fn sleep(&self, wait: Duration);

    /// A uniform number in `[0, 1)`, for jitter.
    fn random(&self) -> f64;
}

/// Asks every question, handing each reply with its question's number to `on_reply`, in order, until that breaks off.
///
/// A question that fails for good is handed over as its error, and the others go on; a refused key (401, 403) is the
/// result of the whole run.
pub fn ask_all(
    endpoint: &Endpoint,
    pause: &dyn Pause,
    questions: &mut (dyn Iterator<Item = Question> + Send),
    on_reply: &mut dyn FnMut(usize, Result<Reply, Error>) -> ControlFlow<()>,
) -> Result<(), Error> {
    let client = Client::new(endpoint)?;
    let questions = Mutex::new(questions.enumerate());
    let stop = AtomicBool::new(false);
    let gate = Gate::default();
    let ahead = AHEAD * endpoint.concurrency.max(1);
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..endpoint.concurrency.max(1) {
            let (sender, client, questions, stop, gate) = (sender.clone(), &client, &questions, &stop, &gate);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let next = questions.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((idx, question)) = next else { break };
                    gate.wait(idx, ahead, stop);
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let reply = client.ask(&question, pause, stop);
                    if is_about_the_key(&reply) {
                        stop.store(true, Ordering::Relaxed);
                    }
                    if sender.send((idx, reply)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let halt = || {
            stop.store(true, Ordering::Relaxed);
            gate.move_to(|_| ());
        };
        let result = deliver(&receiver, &gate, &halt, on_reply);
        halt();
        result
    })
}

/// Hands replies over in the order of their questions. After a break no further question is asked; those that are out are
/// waited for, and their answers, which may have been paid for, are handed over in whatever order they come.
fn deliver(
    receiver: &mpsc::Receiver<(usize, Result<Reply, Error>)>,
    gate: &Gate,
    halt: &dyn Fn(),
    on_reply: &mut dyn FnMut(usize, Result<Reply, Error>) -> ControlFlow<()>,
) -> Result<(), Error> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    let mut ended = None;
    for (idx, reply) in receiver {
        if is_about_the_key(&reply) {
            halt();
            ended = ended.or(Some(reply.map(drop)));
        } else {
            waiting.insert(idx, reply);
        }
        while ended.is_none()
            && let Some(reply) = waiting.remove(&next)
        {
            next += 1;
            if on_reply(next - 1, reply).is_break() {
                halt();
                ended = Some(Ok(()));
            }
            gate.move_to(|told| *told = next);
        }
        if ended.is_some() {
            for (idx, reply) in std::mem::take(&mut waiting).into_iter().filter(|(_, reply)| reply.is_ok()) {
                let _ = on_reply(idx, reply);
            }
        }
    }
    ended.unwrap_or(Ok(()))
}

/// How many questions for each thread may be asked before an earlier one is answered: what is answered but not handed
/// over is lost in a crash.
const AHEAD: usize = 4;

/// Holds back questions too far ahead of the replies handed over.
#[derive(Default)]
struct Gate {
    told: Mutex<usize>,
    moved: Condvar,
}

impl Gate {
    fn wait(&self, idx: usize, ahead: usize, stop: &AtomicBool) {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let far = |told: &mut usize| idx >= *told + ahead && !stop.load(Ordering::Relaxed);
        drop(self.moved.wait_while(told, far).unwrap_or_else(PoisonError::into_inner));
    }

    fn move_to(&self, change: impl FnOnce(&mut usize)) {
        change(&mut self.told.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }
}

/// Whether every other question would fail as this one did.
fn is_about_the_key(reply: &Result<Reply, Error>) -> bool {
    matches!(reply, Err(Error::Refused { status: 401 | 403, .. }))
}
