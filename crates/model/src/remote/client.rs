//! One question over HTTP, tried until it is answered or hopeless.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stillmark_evidence::receipt;
use ureq::http::HeaderMap;
use ureq::http::header::{AUTHORIZATION, DATE, RETRY_AFTER};

use super::retry::{may_pass, retry_after};
use super::wire::{Question, Reply};
use super::{Endpoint, Pause};
use crate::Error;

/// A reply's body may not be larger.
const BODY_BYTES: u64 = 64 << 20;

/// Characters of a server's words that an error quotes.
const QUOTE: usize = 300;

/// A connection pool for one endpoint.
#[derive(Debug)]
pub(super) struct Client<'a> {
    endpoint: &'a Endpoint,
    agent: ureq::Agent,
}

/// Why an attempt brought no reply.
enum Failure {
    /// Trying again may help; the server may have asked for a wait.
    Passing {
        detail: String,
        asked: Option<Duration>,
    },
    Final(Error),
}

impl<'a> Client<'a> {
    pub(super) fn new(endpoint: &'a Endpoint) -> Result<Self, Error> {
        let unusable = |detail: &str| Error::Unreachable {
            url: endpoint.base_url.clone(),
            attempts: 0,
            detail: detail.to_owned(),
        };
        let scheme = ["http://", "https://"].iter().find_map(|scheme| endpoint.base_url.strip_prefix(scheme));
        let Some(rest) = scheme else {
            return Err(unusable("the address must begin with http:// or https://"));
        };
        if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
            let hidden = Error::Unreachable {
                url: rest.rsplit('@').next().unwrap_or_default().to_owned(),
                attempts: 0,
                detail: "the address must not hold a user name or password".to_owned(),
            };
            return Err(hidden);
        }
        let proxy = endpoint.proxy.as_deref().map(ureq::Proxy::new).transpose();
        let proxy = proxy.map_err(|error| unusable(&format!("the proxy's address: {error}")))?;
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(endpoint.timeout))
            .proxy(proxy)
            .user_agent(concat!("stillmark/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { endpoint, agent: config.into() })
    }

    pub(super) fn ask(
        &self,
        question: &Question,
        pause: &dyn Pause,
        stop: &AtomicBool,
    ) -> Result<Reply, Error> {
        let url = format!("{}/{}", self.endpoint.base_url.trim_end_matches('/'), question.route());
        let body = question.body(&self.endpoint.model).to_string();
        let attempts = self.endpoint.patience.attempts.max(1);
        let mut failures = 0;
        loop {
            let (detail, asked) = match self.attempt(&url, &body, question) {
                Ok(reply) => return Ok(Reply { attempts: failures + 1, ..reply }),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing { detail, asked }) => (detail, asked),
            };
            failures += 1;
            let give_up = |detail| Err(Error::Unreachable { url: url.clone(), attempts: failures, detail });
            if failures == attempts || stop.load(Ordering::Relaxed) {
                return give_up(detail);
            }
            match self.endpoint.patience.wait(failures, asked, pause.random()) {
                Some(wait) => pause.sleep(wait),
                None => return give_up(format!("{detail}; the server asks for a longer wait than allowed")),
            }
        }
    }

    fn attempt(&self, url: &str, body: &str, question: &Question) -> Result<Reply, Failure> {
        let mut request = self.agent.post(url).content_type("application/json");
        if let Some(key) = &self.endpoint.key {
            request = request.header(AUTHORIZATION, key.bearer());
        }
        let response = request.send(body).map_err(|error| self.failure(url, &error))?;
        let (parts, body) = response.into_parts();
        let status = parts.status.as_u16();
        let body = body.into_with_config().limit(BODY_BYTES).read_to_vec();
        if !parts.status.is_success() {
            let words = body.map(|bytes| self.words(&bytes)).unwrap_or_default();
            return Err(refusal(url, status, words, &parts.headers));
        }
        let bytes = body.map_err(|error| self.failure(url, &error))?;
        let receipt = parts.headers.get(receipt::HEADER).and_then(|value| value.to_str().ok());
        let reply = question.parse(&bytes).map_err(|detail| {
            let detail = self.blot(&detail);
            Failure::Final(Error::Reply { url: url.to_owned(), detail })
        })?;
        Ok(Reply { receipt: receipt.map(str::to_owned), ..reply })
    }

    /// What an error of the HTTP client means.
    fn failure(&self, url: &str, error: &ureq::Error) -> Failure {
        let detail = self.blot(&error.to_string());
        match error {
            ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::Protocol(_)
            | ureq::Error::BodyStalled => Failure::Passing { detail, asked: None },
            ureq::Error::BodyExceedsLimit(_) => Failure::Final(Error::Reply { url: url.to_owned(), detail }),
            _ => Failure::Final(Error::Unreachable { url: url.to_owned(), attempts: 1, detail }),
        }
    }

    /// The server's own words in an error's body.
    fn words(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
        let message =
            json.as_ref().and_then(|json| json["error"]["message"].as_str().or(json["message"].as_str()));
        self.blot(message.unwrap_or(&text)).trim().chars().take(QUOTE).collect()
    }

    fn blot(&self, text: &str) -> String {
        self.endpoint.key.as_ref().map_or_else(|| text.to_owned(), |key| key.blot(text))
    }
}

fn refusal(url: &str, status: u16, words: String, headers: &HeaderMap) -> Failure {
    if !may_pass(status) {
        return Failure::Final(Error::Refused { url: url.to_owned(), status, detail: words });
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let asked = text(RETRY_AFTER).and_then(|value| retry_after(value, text(DATE)));
    Failure::Passing { detail: format!("status {status}: {words}"), asked }
}
