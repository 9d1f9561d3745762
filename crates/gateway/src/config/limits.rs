//! How much may be taken, and where it is counted.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;
use crate::keys::Limits;

/// How much may be taken.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsOfAll {
    /// By each key, where it says nothing itself.
    #[serde(default)]
    pub key: Limits,
    /// By each network: /24 of IPv4, /48 of IPv6.
    #[serde(default)]
    pub network: Network,
    /// Where several gateways count together.
    #[serde(default)]
    pub shared: Option<Shared>,
    /// Tokens that an answer is thought to take where the request sets no limit.
    #[serde(default = "answer_tokens")]
    pub answer_tokens: u64,
}

/// A Redis or Valkey in which several gateways count together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shared {
    /// Its address, `redis://HOST:PORT/DATABASE` or `unix://PATH`.
    pub url: String,
    /// The user, where it has users.
    #[serde(default)]
    pub user: Option<String>,
    /// The environment variable that holds its password.
    #[serde(default)]
    pub password_env: Option<String>,
    /// The file that holds its password.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Gateways that give the same name count together.
    pub name: String,
    /// What happens while it is away.
    #[serde(default)]
    pub on_outage: OnOutage,
    /// How many gateways there are, for their shares while it is away.
    #[serde(default)]
    pub replicas: Option<u64>,
    /// How long it may take to answer.
    #[serde(default = "shared_milliseconds")]
    pub timeout_milliseconds: u64,
    /// How long something is held for a gateway that is not heard of; then it counts in full.
    #[serde(default = "lease_seconds")]
    pub lease_seconds: u64,
}

/// What happens to requests while limits cannot be asked. Quotas for ever are never given out unseen, whatever is said here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnOutage {
    /// Nothing is let in.
    #[default]
    Closed,
    /// Each gateway gives out its share of the limits.
    LocalShare,
    /// Everything is let in.
    Open,
}

/// What may come from one address or network.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Requests in a minute from one address.
    #[serde(default)]
    pub address_requests_per_minute: Option<u64>,
    /// Requests in a minute from one network.
    #[serde(default)]
    pub network_requests_per_minute: Option<u64>,
    /// Requests in a minute from one address that bring no good key.
    #[serde(default = "unknown_per_minute")]
    pub unauthenticated_per_minute: Option<u64>,
}

impl Shared {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong =
            |part: &str, problem| Err(ConfigError::Value { field: format!("limits.shared.{part}"), problem });
        if !["redis://", "unix://"].iter().any(|scheme| self.url.starts_with(scheme)) {
            return wrong("url", "is neither `redis://HOST:PORT` nor `unix://PATH`");
        }
        if self.url.contains('@') {
            return wrong("url", "holds a password: name it in `password_env` or `password_file`");
        }
        if self.password_env.is_some() && self.password_file.is_some() {
            return wrong("password_file", "stands beside `password_env`: one of them must go");
        }
        if self.name.is_empty()
            || !self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        {
            return wrong("name", "must be of letters, digits, `-`, `_` and `.`");
        }
        if self.on_outage == OnOutage::LocalShare && self.replicas.unwrap_or(0) == 0 {
            return wrong(
                "replicas",
                "must say among how many gateways limits are shared while the server is away",
            );
        }
        if self.timeout_milliseconds == 0 || self.lease_seconds < 10 {
            return wrong("lease_seconds", "must be at least 10, and `timeout_milliseconds` at least 1");
        }
        Ok(())
    }
}

fn shared_milliseconds() -> u64 {
    250
}

fn lease_seconds() -> u64 {
    600
}

fn answer_tokens() -> u64 {
    1024
}

#[expect(clippy::unnecessary_wraps, reason = "the default of an optional field")]
fn unknown_per_minute() -> Option<u64> {
    Some(60)
}
