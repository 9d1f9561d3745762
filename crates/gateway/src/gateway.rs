//! What all threads share: the configuration in force, the keys, the meter.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use hyper::header::HeaderValue;
use stillmark_evidence::Digest;
use tokio::sync::watch;

use crate::config::{Config, OnDisconnect};
use crate::grants::Grants;
use crate::keys::{Pepper, Ring};
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::receipts::Receipts;
use crate::tls::{Certificate, Roots};
use crate::upstream::Embedded;

/// A server behind, as the front door prepared it.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// The models it answers for; `*` for all others.
    pub models: Vec<String>,
    /// What it is shown as `authorization`.
    pub authorization: Option<Authorization>,
    /// What happens to an answer whose client went away.
    pub on_disconnect: OnDisconnect,
    /// How long it may pause.
    pub idle: Duration,
    /// How often it is asked again before an answer begins.
    pub retries: u32,
}

/// The key that a server behind is shown; it is never printed.
#[derive(Debug, Clone)]
pub struct Authorization(pub(crate) HeaderValue);

impl Authorization {
    /// A bearer's token; none where it cannot be sent in a header.
    pub fn bearer(token: &str) -> Option<Self> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }
}

/// Where a server behind is.
#[derive(Debug, Clone)]
pub enum Target {
    /// At `http://HOST:PORT`.
    Http(String),
    /// At `https://HOST`, whose certificate goes back to these.
    Https(String, Roots),
    /// In this process.
    Embedded(Arc<dyn Embedded>),
}

/// What a gateway is made of.
#[derive(Debug)]
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The servers behind, in the order of the configuration.
    pub upstreams: Vec<Upstream>,
    /// The limits.
    pub meter: Meter,
    /// The keys.
    pub ring: Ring,
    /// What is mixed into their hashes.
    pub pepper: Pepper,
    /// The log of receipts, where answers are logged.
    pub receipts: Option<Receipts>,
    /// The offer that is served at `/.well-known/distillation.toml`.
    pub offer: Option<String>,
    /// The clock: milliseconds since 1970.
    pub now_ms: fn() -> u64,
}

/// What is replaced as a whole while requests are answered; each request keeps to the one that it began under.
#[derive(Debug)]
pub struct Live {
    /// The configuration.
    pub config: Config,
    /// The servers behind, in the order of the configuration.
    pub upstreams: Vec<Upstream>,
    /// The offer that is served at `/.well-known/distillation.toml`.
    pub offer: Option<String>,
}

impl Live {
    /// The digest of the offer, by which grants and receipts name it.
    pub(crate) fn offer_digest(&self) -> Option<Digest> {
        self.offer.as_ref().map(|offer| Digest::of(offer.as_bytes()))
    }
}

/// A gateway at work.
#[derive(Debug)]
pub struct Gateway {
    live: ArcSwap<Live>,
    certificate: ArcSwapOption<Certificate>,
    pub(crate) meter: Meter,
    ring: ArcSwap<Ring>,
    /// None where the configuration names no folder of grants.
    grants: ArcSwapOption<Grants>,
    pub(crate) pepper: Pepper,
    pub(crate) metrics: Metrics,
    pub(crate) receipts: Option<Arc<Receipts>>,
    now_ms: fn() -> u64,
    closing: watch::Sender<bool>,
    is_cutting: AtomicBool,
    requests: AtomicU64,
    names: RandomState,
}

impl Gateway {
    /// A gateway that nobody asks yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        let live = Live { config: parts.config, upstreams: parts.upstreams, offer: parts.offer };
        Arc::new(Self {
            live: ArcSwap::from_pointee(live),
            certificate: ArcSwapOption::empty(),
            meter: parts.meter,
            ring: ArcSwap::from_pointee(parts.ring),
            grants: ArcSwapOption::empty(),
            pepper: parts.pepper,
            metrics: Metrics::default(),
            receipts: parts.receipts.map(Arc::new),
            now_ms: parts.now_ms,
            closing: watch::Sender::new(false),
            is_cutting: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            names: RandomState::new(),
        })
    }

    /// Takes another configuration on, at once and for all threads; requests that are begun end under the one before.
    pub fn set_live(&self, live: Live) {
        let limits = &live.config.limits;
        self.meter.set_limits(limits.key, limits.network);
        self.live.store(Arc::new(live));
    }

    /// Takes other keys on, at once and for all threads.
    pub fn set_keys(&self, ring: Ring) {
        self.ring.store(Arc::new(ring));
    }

    /// Shows a certificate to those who connect from now on, and speaks nothing but TLS with them.
    pub fn set_certificate(&self, certificate: Certificate) {
        self.certificate.store(Some(Arc::new(certificate)));
    }

    pub(crate) fn certificate(&self) -> Option<Arc<Certificate>> {
        self.certificate.load_full()
    }

    /// Takes on the grants as they stand now, at once and for all threads.
    pub fn set_grants(&self, grants: Grants) {
        self.grants.store(Some(Arc::new(grants)));
    }

    pub(crate) fn grants(&self) -> Option<Arc<Grants>> {
        self.grants.load_full()
    }

    /// Asks every thread to answer what is begun and then end.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Whether it was asked to end.
    pub fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.closing.subscribe()
    }

    /// Ends streams that did not end in time.
    pub(crate) fn cut(&self) {
        self.is_cutting.store(true, Ordering::Release);
    }

    pub(crate) fn is_cutting(&self) -> bool {
        self.is_cutting.load(Ordering::Acquire)
    }

    /// The limits.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// What Prometheus reads.
    pub fn metrics_text(&self) -> String {
        self.metrics.text(self.meter.standing())
    }

    pub(crate) fn now_ms(&self) -> u64 {
        (self.now_ms)()
    }

    /// A name for an answer that got none from behind.
    pub(crate) fn request_id(&self) -> HeaderValue {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let text = format!("req_{:016x}", self.names.hash_one(number));
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("req_0"))
    }

    /// What is in force at the moment.
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// Whether that is what is in force still.
    pub(crate) fn is_live(&self, live: &Arc<Live>) -> bool {
        Arc::ptr_eq(&self.live.load(), live)
    }

    pub(crate) fn ring(&self) -> arc_swap::Guard<Arc<Ring>> {
        self.ring.load()
    }
}
