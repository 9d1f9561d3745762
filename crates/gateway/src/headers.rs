//! Which fields go on and which stop here.

use hyper::HeaderMap;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};

use crate::limit::Room;
use crate::meter::Left;
use crate::wire::reply::{Refusal, stretch};

/// Fields that concern one connection only (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Fields of requests that stop here: secrets, who the client is, what this gateway sets itself.
const OF_REQUESTS: [&str; 14] = [
    "accept-encoding",
    "authorization",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "openai-organization",
    "openai-project",
    "via",
    "x-api-key",
    "x-real-ip",
    "api-key",
];

/// Fields of answers that stop here.
const OF_ANSWERS: [&str; 6] =
    ["set-cookie", "server", "openai-organization", "alt-svc", "retry-after", "retry-after-ms"];

/// What goes on with a request.
pub(crate) fn of_request(headers: &HeaderMap, authorization: Option<&HeaderValue>) -> HeaderMap {
    let mut kept = passed(headers, &OF_REQUESTS, &["x-stillmark-", "x-forwarded-"]);
    if let Some(value) = authorization {
        kept.insert(hyper::header::AUTHORIZATION, value.clone());
    }
    kept
}

/// What goes on with an answer whose length may change; of an answer that is no success, when to try again goes on, too.
pub(crate) fn of_answer(headers: &HeaderMap) -> HeaderMap {
    passed(headers, &OF_ANSWERS, &["x-stillmark-", "x-ratelimit-"])
}

fn passed(headers: &HeaderMap, stopped: &[&str], prefixes: &[&str]) -> HeaderMap {
    let named: Vec<&str> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(',').map(str::trim))
        .collect();
    let mut kept = HeaderMap::with_capacity(headers.len() + 8);
    for (name, value) in headers {
        let text = name.as_str();
        let stops = HOP_BY_HOP.contains(&text)
            || stopped.contains(&text)
            || prefixes.iter().any(|prefix| text.starts_with(prefix))
            || named.iter().any(|named| named.eq_ignore_ascii_case(text));
        if !stops {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// Says what is left, as OpenAI does.
pub(crate) fn say_left(headers: &mut HeaderMap, left: &Left) {
    let mut say = |room: Option<Room>, names: [&'static str; 3]| {
        let Some(room) = room else { return };
        let values = [room.limit.to_string(), room.remaining.to_string(), stretch(room.reset_ms)];
        for (name, value) in names.into_iter().zip(values) {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    };
    say(
        left.requests,
        ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    );
    say(
        left.tokens,
        ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
    );
}

/// Says when to try again, in both of the ways that SDKs read.
pub(crate) fn say_retry(headers: &mut HeaderMap, refusal: &Refusal) {
    let Some(ms) = refusal.retry_after_ms else { return };
    headers.insert(HeaderName::from_static("retry-after-ms"), HeaderValue::from(ms));
    headers.insert(hyper::header::RETRY_AFTER, HeaderValue::from(ms.div_ceil(1_000)));
}
