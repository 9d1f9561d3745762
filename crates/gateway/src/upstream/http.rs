//! A server behind, over HTTP/1.1, on connections that are kept.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Body as _;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_LENGTH, HOST, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use crate::tls::{self, Roots};

use super::{Body, Failure, Outgoing, Reply};

/// So many idle connections are kept.
const MOST_IDLE: usize = 256;

/// A connection takes no longer to make.
const CONNECT: Duration = Duration::from_secs(5);

/// A server behind, as one thread reaches it.
#[derive(Debug)]
pub(crate) struct Http {
    /// Host and port.
    authority: String,
    /// What stands before every path.
    prefix: String,
    host: HeaderValue,
    /// Where it speaks TLS: what its certificate must go back to.
    roots: Option<Roots>,
    idle: Rc<RefCell<Vec<Connection>>>,
}

/// A connection; it is closed when it is dropped, whatever it was doing.
#[derive(Debug)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The body of an answer; its connection goes back to the others at the end, and is closed if that is not reached.
#[derive(Debug)]
pub(crate) struct Incoming {
    body: hyper::body::Incoming,
    connection: Option<Connection>,
    idle: Rc<RefCell<Vec<Connection>>>,
}

impl Http {
    /// A server at `http://AUTHORITY/PREFIX`, or at `https://…` where there are roots.
    pub(crate) fn new(url: &str, roots: Option<Roots>) -> Self {
        let port = if roots.is_some() { 443 } else { 80 };
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        let host = HeaderValue::from_str(authority).unwrap_or(HeaderValue::from_static("upstream"));
        let has_port = authority.rsplit_once(':').is_some_and(|(_, after)| !after.ends_with(']'));
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:{port}") };
        Self { authority, prefix, host, roots, idle: Rc::default() }
    }

    /// Sends a request; again, up to `retries` times, where it cannot have been begun to be answered.
    pub(crate) async fn ask(
        &self,
        outgoing: &Outgoing,
        idle: Duration,
        retries: u32,
    ) -> Result<Reply, Failure> {
        let mut left = retries;
        loop {
            let kept = self.kept().await;
            let was_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => match self.connect().await {
                    Ok(connection) => connection,
                    Err(_) if left > 0 => {
                        left -= 1;
                        continue;
                    }
                    Err(err) => return Err(Failure::Unreachable(err)),
                },
            };
            let sent = connection.sender.send_request(self.request(outgoing));
            match tokio::time::timeout(idle, sent).await {
                Err(_) => return Err(Failure::Silent),
                Ok(Ok(response)) => return Ok(self.reply(response, connection)),
                // A kept connection that the server had closed: nothing of the request was read.
                Ok(Err(err))
                    if was_kept && (err.is_canceled() || err.is_incomplete_message() || err.is_closed()) => {}
                Ok(Err(err)) if left > 0 && err.is_canceled() => left -= 1,
                Ok(Err(err)) => return Err(Failure::Broken(err)),
            }
        }
    }

    async fn kept(&self) -> Option<Connection> {
        loop {
            let mut connection = self.idle.borrow_mut().pop()?;
            if !connection.sender.is_closed() && connection.sender.ready().await.is_ok() {
                return Some(connection);
            }
        }
    }

    async fn connect(&self) -> io::Result<Connection> {
        tokio::time::timeout(CONNECT, self.reached()).await?
    }

    async fn reached(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(&self.authority).await?;
        stream.set_nodelay(true)?;
        let Some(roots) = &self.roots else { return spoken(stream).await };
        let name = tls::name_of(&self.authority);
        let name = name.ok_or_else(|| io::Error::other("its host can be no name of a certificate"))?;
        spoken(TlsConnector::from(Arc::clone(&roots.0)).connect(name, stream).await?).await
    }

    fn request(&self, outgoing: &Outgoing) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(outgoing.body.clone()));
        *request.method_mut() = hyper::Method::POST;
        let path = format!("{}{}", self.prefix, outgoing.surface.path());
        *request.uri_mut() = path.parse().unwrap_or_default();
        *request.headers_mut() = outgoing.headers.clone();
        request.headers_mut().insert(HOST, self.host.clone());
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(outgoing.body.len()));
        request
    }

    fn reply(&self, response: Response<hyper::body::Incoming>, connection: Connection) -> Reply {
        let (head, body) = response.into_parts();
        let incoming = Incoming { body, connection: Some(connection), idle: Rc::clone(&self.idle) };
        Reply { status: head.status, headers: head.headers, body: Body::Http(incoming) }
    }
}

/// Begins to speak HTTP over a connection.
async fn spoken<S>(stream: S) -> io::Result<Connection>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let task = tokio::task::spawn_local(async move {
        // Whoever sent a request is told of what goes wrong with it.
        let _ = connection.await;
    });
    Ok(Connection { sender, task })
}

impl Incoming {
    pub(super) fn poll(&mut self, ctx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        loop {
            match std::pin::Pin::new(&mut self.body).poll_frame(ctx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.keep();
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(err))) => return Poll::Ready(Some(Err(Failure::Broken(err)))),
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
            }
        }
    }

    fn keep(&mut self) {
        let mut idle = self.idle.borrow_mut();
        if let Some(connection) = self.connection.take()
            && idle.len() < MOST_IDLE
        {
            idle.push(connection);
        }
    }
}
