//! The servers behind: over HTTP, or a model of the front door's own.

mod http;

use std::fmt::Debug;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::{HeaderMap, StatusCode};
use stillmark_evidence::keys::KeyId;
use tokio::sync::mpsc;

pub(crate) use http::Http;

use crate::wire::request::Surface;

/// A request on its way to a server behind.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    /// Where it goes.
    pub(crate) surface: Surface,
    /// Who asks.
    pub(crate) tenant: Option<KeyId>,
    /// The fields that go with it.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) body: Bytes,
}

/// A model that is answered for inside this process.
pub trait Embedded: Debug + Send + Sync {
    /// Takes a request, to answer it into its `pieces` from a thread of its own; ends when they are no longer wanted.
    ///
    /// # Errors
    /// Where as many requests wait as may.
    fn submit(&self, submission: Submission) -> Result<(), Busy>;
}

/// A request to a model of our own.
#[derive(Debug)]
pub struct Submission {
    /// Where it was sent.
    pub surface: Surface,
    /// Its body.
    pub body: Bytes,
    /// Who asks: the owner of the key; none for requests without one.
    pub tenant: Option<KeyId>,
    /// Where its answer goes.
    pub pieces: Pieces,
}

/// Where the pieces of an answer go; `blocking_send` waits while the client does not read.
pub type Pieces = mpsc::Sender<Piece>;

/// A part of an answer from an embedded model.
#[derive(Debug, Clone)]
pub enum Piece {
    /// First: the status, and the media type of what follows.
    Head(u16, &'static str),
    /// Some of the body.
    Data(Bytes),
    /// Last, where the body is whole. Without it the answer was cut.
    End,
}

/// Too many requests wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests wait for the model")]
pub struct Busy;

/// Why a server behind did not answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It could not be reached, or hung up before it began to answer.
    #[error("the server behind could not be reached")]
    Unreachable(#[source] std::io::Error),
    /// It answered what is no HTTP, or broke off.
    #[error("the server behind broke off")]
    Broken(#[source] hyper::Error),
    /// It let too much time pass.
    #[error("the server behind let too much time pass")]
    Silent,
    /// Too many wait for it.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// An embedded model broke off.
    #[error("the model broke off")]
    Cut,
}

/// What a server behind answers, its body still to come.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

/// A body that comes from behind, only as fast as it is asked for.
#[derive(Debug)]
pub(crate) enum Body {
    Http(http::Incoming),
    Embedded { pieces: mpsc::Receiver<Piece>, ended: bool },
}

impl Body {
    /// The next bytes; none at the end.
    pub(crate) fn poll(&mut self, ctx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        match self {
            Self::Http(incoming) => incoming.poll(ctx),
            Self::Embedded { ended: true, .. } => Poll::Ready(None),
            Self::Embedded { pieces, ended } => match pieces.poll_recv(ctx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Some(Piece::Data(bytes))) => Poll::Ready(Some(Ok(bytes))),
                Poll::Ready(Some(Piece::End)) => {
                    *ended = true;
                    Poll::Ready(None)
                }
                Poll::Ready(Some(Piece::Head(..)) | None) => {
                    *ended = true;
                    Poll::Ready(Some(Err(Failure::Cut)))
                }
            },
        }
    }

    /// The next bytes; none at the end.
    pub(crate) async fn next(&mut self, idle: Duration) -> Option<Result<Bytes, Failure>> {
        let next = std::future::poll_fn(|ctx| self.poll(ctx));
        tokio::time::timeout(idle, next).await.unwrap_or(Some(Err(Failure::Silent)))
    }
}

/// Asks an embedded model.
pub(crate) async fn ask_embedded(
    model: &dyn Embedded,
    outgoing: &Outgoing,
    idle: Duration,
) -> Result<Reply, Failure> {
    // Few pieces wait: a model is not to run ahead of a client that does not read.
    let (sender, mut pieces) = mpsc::channel(16);
    let submission = Submission {
        surface: outgoing.surface,
        body: outgoing.body.clone(),
        tenant: outgoing.tenant,
        pieces: sender,
    };
    model.submit(submission)?;
    match tokio::time::timeout(idle, pieces.recv()).await {
        Err(_) => Err(Failure::Silent),
        Ok(Some(Piece::Head(status, media_type))) => {
            let mut headers = HeaderMap::new();
            headers.insert(hyper::header::CONTENT_TYPE, hyper::header::HeaderValue::from_static(media_type));
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            Ok(Reply { status, headers, body: Body::Embedded { pieces, ended: false } })
        }
        Ok(_) => Err(Failure::Cut),
    }
}
