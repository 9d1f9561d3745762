//! One request, from its head to its answer.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use stillmark_evidence::receipt::HEADER;
use stillmark_ledger::asked::{self, Lasts};

use crate::answer::{Answer, broken, no_receipt};
use crate::config::OnDisconnect;
use crate::door;
use crate::flight::{Due, Flight};
use crate::gateway::{Gateway, Live, Upstream};
use crate::headers;
use crate::intake;
use crate::keys::Key;
use crate::limit::Link;
use crate::meter::Asker;
use crate::metrics::Event;
use crate::models;
use crate::said;
use crate::upstream::{Failure, Outgoing, Reply};
use crate::usage::{Watch, usage_in};
use crate::view::{View, Views};
use crate::wire::reply::{Refusal, sentence};
use crate::wire::request::{self, Surface};

/// Where the log of receipts is read.
const LOG: &str = "/.well-known/stillmark/receipts/";

/// Where revocations of grants are read.
const REVOCATIONS: &str = "/.well-known/stillmark/revocations/";

/// No answer that is read whole is longer.
const LONGEST_ANSWER: usize = 64 << 20;

/// A thread's share of the gateway.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) gateway: Arc<Gateway>,
    views: Views,
    /// How this thread reaches the limits that gateways count together.
    pub(crate) link: Option<Rc<Link>>,
}

impl Worker {
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        let views = Views::new(&gateway);
        let link = gateway.meter.link();
        Self { gateway, views, link }
    }

    /// Answers a request, whatever it is.
    pub(crate) async fn answer(self: Rc<Self>, from: IpAddr, request: Request<Incoming>) -> Response<Answer> {
        let begun = self.gateway.now_ms();
        let view = self.views.now(&self.gateway);
        let from = origin(&view.live, from, request.headers());
        let mut response = match self.routed(&view, from, request).await {
            Ok(response) => response,
            Err(refusal) => told(&refusal),
        };
        response.headers_mut().entry("x-request-id").or_insert_with(|| self.gateway.request_id());
        self.gateway
            .metrics
            .answered(response.status().as_u16(), self.gateway.now_ms().saturating_sub(begun));
        response
    }

    async fn recognized(
        &self,
        live: &Live,
        headers: &HeaderMap,
        from: IpAddr,
    ) -> Result<Option<Arc<Key>>, Refusal> {
        door::recognized(&self.gateway, live, self.link.as_deref(), headers, from).await
    }

    async fn routed(
        self: &Rc<Self>,
        view: &Rc<View>,
        from: IpAddr,
        request: Request<Incoming>,
    ) -> Result<Response<Answer>, Refusal> {
        let path = request.uri().path();
        let live = &view.live;
        if let Some(surface) = Surface::at(path) {
            if request.method() != Method::POST {
                return Err(wrong_method("POST"));
            }
            let key = self.recognized(live, request.headers(), from).await?;
            return self.asked(view, surface, key.as_deref(), from, request).await;
        }
        let is_get = request.method() == Method::GET;
        match path {
            "/healthz" if is_get => Ok(plain(StatusCode::OK, "text/plain", b"ok\n".as_slice().into())),
            "/readyz" if is_get && self.gateway.is_closing() => {
                Ok(plain(StatusCode::SERVICE_UNAVAILABLE, "text/plain", b"closing\n".as_slice().into()))
            }
            "/readyz" if is_get => Ok(plain(StatusCode::OK, "text/plain", b"ready\n".as_slice().into())),
            "/metrics" if is_get && from.is_loopback() => {
                let text = self.gateway.metrics_text();
                Ok(plain(StatusCode::OK, "text/plain; version=0.0.4", text.into()))
            }
            "/.well-known/distillation.toml" if is_get && live.offer.is_some() => {
                let offer = live.offer.clone().unwrap_or_default();
                Ok(plain(StatusCode::OK, "application/toml", offer.into()))
            }
            _ if is_get && path.starts_with(REVOCATIONS) => self.revoked(&path[REVOCATIONS.len()..]),
            _ if is_get && path.starts_with(LOG) => self.logged(&request).await,
            "/v1/models" if is_get => {
                self.recognized(live, request.headers(), from).await?;
                Ok(plain(StatusCode::OK, "application/json", models::list(live).into()))
            }
            _ if is_get && path.starts_with("/v1/models/") => {
                self.recognized(live, request.headers(), from).await?;
                let name = &path["/v1/models/".len()..];
                let known = models::names(live).any(|own| own == name);
                let model =
                    known.then(|| models::model(name).to_string()).ok_or_else(|| models::missing(name))?;
                Ok(plain(StatusCode::OK, "application/json", model.into()))
            }
            "/healthz" | "/readyz" | "/metrics" | "/v1/models" => Err(wrong_method("GET")),
            _ => {
                let message = format!("Unknown request URL: {} {path}.", request.method());
                Err(Refusal::new(404, "invalid_request_error", "unknown_url", &message))
            }
        }
    }

    /// The revocation of a grant, for whoever asks; none, where it was not taken back (docs/spec/grant.md).
    fn revoked(&self, id: &str) -> Result<Response<Answer>, Refusal> {
        let found = id.parse().ok().zip(self.gateway.grants());
        let bundle = found.as_ref().and_then(|(id, grants)| grants.revocation(*id));
        let none =
            || Refusal::new(404, "invalid_request_error", "not_found", "No such grant was taken back.");
        let bundle = Bytes::copy_from_slice(bundle.ok_or_else(none)?);
        Ok(plain(StatusCode::OK, "application/json", bundle))
    }

    /// The log of receipts, for whoever asks (docs/spec/receipt.md, ledger.md).
    async fn logged(&self, request: &Request<Incoming>) -> Result<Response<Answer>, Refusal> {
        let none =
            || Refusal::new(404, "invalid_request_error", "not_found", "It is not in the log, or not yet.");
        let receipts = Arc::clone(self.gateway.receipts.as_ref().ok_or_else(none)?);
        let uri = request.uri();
        let asked = asked::parse(&uri.path()[LOG.len()..], uri.query()).ok_or_else(none)?;
        // It reads files: the other requests of this thread go on meanwhile.
        let found = tokio::task::spawn_blocking(move || receipts.answer(&asked)).await;
        let found = found.ok().and_then(Result::ok).flatten().ok_or_else(none)?;
        let mut response = plain(StatusCode::OK, found.media_type, found.body.into());
        if found.lasts == Lasts::Forever {
            let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
            response.headers_mut().insert(CACHE_CONTROL, forever);
        }
        Ok(response)
    }

    /// A request to a model.
    async fn asked(
        self: &Rc<Self>,
        view: &Rc<View>,
        surface: Surface,
        key: Option<&Key>,
        from: IpAddr,
        request: Request<Incoming>,
    ) -> Result<Response<Answer>, Refusal> {
        let (gateway, live) = (&self.gateway, &view.live);
        if gateway.is_closing() {
            return Err(Refusal::new(503, "server_error", "shutting_down", "The server is shutting down."));
        }
        let (head, body) = request.into_parts();
        let body = intake::read(&head.headers, body, &live.config.server).await?;
        let asked = request::Request::read(surface, &body)
            .map_err(|err| Refusal::invalid("invalid_request", err.param(), sentence(&err.to_string())))?;
        let at = live.config.upstream_of(&asked.model).ok_or_else(|| models::missing(&asked.model))?;
        let upstream = &live.upstreams[at];
        if gateway.receipts.as_ref().is_some_and(|receipts| receipts.is_behind()) {
            return Err(no_receipt());
        }
        let asker = Asker { key, from, cap: None };
        let admitted = door::admitted(gateway, live, self.link.as_deref(), asker, &asked).await?;
        let due = key.filter(|_| gateway.receipts.is_some() && surface.is_generative());
        let due = due.map(|key| due_for(key, &asked, &body));
        let left = *admitted.ticket.left();
        let mut flight = Flight::new(Arc::clone(gateway), self.link.clone(), admitted, due);
        flight.veil = door::veil(gateway, live, key);
        let forwarded = match asked.forwarded(&body) {
            std::borrow::Cow::Borrowed(_) => body.clone(),
            std::borrow::Cow::Owned(changed) => changed.into(),
        };
        let headers = headers::of_request(&head.headers, upstream.authorization.as_ref().map(|own| &own.0));
        let outgoing = Outgoing { surface, tenant: key.map(|key| key.tenant), headers, body: forwarded };
        let (worker, view) = (Rc::clone(self), Rc::clone(view));
        let drains = upstream.on_disconnect == OnDisconnect::Drain;
        let answering = async move {
            match view.ask(at, &outgoing).await {
                Ok(reply) => {
                    let upstream = &view.live.upstreams[at];
                    let mut response = worker.replied(upstream, &asked, reply, flight).await?;
                    headers::say_left(response.headers_mut(), &left);
                    Ok(response)
                }
                Err(failure) => {
                    flight.cost_nothing();
                    Err(worker.failed(&failure))
                }
            }
        };
        if drains {
            // It goes on though nobody may wait for it any more.
            let cut = |_| broken(&Failure::Cut);
            return tokio::task::spawn_local(answering).await.map_err(cut)?;
        }
        answering.await
    }

    fn failed(&self, failure: &Failure) -> Refusal {
        self.gateway.metrics.count(Event::UpstreamFailed);
        broken(failure)
    }

    /// Passes on what came back.
    async fn replied(
        &self,
        upstream: &Upstream,
        asked: &request::Request,
        reply: Reply,
        mut flight: Flight,
    ) -> Result<Response<Answer>, Refusal> {
        let mut headers = headers::of_answer(&reply.headers);
        let status = reply.status;
        let media_type = reply.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_events = media_type.is_some_and(|media_type| media_type.starts_with("text/event-stream"));
        if !status.is_success() {
            flight.cost_nothing();
            for name in ["retry-after", "retry-after-ms"] {
                if let Some(value) = reply.headers.get(name) {
                    headers.insert(HeaderName::from_static(name), value.clone());
                }
            }
        }
        let body = if is_events && status.is_success() {
            headers.remove(CONTENT_LENGTH);
            let watch = Watch::new(asked).veiled(flight.veil.take());
            let watch = if flight.owes() { watch.keeping(asked.surface) } else { watch };
            Answer::events(reply.body, watch, flight, upstream)
        } else if asked.surface.is_generative() || !status.is_success() {
            let (whole, receipt) = self.whole(reply.body, upstream.idle, flight, status).await?;
            if let Some(receipt) = receipt {
                headers.insert(HeaderName::from_static(HEADER), receipt);
            }
            headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
            Answer::Whole(Some(whole))
        } else {
            let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
            Answer::through(reply.body, flight, upstream.idle, length)
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Reads an answer whole.
    async fn whole(
        &self,
        mut body: crate::upstream::Body,
        idle: Duration,
        mut flight: Flight,
        status: StatusCode,
    ) -> Result<(Bytes, Option<HeaderValue>), Refusal> {
        let bytes = collected(&mut body, idle).await.map_err(|failure| self.failed(&failure))?;
        if !status.is_success() {
            return Ok((bytes, None));
        }
        if let Some(cost) = usage_in(&bytes) {
            flight.cost(cost);
        }
        let words = if flight.owes() { said::in_whole(&bytes) } else { String::new() };
        let receipt = flight.receipt(&words).map_err(|_| no_receipt())?;
        let header = receipt.map(|receipt| receipt.to_header());
        let header = header.transpose().map_err(|_| no_receipt())?;
        let veiled = flight.veil.as_ref().map_or(Ok(None), |veil| veil.over_json(&bytes));
        let veiled = veiled.map_err(|_| self.failed(&Failure::Cut))?;
        let bytes = veiled.map_or(bytes, Bytes::from);
        Ok((bytes, header.and_then(|header| HeaderValue::try_from(header).ok())))
    }
}

/// Where a request comes from, which a trusted proxy may say.
fn origin(live: &Live, from: IpAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = &live.config.server.trusted_proxies;
    if !trusted.contains(&from) {
        return from;
    }
    let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<IpAddr> =
        hops.flat_map(|value| value.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
    hops.into_iter().rev().find(|hop| !trusted.contains(hop)).unwrap_or(from)
}

/// What a receipt for the answer to a request will say.
fn due_for(key: &Key, asked: &request::Request, body: &[u8]) -> Due {
    let prompt = std::str::from_utf8(&body[asked.prompt.clone()]).unwrap_or_default();
    Due {
        tenant: key.tenant,
        grant: key.grant,
        model: asked.model.clone(),
        prompt: said::asked(prompt).into_owned(),
    }
}

async fn collected(body: &mut crate::upstream::Body, idle: Duration) -> Result<Bytes, Failure> {
    let Some(first) = body.next(idle).await else { return Ok(Bytes::new()) };
    let first = first?;
    let Some(second) = body.next(idle).await else { return Ok(first) };
    let mut all = BytesMut::from(first);
    all.extend_from_slice(&second?);
    while let Some(next) = body.next(idle).await {
        all.extend_from_slice(&next?);
        if all.len() > LONGEST_ANSWER {
            return Err(Failure::Cut);
        }
    }
    Ok(all.freeze())
}

fn wrong_method(allowed: &'static str) -> Refusal {
    let message = format!("This path takes {allowed} only.");
    Refusal {
        param: Some(allowed),
        ..Refusal::new(405, "invalid_request_error", "method_not_allowed", &message)
    }
}

fn plain(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Some(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A refusal as a response.
fn told(refusal: &Refusal) -> Response<Answer> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = plain(status, "application/json", refusal.body().into());
    headers::say_retry(response.headers_mut(), refusal);
    match refusal.status {
        405 => {
            let allowed = HeaderValue::from_static(refusal.param.unwrap_or("POST"));
            response.headers_mut().insert(ALLOW, allowed);
        }
        401 => {
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(hyper::header::WWW_AUTHENTICATE, scheme);
        }
        // What was not read of the body is not worth reading.
        408 | 413 => {
            response.headers_mut().insert(hyper::header::CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    response
}
