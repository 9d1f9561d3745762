//! The configuration: TOML, whose every word is known (docs/spec/gateway-config.md).

mod change;
mod limits;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
use stillmark_evidence::Digest;

pub use self::limits::{LimitsOfAll, Network, OnOutage, Shared};

/// A whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where requests come in.
    pub server: Server,
    /// The servers behind.
    #[serde(rename = "upstream")]
    pub upstreams: Vec<Upstream>,
    /// How much may be taken.
    #[serde(default)]
    pub limits: LimitsOfAll,
    /// Which log-probabilities go out.
    #[serde(default)]
    pub logprobs: Logprobs,
    /// The log of receipts; without it none are given.
    #[serde(default)]
    pub receipts: Option<Receipts>,
    /// The grants that keys take under; without it nothing is known of them but their digests.
    #[serde(default)]
    pub grants: Option<Grants>,
    /// The offer that is served at `/.well-known/distillation.toml`.
    #[serde(default)]
    pub offer: Option<PathBuf>,
}

/// Where requests come in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// The address to listen at.
    pub listen: SocketAddr,
    /// The folder of keys, journal and log.
    pub state: PathBuf,
    /// Threads that answer.
    #[serde(default = "one")]
    pub threads: usize,
    /// Connections at once.
    #[serde(default = "connections")]
    pub connections: usize,
    /// Connections at once from one address.
    #[serde(default = "connections_per_address")]
    pub connections_per_address: usize,
    /// The longest body of a request.
    #[serde(default = "body_bytes")]
    pub body_bytes: usize,
    /// How long a head may take.
    #[serde(default = "head_seconds")]
    pub head_seconds: u64,
    /// How long a body may pause.
    #[serde(default = "head_seconds")]
    pub body_pause_seconds: u64,
    /// How long streams may go on after the order to stop.
    #[serde(default = "shutdown_seconds")]
    pub shutdown_seconds: u64,
    /// Whether requests without a key are let in.
    #[serde(default)]
    pub open: bool,
    /// Addresses of proxies whose `x-forwarded-for` is believed.
    #[serde(default)]
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// The certificate that clients are shown; without it they speak plainly.
    #[serde(default)]
    pub tls: Option<Tls>,
}

/// Where a certificate and its key are, both in PEM.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain of certificates, the server's own first.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// A server behind.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// What it is called in metrics.
    pub name: String,
    /// Its address, `http://HOST:PORT` or `https://HOST`, or `embedded:PATH` for a model of our own.
    pub url: String,
    /// The models that it answers for; `*` for all others.
    pub models: Vec<String>,
    /// The environment variable that holds its key.
    #[serde(default)]
    pub key_env: Option<String>,
    /// The file that holds its key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The authorities that its certificate must go back to, where they are not the public ones.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// What happens to an answer whose client went away.
    #[serde(default)]
    pub on_disconnect: OnDisconnect,
    /// How long it may take to begin an answer, and to pause within one.
    #[serde(default = "idle_seconds")]
    pub idle_seconds: u64,
    /// How often a request that was not begun to be answered is tried again.
    #[serde(default = "retries")]
    pub retries: u32,
}

/// What happens to an answer whose client went away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDisconnect {
    /// The upstream is told to stop, by closing the connection.
    #[default]
    Cancel,
    /// It is read to its end, so that its usage is known.
    Drain,
}

/// Which log-probabilities go out.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logprobs {
    /// The most alternatives of a token.
    #[serde(default = "top")]
    pub most_top: u64,
    /// Whether `logit_bias` may be asked for together with log-probabilities, from which the last layer can be solved for.
    #[serde(default)]
    pub with_logit_bias: bool,
    /// Whether what tells of the inside of a model by other names may be asked for.
    #[serde(default)]
    pub with_internals: bool,
    /// The standard deviation of the noise that is added, in nats.
    #[serde(default)]
    pub noise: f64,
    /// Decimals that are told.
    #[serde(default)]
    pub decimals: Option<u32>,
}

/// The grants that keys take under.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// The folder of grants, with their acceptances and revocations beside them.
    pub folder: PathBuf,
}

/// The log of receipts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipts {
    /// The name of the log, as in `acme.example/receipts`.
    pub log: String,
    /// The digests of models' weights, by name; those of embedded models are known.
    #[serde(default)]
    pub models: BTreeMap<String, Digest>,
}

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is no TOML, or holds a word that is not known.
    #[error("{message}")]
    Toml {
        /// On which line, from 1, where that is known.
        line: Option<usize>,
        /// What is wrong there.
        message: String,
    },
    /// A value that cannot be.
    #[error("`{field}` {problem}")]
    Value {
        /// Where.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Config {
    /// The upstream that answers for a model, by its place.
    pub fn upstream_of(&self, model: &str) -> Option<usize> {
        let has = |name: &str| {
            self.upstreams.iter().position(|upstream| upstream.models.iter().any(|own| own == name))
        };
        has(model).or_else(|| has("*"))
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// Where a word is not known, or a value cannot be.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|err: toml::de::Error| ConfigError::Toml {
            line: err.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count()),
            message: err.message().to_owned(),
        })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |field: String, problem| Err(ConfigError::Value { field, problem });
        if self.upstreams.is_empty() {
            return wrong("upstream".to_owned(), "is missing: say where requests go");
        }
        let mut names = std::collections::BTreeSet::new();
        let mut models = BTreeMap::new();
        for upstream in &self.upstreams {
            let field = |part: &str| format!("upstream.{}.{part}", upstream.name);
            if !names.insert(&upstream.name) {
                return wrong(field("name"), "is the name of two");
            }
            let is_address = ["http://", "https://", "embedded:"]
                .iter()
                .any(|scheme| upstream.url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
            if !is_address {
                return wrong(
                    field("url"),
                    "is none of `http://HOST:PORT`, `https://HOST` and `embedded:PATH`",
                );
            }
            if upstream.ca_file.is_some() && !upstream.url.starts_with("https://") {
                return wrong(field("ca_file"), "is of no use without `https://`");
            }
            if upstream.models.is_empty() {
                return wrong(field("models"), "is empty: name its models, or `*`");
            }
            if upstream.key_env.is_some() && upstream.key_file.is_some() {
                return wrong(field("key_file"), "stands beside `key_env`: one of them must go");
            }
            for model in &upstream.models {
                if models.insert(model, &upstream.name).is_some() {
                    return wrong(field("models"), "holds a model that another upstream has, too");
                }
            }
        }
        let server = &self.server;
        if !(1..=256).contains(&server.threads) {
            return wrong("server.threads".to_owned(), "must be from 1 to 256");
        }
        if server.connections == 0 || server.connections_per_address == 0 {
            return wrong("server.connections".to_owned(), "must be above 0");
        }
        if !(1..=1 << 30).contains(&server.body_bytes) {
            return wrong("server.body_bytes".to_owned(), "must be from 1 to 2^30");
        }
        if !(0.0..=100.0).contains(&self.logprobs.noise) {
            return wrong("logprobs.noise".to_owned(), "must be from 0 to 100 nats");
        }
        if self.logprobs.decimals.is_some_and(|decimals| decimals > 9) {
            return wrong("logprobs.decimals".to_owned(), "must be from 0 to 9");
        }
        self.limits.shared.as_ref().map_or(Ok(()), Shared::check)
    }
}

fn one() -> usize {
    1
}

fn connections() -> usize {
    10_000
}

fn connections_per_address() -> usize {
    1_000
}

fn body_bytes() -> usize {
    8 << 20
}

fn head_seconds() -> u64 {
    5
}

fn shutdown_seconds() -> u64 {
    30
}

fn idle_seconds() -> u64 {
    300
}

fn retries() -> u32 {
    1
}

fn top() -> u64 {
    5
}

impl Default for Logprobs {
    fn default() -> Self {
        Self { most_top: top(), with_logit_bias: false, with_internals: false, noise: 0.0, decimals: None }
    }
}
