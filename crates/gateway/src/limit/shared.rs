//! Limits that several gateways count together, in a Redis or Valkey that runs the machine of this module as a script.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use redis::IntoConnectionInfo as _;

use super::bucket::{Bucket, Per};
use super::kind::Claim;

/// The script.
pub const MACHINE: &str = include_str!("machine.lua");

/// How the script asks the time: the server's own, so that no two gateways disagree about it. Tests put another clock here.
pub const CLOCK: &str =
    "local t = redis.call('TIME')\n  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)";

/// A Redis or Valkey, and who is to count there.
#[derive(Clone, Copy)]
pub struct Server<'a> {
    /// Its address, without a password.
    pub url: &'a str,
    /// Who the gateway is there.
    pub user: Option<&'a str>,
    /// The password.
    pub password: Option<&'a str>,
    /// Gateways of the same name count together.
    pub name: &'a str,
    /// How long it may take to answer.
    pub timeout: Duration,
    /// How long a lease lasts that nobody settles or renews.
    pub lease: Duration,
}

impl std::fmt::Debug for Server<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("url", &self.url).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Where limits are counted together.
#[derive(Debug)]
pub struct Shared {
    pub(super) client: redis::Client,
    /// What stands before every key: one hash tag, so that one script may touch them all in a cluster, too.
    prefix: String,
    /// How long the server may take to answer.
    pub(super) timeout: Duration,
    /// How long a lease lasts that nobody settles or renews.
    pub(super) lease: Duration,
    /// What tells the leases of this process from others'.
    process: u64,
    leases: AtomicU64,
    /// Threads that could not ask the server when they last tried.
    out: AtomicI64,
    outages: AtomicU64,
}

/// The server cannot be what limits are counted in.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It does not answer, or not as it should.
    #[error("the server of shared limits does not do what it is asked")]
    Server(#[from] redis::RedisError),
    /// It forgets keys when it is full, and with them what was taken.
    #[error("the server of shared limits forgets keys when it is full (`maxmemory-policy {0}`)")]
    Forgets(String),
}

/// What was reserved on the shared server.
#[derive(Debug)]
#[must_use = "what is not settled stays held until it is late, and then counts in full"]
pub struct SharedLease {
    /// Its name and what it holds; empty where that is nothing.
    pub(super) text: String,
    /// Of which claims something is held, by their places.
    pub(super) held: Vec<usize>,
}

/// The words of a call: keys, and what is said about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) keys: Vec<String>,
    pub(super) words: Vec<String>,
}

impl Shared {
    /// Limits on a server. `process` is random, and tells this process's leases from others'.
    ///
    /// # Errors
    /// Where the address is none.
    pub fn new(server: &Server<'_>, process: u64) -> redis::RedisResult<Self> {
        let address = server.url.into_connection_info()?;
        let mut access = address.redis_settings().clone();
        if let Some(user) = server.user {
            access = access.set_username(user);
        }
        if let Some(password) = server.password {
            access = access.set_password(password);
        }
        Ok(Self {
            client: redis::Client::open(address.set_redis_settings(access))?,
            prefix: format!("{{stillmark:{}}}:1:", server.name),
            timeout: server.timeout,
            lease: server.lease,
            process,
            leases: AtomicU64::new(0),
            out: AtomicI64::new(0),
            outages: AtomicU64::new(0),
        })
    }

    /// Looks whether the server is there, runs scripts, and keeps what it is told. It waits for the answers, so not within an event loop.
    ///
    /// # Errors
    /// Where it does not.
    pub fn check(&self) -> Result<(), Unfit> {
        let mut connection = self.client.get_connection_with_timeout(self.timeout)?;
        connection.set_read_timeout(Some(self.timeout))?;
        let call = self.sweep();
        let mut ask = redis::cmd("EVAL");
        ask.arg(MACHINE)
            .arg(call.keys.len())
            .arg(&call.keys)
            .arg(&call.words)
            .query::<i64>(&mut connection)?;
        let memory: String = redis::cmd("INFO").arg("memory").query(&mut connection)?;
        let says = |name: &str| memory.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let policy = says("maxmemory_policy:");
        if says("maxmemory:") != "0" && policy != "noeviction" {
            return Err(Unfit::Forgets(policy.to_owned()));
        }
        Ok(())
    }

    /// Whether a thread of this process cannot ask the server, and how often that began.
    pub fn outages(&self) -> (bool, u64) {
        (self.out.load(Ordering::Relaxed) > 0, self.outages.load(Ordering::Relaxed))
    }

    pub(super) fn went_out(&self) {
        self.out.fetch_add(1, Ordering::Relaxed);
        self.outages.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn came_back(&self) {
        self.out.fetch_sub(1, Ordering::Relaxed);
    }

    /// Waits no longer for an answer than `timeout`, and has leases end after `lease` that nobody settles.
    #[must_use]
    pub fn with_times(self, timeout: Duration, lease: Duration) -> Self {
        Self { timeout, lease, ..self }
    }

    /// A lease for claims, not reserved yet. Its text says what it holds, so that whoever finds it late can settle it.
    pub(super) fn lease(&self, claims: &[Claim]) -> SharedLease {
        let held: Vec<usize> = (0..claims.len()).filter(|idx| !claims[*idx].kind.is_used_at_once()).collect();
        if held.is_empty() {
            return SharedLease { text: String::new(), held };
        }
        let number = self.leases.fetch_add(1, Ordering::Relaxed);
        let mut text = format!("{:016x}{number:x}", self.process);
        for claim in held.iter().map(|idx| &claims[*idx]) {
            let [limit, tick, ticks] = bucket_words(claim);
            let _ = write!(text, "|{} {limit} {tick} {ticks} {}", self.bucket(claim.name), claim.amount);
        }
        SharedLease { text, held }
    }

    fn call(&self, does: &str) -> Call {
        Call { keys: vec![format!("{}leases", self.prefix)], words: vec![does.to_owned()] }
    }

    fn bucket(&self, name: u64) -> String {
        format!("{}b:{name:016x}", self.prefix)
    }

    pub(super) fn reserve(&self, lease: &SharedLease, claims: &[Claim]) -> Call {
        let mut call = self.call("reserve");
        call.words.extend([self.lease.as_millis().to_string(), lease.text.clone()]);
        for claim in claims {
            call.keys.push(self.bucket(claim.name));
            call.words.extend(bucket_words(claim));
            call.words.push(claim.amount.to_string());
            call.words.push(u8::from(claim.kind.is_used_at_once()).to_string());
        }
        call
    }

    /// Settles leases: what each of the buckets came to of which they hold something.
    pub(super) fn settle(&self, leases: &[(String, Vec<u64>)]) -> Call {
        let mut call = self.call("settle");
        for (lease, used) in leases {
            call.words.extend([lease.clone(), used.len().to_string()]);
            call.words.extend(used.iter().map(u64::to_string));
        }
        call
    }

    pub(super) fn renew(&self, leases: &[String]) -> Call {
        let mut call = self.call("renew");
        call.words.push(self.lease.as_millis().to_string());
        call.words.extend_from_slice(leases);
        call
    }

    pub(super) fn sweep(&self) -> Call {
        let mut call = self.call("sweep");
        call.words.push("100".to_owned());
        call
    }

    pub(super) fn look(&self, claims: &[Claim]) -> Call {
        let mut call = self.call("look");
        for claim in claims {
            call.keys.push(self.bucket(claim.name));
            call.words.extend(bucket_words(claim));
        }
        call
    }
}

fn bucket_words(claim: &Claim) -> [String; 3] {
    let (tick_ms, ticks) = match claim.kind.per() {
        Per::Moment => (0, -1),
        per => per.ticks().map_or((0, 0), |(tick_ms, ticks)| (tick_ms, ticks as i64)),
    };
    [claim.limit.min(super::LARGEST).to_string(), tick_ms.to_string(), ticks.to_string()]
}

/// The buckets of claims as the script tells of them; none where it tells something else.
pub(super) fn told(claims: &[Claim], now_ms: i64, numbers: &[i64]) -> Option<Vec<Bucket>> {
    let whole = |number: &i64| u64::try_from(*number).ok();
    let now_ms = whole(&now_ms)?;
    let bucket = |(claim, numbers): (&Claim, &[i64])| {
        let [used, rest, held] = numbers else { return None };
        Some(Bucket::told(claim.limit, claim.kind.per(), now_ms, [whole(used)?, whole(rest)?, whole(held)?]))
    };
    if numbers.len() != claims.len() * 3 {
        return None;
    }
    claims.iter().zip(numbers.chunks_exact(3)).map(bucket).collect()
}
