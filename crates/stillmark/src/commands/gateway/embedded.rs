//! A model of our own behind the gateway: chat and plain completions, one after another, from a thread of its own.

mod ask;
mod tell;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use stillmark_evidence::Digest;
use stillmark_gateway::{Busy, Embedded, Piece, Submission};
use stillmark_kernels::gemm::Precision;
use stillmark_model::generate::{self, Event, Recorded, Request, Settings};
use stillmark_model::{Checkpoint, Decoder};

use self::ask::{Asked, Unable};
use self::tell::Told;
use crate::advice;
use crate::clock;
use crate::problem::{Problem, Stop};
use crate::session::Session;

/// So many requests wait at most.
const MOST_WAITING: usize = 256;

/// A model that answers.
#[derive(Debug)]
pub(super) struct Model {
    queue: SyncSender<Submission>,
    digest: Digest,
}

/// What the thread of a model has at hand.
struct Host {
    path: PathBuf,
    name: String,
    checkpoint: Checkpoint,
    decoder: Decoder,
    answered: u64,
}

impl Model {
    /// Loads a model, a path or a name of `stillmark model list`, and starts its thread.
    pub(super) fn load(model: &str, name: &str, session: &Session) -> Result<Self, Problem> {
        let path = crate::commands::model::locate(model, session).map_err(|stop| match stop {
            Stop::Problem(problem) => *problem,
            Stop::ListenerGone => Problem::new("the model could not be looked for"),
        })?;
        let ours = |err: stillmark_model::Error| {
            advice::model_problem(&err, format!("{} cannot be served", path.display()))
        };
        let checkpoint = Checkpoint::open(&path).map_err(ours)?;
        checkpoint.tokenizer().map_err(ours)?;
        let decoder = Decoder::load(checkpoint.config(), &checkpoint, Precision::F32).map_err(ours)?;
        let digest = checkpoint.digest().map_err(ours)?;
        let (queue, jobs) = sync_channel::<Submission>(MOST_WAITING);
        let mut host = Host { path, name: name.to_owned(), checkpoint, decoder, answered: 0 };
        std::thread::spawn(move || {
            for job in jobs {
                host.answer(&job);
            }
        });
        Ok(Self { queue, digest })
    }

    /// The digest of its weights.
    pub(super) fn digest(&self) -> Digest {
        self.digest
    }
}

impl Embedded for Model {
    fn submit(&self, submission: Submission) -> Result<(), Busy> {
        self.queue.try_send(submission).map_err(|err| match err {
            TrySendError::Full(_) | TrySendError::Disconnected(_) => Busy,
        })
    }
}

impl Host {
    fn answer(&mut self, job: &Submission) {
        if job.pieces.is_closed() {
            return;
        }
        self.answered += 1;
        let asked = Asked::read(job.surface, &job.body, &self.checkpoint);
        let asked = match asked {
            Ok(asked) => asked,
            Err(unable) => return refuse(job, &unable),
        };
        let told = Told::new(job.surface, &asked, &self.name, self.answered, clock::millis() / 1_000);
        let answered =
            if asked.is_stream { self.stream(job, &asked, &told) } else { self.whole(job, &asked, &told) };
        // A client that went away is told nothing; what failed otherwise leaves the answer without its end, which the gateway tells.
        let _ = answered;
    }

    fn whole(&self, job: &Submission, asked: &Asked, told: &Told) -> Option<()> {
        let mut answers = Vec::new();
        let mut spent = 0;
        for idx in 0..asked.answers {
            let mut text = String::new();
            let (finish, tokens) = self.generate(asked, idx, &mut |piece| {
                text += piece;
                if job.pieces.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            spent += tokens;
            answers.push((text, finish));
        }
        let body = told.whole(&answers, asked.prompt.len(), spent);
        job.pieces.blocking_send(Piece::Head(200, "application/json")).ok()?;
        job.pieces.blocking_send(Piece::Data(body.into())).ok()?;
        job.pieces.blocking_send(Piece::End).ok()
    }

    fn stream(&self, job: &Submission, asked: &Asked, told: &Told) -> Option<()> {
        let send = |event: String| job.pieces.blocking_send(Piece::Data(event.into())).ok();
        job.pieces.blocking_send(Piece::Head(200, "text/event-stream; charset=utf-8")).ok()?;
        let mut spent = 0;
        for idx in 0..asked.answers {
            send(told.opening(idx))?;
            let (finish, tokens) =
                self.generate(asked, idx, &mut |piece| match send(told.piece(idx, piece)) {
                    Some(()) => ControlFlow::Continue(()),
                    None => ControlFlow::Break(()),
                })?;
            spent += tokens;
            send(told.closing(idx, finish))?;
        }
        if asked.wants_usage {
            send(told.usage(asked.prompt.len(), spent))?;
        }
        send("data: [DONE]\n\n".to_owned())?;
        job.pieces.blocking_send(Piece::End).ok()
    }

    /// Generates one answer; why it ended and how many tokens it took.
    fn generate(
        &self,
        asked: &Asked,
        idx: u64,
        on_text: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Option<(&'static str, usize)> {
        let tokenizer = self.checkpoint.tokenizer().ok()?;
        let stop = &self.checkpoint.config().eos;
        let settings =
            Settings { sampling: asked.sampling, rows: 1, stop: stop.clone(), recorded: Recorded::Nothing };
        let request =
            Request { id: idx, prompt: asked.prompt.clone(), max_tokens: asked.max_tokens, seed: asked.seed };
        let mut stream = tokenizer.stream();
        let mut text = ask::Stops::new(&asked.stops);
        let (mut tokens, mut ended) = (0, "length");
        let mut on_event = |event: Event| {
            let Event::Token { choice, .. } = event else { return ControlFlow::Continue(()) };
            tokens += 1;
            if stop.contains(&choice.token) {
                ended = "stop";
                return ControlFlow::Continue(());
            }
            let Ok(piece) = stream.push(choice.token) else { return ControlFlow::Break(()) };
            let piece = text.push(&piece);
            if !piece.is_empty() {
                on_text(&piece)?;
            }
            if text.has_ended() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let mut requests = std::iter::once(request);
        if let Err(err) = generate::generate(&self.decoder, &mut requests, &settings, None, &mut on_event) {
            // The gateway tells the client that the answer was cut; the operator learns why.
            crate::output::Talk::plain().warn(&format!("{} broke off: {err}", self.path.display()));
            return None;
        }
        if !text.has_ended() {
            let rest = text.push(&stream.finish().unwrap_or_default()) + &text.rest();
            if !rest.is_empty() {
                let _ = on_text(&rest);
            }
        }
        Some((if text.has_ended() { "stop" } else { ended }, tokens))
    }
}

fn refuse(job: &Submission, unable: &Unable) {
    let body = unable.body();
    let told = job.pieces.blocking_send(Piece::Head(unable.status, "application/json"));
    let told = told.and_then(|()| job.pieces.blocking_send(Piece::Data(body.into())));
    // Nobody is left to tell.
    let _ = told.and_then(|()| job.pieces.blocking_send(Piece::End));
}
