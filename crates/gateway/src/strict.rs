//! A connection whose bytes were found to be framed in one way only before the server reads them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::wire::framing::{Framing, Refusal};

/// What the server behind is given instead of a head that is refused: it answers 400 to it and hangs up.
const POISON: &[u8] = b"\0\r\n\r\n";

/// A stream of bytes that ends at the first one that must not be there.
#[derive(Debug)]
pub(crate) struct Strict<S> {
    stream: S,
    framing: Framing,
    end: End,
}

/// How far a stream is from its end.
#[derive(Debug, Clone, Copy)]
enum End {
    Open,
    /// What was sound has been handed over; an error is next.
    Failing(Refusal),
    /// Neither more bytes nor their end: what was refused is still to be answered.
    Refused,
}

impl<S> Strict<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, framing: Framing::default(), end: End::Open }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Strict<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.end {
            End::Open => {}
            End::Failing(refusal) => {
                self.end = End::Refused;
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, refusal)));
            }
            End::Refused => return Poll::Pending,
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(ctx, buf))?;
        let Err(refused) = self.framing.follow(&buf.filled()[before..]) else { return Poll::Ready(Ok(())) };
        buf.set_filled(before + refused.start);
        if refused.in_body {
            self.end = End::Failing(refused.refusal);
            // No bytes at all would be the end of the stream, not an error.
            return if refused.start == 0 { self.poll_read(ctx, buf) } else { Poll::Ready(Ok(())) };
        }
        self.end = End::Refused;
        let room = buf.remaining().min(POISON.len());
        buf.put_slice(&POISON[..room]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Strict<S> {
    fn poll_write(mut self: Pin<&mut Self>, ctx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(ctx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(ctx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(ctx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(ctx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
