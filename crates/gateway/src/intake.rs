//! Taking in the body of a request, no more of it and no slower than is allowed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::HeaderMap;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::config::Server;
use crate::wire::reply::Refusal;

/// Reads the body of a request, within its bounds.
pub(crate) async fn read(headers: &HeaderMap, mut body: Incoming, server: &Server) -> Result<Bytes, Refusal> {
    let too_long = || {
        let message = format!("The body is longer than {} bytes.", server.body_bytes);
        Refusal::new(413, "invalid_request_error", "request_too_large", &message)
    };
    if headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        let message = "Send the body as it is, without `content-encoding`.";
        return Err(Refusal::new(415, "invalid_request_error", "unsupported_encoding", message));
    }
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !media_type.is_some_and(|media_type| media_type.trim_start().starts_with("application/json")) {
        let message = "Send the body as `content-type: application/json`.";
        return Err(Refusal::new(415, "invalid_request_error", "unsupported_media_type", message));
    }
    let expected = body.size_hint();
    if expected.lower() > server.body_bytes as u64 {
        return Err(too_long());
    }
    let pause = Duration::from_secs(server.body_pause_seconds);
    let mut all = BytesMut::new();
    loop {
        let frame = std::future::poll_fn(|ctx| std::pin::Pin::new(&mut body).poll_frame(ctx));
        let frame = tokio::time::timeout(pause, frame).await.map_err(|_| {
            Refusal::new(408, "invalid_request_error", "request_timeout", "The body did not come in time.")
        })?;
        let Some(frame) = frame else { return Ok(all.freeze()) };
        let broken = |_| {
            Refusal::invalid(
                "invalid_body",
                None,
                "The body broke off, or is not framed as it must be.".to_owned(),
            )
        };
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if all.len() + data.len() > server.body_bytes {
            return Err(too_long());
        }
        if all.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        all.extend_from_slice(&data);
    }
}
