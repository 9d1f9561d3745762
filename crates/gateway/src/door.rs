//! Who is let in: keys, what they ask for, and the limits they are under.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::HeaderMap;
use hyper::header::AUTHORIZATION;

use crate::config::Logprobs;
use crate::gateway::{Gateway, Live};
use crate::grants::Refused;
use crate::keys::{Key, Presented};
use crate::limit::{Kind, Link};
use crate::meter::{Asker, Cost, Denied, Ticket};
use crate::metrics::Event;
use crate::veil::Veil;
use crate::wire::reply::Refusal;
use crate::wire::request::Request;

/// Bytes of text that a token stands for, in an estimate.
const BYTES_PER_TOKEN: u64 = 4;

/// A request that was let in.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) ticket: Ticket,
    pub(crate) estimate: Cost,
}

/// Who asks: the key that the request brings, or nobody where the gateway is open.
///
/// # Errors
/// Where the key is missing, unknown or revoked: the three look the same from outside.
pub(crate) async fn recognized(
    gateway: &Gateway,
    live: &Live,
    link: Option<&Link>,
    headers: &HeaderMap,
    from: IpAddr,
) -> Result<Option<Arc<Key>>, Refusal> {
    let mut presented = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (presented.next(), presented.next());
    if first.is_none() && live.config.server.open {
        return Ok(None);
    }
    let text = first.filter(|_| second.is_none()).and_then(|value| value.to_str().ok());
    let text = text.and_then(|text| text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer ")));
    let key = text.and_then(|text| Presented::parse(text.trim()).ok());
    let found = key.and_then(|key| gateway.ring().find(key, &gateway.pepper, gateway.now_ms()).cloned());
    if found.is_some() {
        return Ok(found);
    }
    gateway.metrics.count(Event::Unauthenticated);
    let counted = gateway.meter.admit_unknown(link, gateway.now_ms(), from).await;
    counted.map_err(|denied| refused(gateway, &denied))?;
    let (code, message) = match first {
        None => ("missing_api_key", "You didn't provide an API key: send it as `Authorization: Bearer KEY`."),
        Some(_) => ("invalid_api_key", "Incorrect API key provided."),
    };
    Err(Refusal::new(401, "invalid_request_error", code, message))
}

/// Lets a request in, reserving what it may come to cost.
///
/// # Errors
/// Where what it asks for is not given out, or a limit has no room.
pub(crate) async fn admitted(
    gateway: &Gateway,
    live: &Live,
    link: Option<&Link>,
    asker: Asker<'_>,
    request: &Request,
) -> Result<Admitted, Refusal> {
    let grants = gateway.grants();
    let granted = asker.key.and_then(|key| Some((key, grants.as_deref()?)));
    if let Some((key, grants)) = granted
        && let Some(refused) = grants.refusal(key, &request.model, live.offer_digest())
    {
        gateway.metrics.count(Event::Denied);
        return Err(not_granted(&refused));
    }
    let asker = Asker { cap: granted.and_then(|(key, grants)| grants.cap(key)), ..asker };
    if !is_trusted(live, asker.key) {
        shown(&live.config.logprobs, request)?;
    }
    let each = request.most_tokens.unwrap_or(live.config.limits.answer_tokens);
    let answer = if request.surface.is_generative() { each.saturating_mul(request.answers) } else { 0 };
    let estimate = Cost { prompt: request.prompt.len() as u64 / BYTES_PER_TOKEN + 1, answer };
    let admitted = gateway.meter.admit(link, gateway.now_ms(), asker, estimate).await;
    let ticket = admitted.map_err(|denied| refused(gateway, &denied))?;
    Ok(Admitted { ticket, estimate })
}

/// What changes the log-probabilities that a key gets to see.
pub(crate) fn veil(gateway: &Gateway, live: &Live, key: Option<&Key>) -> Option<Veil> {
    let id = key.map_or("", |key| &key.id);
    if is_trusted(live, key) { None } else { Veil::new(&live.config.logprobs, &gateway.pepper, id) }
}

/// Whether a key gets to see log-probabilities as they are.
fn is_trusted(live: &Live, key: Option<&Key>) -> bool {
    let trusted = key.and_then(|key| key.limits.or(live.config.limits.key).trusted);
    trusted == Some(true)
}

/// Refuses what is not shown of a model to a key that is not trusted.
fn shown(logprobs: &Logprobs, request: &Request) -> Result<(), Refusal> {
    if request.wants_logprobs && request.has_logit_bias && !logprobs.with_logit_bias {
        let message = "`logit_bias` and log-probabilities are not given out together.".to_owned();
        return Err(Refusal::invalid("unsupported_parameter", Some("logit_bias"), message));
    }
    if let Some(name) = request.internals.filter(|_| !logprobs.with_internals) {
        let message = format!("`{name}` is not given out.");
        return Err(Refusal::invalid("unsupported_parameter", Some(name), message));
    }
    if request.top_logprobs.is_some_and(|top| top > logprobs.most_top) {
        let message = format!("`top_logprobs` must be at most {}.", logprobs.most_top);
        return Err(Refusal::invalid("integer_above_max_value", Some("top_logprobs"), message));
    }
    Ok(())
}

/// The answer to a request that the key's grant does not cover.
fn not_granted(refused: &Refused) -> Refusal {
    let (code, message) = match refused {
        Refused::Unknown => {
            ("grant-unknown", "The grant that this key takes under is not the provider's.".to_owned())
        }
        Refused::Fault(finding) => {
            (finding.kind.code(), format!("The grant does not cover this: {}.", finding.detail))
        }
    };
    Refusal::new(403, "permission_error", code, &message)
}

/// The answer to a request that a limit stands in the way of.
pub(crate) fn refused(gateway: &Gateway, denied: &Denied) -> Refusal {
    gateway.metrics.count(Event::Denied);
    let Denied::Limit { kind, limit, wait_ms } = *denied else {
        let message = "What is taken cannot be counted at the moment.";
        return Refusal::new(503, "server_error", "limits_unavailable", message);
    };
    if kind == Kind::AnswerTokensEver {
        let message = format!("You exceeded your quota: {limit} {}.", kind.word());
        return Refusal::new(429, "insufficient_quota", "insufficient_quota", &message);
    }
    let about = match kind {
        Kind::TokensPerMinute | Kind::TokensPerDay => "tokens",
        _ => "requests",
    };
    let message = match wait_ms {
        Some(ms) => format!(
            "Rate limit reached: {limit} {}. Please try again in {}.",
            kind.word(),
            crate::wire::reply::stretch(ms)
        ),
        None if kind == Kind::Concurrent => format!("Rate limit reached: {limit} {}.", kind.word()),
        None => format!("Request too large: the limit is {limit} {}.", kind.word()),
    };
    // One that is too large is refused by another code, so that SDKs do not try it again.
    let code = match wait_ms {
        None if kind != Kind::Concurrent => "request_too_large",
        _ => "rate_limit_exceeded",
    };
    let status = if code == "request_too_large" { 400 } else { 429 };
    let wait_ms = if kind == Kind::Concurrent { Some(1_000) } else { wait_ms };
    Refusal { status, kind: about, code, param: None, message, retry_after_ms: wait_ms }
}
