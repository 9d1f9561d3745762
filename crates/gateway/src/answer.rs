//! Bodies of answers: whole ones, and those that pass through as fast as the client reads them.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use stillmark_evidence::receipt::HEADER;
use tokio::time::{Instant, Interval};

use crate::config::OnDisconnect;
use crate::flight::{Flight, Growth};
use crate::gateway::Upstream;
use crate::meter::{Denied, Ticket};
use crate::metrics::Event;
use crate::upstream::{Body, Failure};
use crate::usage::{DONE, Watch, usage_in};
use crate::wire::reply::{Refusal, sentence};

/// A stream is told to be alive after so long a silence.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// So much of the end of an answer is kept, to find its usage in.
const TAIL: usize = 1024;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Answer {
    /// One that is there.
    Whole(Option<Bytes>),
    /// Events from behind.
    Events(Box<Events>),
    /// Other bytes from behind.
    Through(Box<Through>),
}

/// A stream of events on its way.
pub(crate) struct Events {
    body: Option<Body>,
    watch: Watch,
    /// There until it goes on without a client.
    flight: Option<Flight>,
    /// What is asked for because the answer outgrew what was reserved, and what waits for that.
    growth: Option<(Growth, Bytes)>,
    pace: Pace,
    /// What is sent before the body ends.
    last: Option<Bytes>,
    on_disconnect: OnDisconnect,
}

/// Bytes on their way.
#[derive(Debug)]
pub(crate) struct Through {
    body: Option<Body>,
    flight: Flight,
    pace: Pace,
    tail: Vec<u8>,
    length: Option<u64>,
}

/// How long nothing has come.
#[derive(Debug)]
struct Pace {
    tick: Interval,
    last: Instant,
    told: Instant,
    idle: Duration,
}

/// What time says of a silence.
enum Silence {
    Bearable,
    KeepAlive,
    TooLong,
}

impl Pace {
    fn new(idle: Duration) -> Self {
        let now = Instant::now();
        let mut tick = tokio::time::interval_at(now + Duration::from_secs(1), Duration::from_secs(1));
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        Self { tick, last: now, told: now, idle }
    }

    fn came(&mut self) {
        self.last = Instant::now();
        self.told = self.last;
    }

    fn poll(&mut self, ctx: &mut Context<'_>) -> Silence {
        while let Poll::Ready(now) = self.tick.poll_tick(ctx) {
            if now.saturating_duration_since(self.last) >= self.idle {
                return Silence::TooLong;
            }
            if now.saturating_duration_since(self.told) >= KEEP_ALIVE {
                self.told = now;
                return Silence::KeepAlive;
            }
        }
        Silence::Bearable
    }
}

impl Answer {
    pub(crate) fn events(body: Body, watch: Watch, flight: Flight, upstream: &Upstream) -> Self {
        let pace = Pace::new(upstream.idle);
        let on_disconnect = upstream.on_disconnect;
        Self::Events(Box::new(Events {
            body: Some(body),
            watch,
            flight: Some(flight),
            growth: None,
            pace,
            last: None,
            on_disconnect,
        }))
    }

    pub(crate) fn through(body: Body, flight: Flight, idle: Duration, length: Option<u64>) -> Self {
        let through = Through { body: Some(body), flight, pace: Pace::new(idle), tail: Vec::new(), length };
        Self::Through(Box::new(through))
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events")
            .field("body", &self.body)
            .field("flight", &self.flight)
            .finish_non_exhaustive()
    }
}

impl Events {
    fn poll(&mut self, ctx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some((growth, _)) = &mut self.growth {
                let grown = ready!(growth.as_mut().poll(ctx));
                return Poll::Ready(Some(self.grown(grown)));
            }
            let Some(body) = &mut self.body else { return Poll::Ready(self.last.take()) };
            let bytes = match body.poll(ctx) {
                Poll::Pending => match self.silence(ctx) {
                    Some(comment) => return Poll::Ready(Some(comment)),
                    None if self.body.is_none() => continue,
                    None => return Poll::Pending,
                },
                Poll::Ready(Some(Ok(bytes))) => bytes,
                Poll::Ready(Some(Err(failure))) => {
                    self.cut(&broken(&failure));
                    continue;
                }
                Poll::Ready(None) => {
                    self.end();
                    continue;
                }
            };
            self.pace.came();
            let passed = self.passed(&bytes);
            if !passed.is_empty() {
                return Poll::Ready(Some(passed));
            }
        }
    }

    /// What of some bytes goes on; the stream is cut where it outgrows what may be taken.
    fn passed(&mut self, bytes: &Bytes) -> Bytes {
        let Ok(passed) = self.watch.pass(bytes) else {
            self.cut(&Refusal::new(
                502,
                "server_error",
                "upstream_garbage",
                "An event was too long, or cannot be read.",
            ));
            return Bytes::new();
        };
        if self.watch.is_done() {
            return self.with_receipt(passed);
        }
        let growth = self.flight.as_ref().filter(|_| self.watch.told().is_none());
        if let Some(growth) = growth.and_then(|flight| flight.growth(self.watch.seen())) {
            self.growth = Some((growth, passed));
            return Bytes::new();
        }
        passed
    }

    /// What waited for more room; the stream ends with it where there is none.
    fn grown(&mut self, grown: Result<(Ticket, u64), Denied>) -> Bytes {
        let passed = self.growth.take().map_or_else(Bytes::new, |(_, passed)| passed);
        match (grown, &mut self.flight) {
            (Ok((ticket, more)), Some(flight)) => flight.grown(ticket, more),
            (_, None) => {}
            (Err(denied), Some(flight)) => {
                flight.seen(self.watch.seen());
                let (status, code) = match denied {
                    Denied::Limit { .. } => (429, "rate_limit_exceeded"),
                    Denied::Unknown => (503, "limits_unavailable"),
                };
                let message = "Rate limit reached: the answer outgrew what may be taken.";
                self.cut(&Refusal::new(status, "tokens", code, message));
            }
        }
        passed
    }

    /// The last events with the receipt before the one that says so.
    fn with_receipt(&mut self, passed: Bytes) -> Bytes {
        let comment = self.comment();
        let at =
            memchr::memmem::rfind(&passed, DONE).and_then(|at| memchr::memmem::rfind(&passed[..at], b"data"));
        match at {
            Some(at) if !comment.is_empty() => [&passed[..at], &comment, &passed[at..]].concat().into(),
            _ => passed,
        }
    }

    /// The receipt as a comment of the stream; empty where none is due. Where it cannot be given the stream is cut.
    fn comment(&mut self) -> Vec<u8> {
        let Some(flight) = &mut self.flight else { return Vec::new() };
        flight.watched(&self.watch);
        let receipt = flight.receipt(self.watch.words());
        let header = receipt.map(|receipt| receipt.and_then(|receipt| receipt.to_header().ok()));
        match header {
            Ok(Some(header)) => format!(": {HEADER} {header}\n\n").into_bytes(),
            Ok(None) => Vec::new(),
            Err(_) => no_receipt().event(),
        }
    }

    fn silence(&mut self, ctx: &mut Context<'_>) -> Option<Bytes> {
        let silence = self.pace.poll(ctx);
        if self.flight.as_ref().is_some_and(|flight| flight.gateway.is_cutting()) {
            self.cut(&Refusal::new(503, "server_error", "shutting_down", "The server is shutting down."));
        } else if matches!(silence, Silence::TooLong) {
            self.cut(&broken(&Failure::Silent));
        } else if matches!(silence, Silence::KeepAlive) && self.watch.rest().is_empty() {
            return Some(Bytes::from_static(b": keep-alive\n\n"));
        }
        None
    }

    /// Ends a stream that is not whole, with a word on why and without `[DONE]`.
    fn cut(&mut self, refusal: &Refusal) {
        self.body = None;
        let comment = self.comment();
        self.last = Some([comment, refusal.event()].concat().into());
    }

    fn end(&mut self) {
        self.body = None;
        let last = [self.comment(), self.watch.rest().to_vec()].concat();
        self.last = (!last.is_empty()).then(|| last.into());
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let Some(mut flight) = self.flight.take() else { return };
        if let Some(cost) = self.watch.told() {
            flight.cost(cost);
        }
        // What was sent counts, though nobody takes the receipt. Where none can be written, what was reserved is settled all the same.
        let _ = flight.receipt(self.watch.words());
        // Whoever hangs up after the last word has all of it.
        let Some(body) = self.body.take().filter(|_| !self.watch.is_done()) else { return };
        flight.gateway.metrics.count(Event::Disconnected);
        if self.on_disconnect == OnDisconnect::Drain && !flight.gateway.is_closing() {
            let (watch, idle) = (std::mem::take(&mut self.watch), self.pace.idle);
            tokio::task::spawn_local(drain(body, watch, flight, idle));
        }
    }
}

/// Reads a stream to its end for what it cost.
async fn drain(mut body: Body, mut watch: Watch, mut flight: Flight, idle: Duration) {
    while let Some(Ok(bytes)) = body.next(idle).await {
        if watch.pass(&bytes).is_err() {
            return;
        }
    }
    flight.watched(&watch);
}

impl Through {
    fn poll(&mut self, ctx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match body.poll(ctx) {
            Poll::Pending => match self.pace.poll(ctx) {
                Silence::TooLong => Poll::Ready(Some(Err(Failure::Silent))),
                Silence::Bearable | Silence::KeepAlive => Poll::Pending,
            },
            Poll::Ready(Some(Ok(bytes))) => {
                self.pace.came();
                self.length = self.length.map(|length| length.saturating_sub(bytes.len() as u64));
                self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
                let old = self.tail.len().saturating_sub(TAIL);
                self.tail.drain(..old);
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(None) => {
                self.body = None;
                if let Some(cost) = usage_in(&self.tail) {
                    self.flight.cost(cost);
                }
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(failure))) => Poll::Ready(Some(Err(failure))),
        }
    }
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let data = match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Self::Events(events) => events.poll(ctx).map(|bytes| bytes.map(Ok)),
            Self::Through(through) => through.poll(ctx),
        };
        data.map(|data| data.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::Events(_) | Self::Through(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Through(through) => through.length.map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Events(_) => SizeHint::default(),
        }
    }
}

/// What a client is told where its receipt cannot be written.
pub(crate) fn no_receipt() -> Refusal {
    let message = "The receipt of this answer cannot be written at the moment.";
    Refusal::new(503, "server_error", "receipts_unavailable", message)
}

/// What a client is told of a server behind that failed: nothing of what is inside.
pub(crate) fn broken(failure: &Failure) -> Refusal {
    let (status, code) = match failure {
        Failure::Silent => (504, "upstream_timeout"),
        Failure::Busy(_) => (503, "overloaded"),
        Failure::Unreachable(_) => (502, "upstream_unreachable"),
        Failure::Broken(_) | Failure::Cut => (502, "upstream_broken"),
    };
    Refusal::new(status, "server_error", code, &sentence(&failure.to_string()))
}
