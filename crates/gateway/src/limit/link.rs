//! A thread's way to the limits that are counted together: one connection, on which many calls are under way at once.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ErrorKind, RedisError, ServerErrorKind};

use super::book::Denied;
use super::bucket::Bucket;
use super::kind::Claim;
use super::shared::{Call, MACHINE, Shared, SharedLease, told};

/// After a failure nobody asks the server for so long: requests that must wait for it anyway would only pile up.
const PAUSE: Duration = Duration::from_millis(200);

/// So many settlements go in one call,
const BATCH: usize = 64;

/// and so many wait at most while the server is away. Those beyond are left to the end of their leases, and so count in full.
const MOST_WAITING: usize = 100_000;

/// The shared limits could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outage;

/// A thread's way to the shared limits.
#[derive(Debug)]
pub(crate) struct Link {
    shared: Arc<Shared>,
    hash: String,
    connection: RefCell<Option<MultiplexedConnection>>,
    failed: Cell<Option<Instant>>,
    /// Settled leases of which the server was not told yet: what each of their buckets came to.
    waiting: RefCell<Vec<(String, Vec<u64>)>>,
    /// The leases that are not settled.
    live: RefCell<BTreeSet<String>>,
    woken: tokio::sync::Notify,
}

impl Link {
    /// A link, which works as long as it is held; only within an event loop.
    pub(crate) fn new(shared: Arc<Shared>) -> Rc<Self> {
        let link = Rc::new(Self {
            shared,
            hash: redis::Script::new(MACHINE).get_hash().to_owned(),
            connection: RefCell::default(),
            failed: Cell::new(None),
            waiting: RefCell::default(),
            live: RefCell::default(),
            woken: tokio::sync::Notify::new(),
        });
        tokio::task::spawn_local(settling(Rc::downgrade(&link)));
        tokio::task::spawn_local(keeping(Rc::downgrade(&link)));
        link
    }

    /// Reserves for claims, all or nothing, and tells of their buckets as they are then.
    pub(crate) async fn reserve(
        &self,
        claims: &[Claim],
    ) -> Result<Result<(SharedLease, Vec<Bucket>), Denied>, Outage> {
        let lease = self.shared.lease(claims);
        let answer = self.call(&self.shared.reserve(&lease, claims)).await;
        if answer.is_err() {
            // It may be reserved all the same: then it is given back once the server is there again.
            let nothing = vec![0; lease.held.len()];
            self.settle_later(lease.text, nothing);
            return Err(Outage);
        }
        let answer = answer?;
        let [fits, now_ms, numbers @ ..] = answer.as_slice() else { return Err(Outage) };
        let buckets = told(claims, *now_ms, numbers).ok_or(Outage)?;
        if *fits == 1 {
            if !lease.held.is_empty() {
                self.live.borrow_mut().insert(lease.text.clone());
            }
            return Ok(Ok((lease, buckets)));
        }
        let asked = buckets.iter().zip(claims).map(|(bucket, claim)| (*bucket, claim.amount));
        Ok(Err(Denied::of(asked).ok_or(Outage)?))
    }

    /// Settles a lease soon: what each claim came to.
    pub(crate) fn settle(&self, lease: &SharedLease, used: &[u64]) {
        if lease.held.is_empty() {
            return;
        }
        self.live.borrow_mut().remove(&lease.text);
        let used = lease.held.iter().map(|idx| used.get(*idx).copied().unwrap_or_default()).collect();
        self.settle_later(lease.text.clone(), used);
    }

    /// The buckets of claims, of which nothing is taken.
    pub(crate) async fn look(&self, claims: &[Claim]) -> Result<Vec<Bucket>, Outage> {
        let answer = self.call(&self.shared.look(claims)).await?;
        let [now_ms, numbers @ ..] = answer.as_slice() else { return Err(Outage) };
        told(claims, *now_ms, numbers).ok_or(Outage)
    }

    /// Whether the server was away when it was last asked.
    pub(crate) fn is_out(&self) -> bool {
        self.failed.get().is_some()
    }

    /// Tells the server of everything that was settled, where it can be told in a few moments.
    pub(crate) async fn finish(&self) {
        // What it is not told counts in full at the end of its time.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.tell_settled()).await;
    }

    fn settle_later(&self, lease: String, used: Vec<u64>) {
        let mut waiting = self.waiting.borrow_mut();
        if waiting.len() < MOST_WAITING {
            waiting.push((lease, used));
        }
        self.woken.notify_one();
    }

    async fn call(&self, call: &Call) -> Result<Vec<i64>, Outage> {
        if self.failed.get().is_some_and(|failed| failed.elapsed() < PAUSE) {
            return Err(Outage);
        }
        let answer = self.asked(call).await;
        match &answer {
            Ok(_) => {
                if self.failed.take().is_some() {
                    self.shared.came_back();
                }
            }
            Err(err) => {
                if self.failed.replace(Some(Instant::now())).is_none() {
                    self.shared.went_out();
                }
                if err.is_io_error() || err.is_connection_dropped() || err.is_unrecoverable_error() {
                    self.connection.replace(None);
                }
            }
        }
        answer.map_err(|_| Outage)
    }

    async fn asked(&self, call: &Call) -> Result<Vec<i64>, RedisError> {
        let mut connection = self.connected().await?;
        let ask = |name: &str, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(call.keys.len()).arg(&call.keys).arg(&call.words);
            command
        };
        let answer = ask("EVALSHA", &self.hash).query_async::<redis::Value>(&mut connection).await;
        let answer = match answer {
            // It is sent whole, and not by `SCRIPT LOAD`, which some proxies do not pass on.
            Err(err) if err.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                ask("EVAL", MACHINE).query_async(&mut connection).await?
            }
            answer => answer?,
        };
        match answer {
            redis::Value::Int(number) => Ok(vec![number]),
            several => redis::from_redis_value(several).map_err(RedisError::from),
        }
    }

    async fn connected(&self) -> Result<MultiplexedConnection, RedisError> {
        if let Some(connection) = self.connection.borrow().as_ref() {
            return Ok(connection.clone());
        }
        let timeout = Some(self.shared.timeout);
        let config =
            AsyncConnectionConfig::new().set_connection_timeout(timeout).set_response_timeout(timeout);
        let connection = self.shared.client.get_multiplexed_async_connection_with_config(&config).await?;
        self.connection.replace(Some(connection.clone()));
        Ok(connection)
    }

    /// Tells the server of what was settled, for as long as it takes it.
    async fn tell_settled(&self) {
        while !self.waiting.borrow().is_empty() {
            let batch: Vec<_> = {
                let mut waiting = self.waiting.borrow_mut();
                let most = waiting.len().min(BATCH);
                waiting.drain(..most).collect()
            };
            if self.call(&self.shared.settle(&batch)).await.is_err() {
                self.waiting.borrow_mut().extend(batch);
                return;
            }
        }
    }

    async fn renew(&self) {
        let live: Vec<String> = self.live.borrow().iter().cloned().collect();
        for some in live.chunks(BATCH) {
            // What is not renewed in time counts in full, as that of a gateway that died.
            let _ = self.call(&self.shared.renew(some)).await;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.is_out() {
            self.shared.came_back();
        }
    }
}

/// Settles as it is woken, and again after a pause where the server was away.
async fn settling(link: Weak<Link>) {
    loop {
        let Some(held) = link.upgrade() else { return };
        let is_idle = held.waiting.borrow().is_empty();
        if is_idle {
            let _ = tokio::time::timeout(PAUSE, held.woken.notified()).await;
        } else if held.is_out() {
            tokio::time::sleep(PAUSE).await;
        } else {
            // Others that end in this moment go in the same call.
            tokio::task::yield_now().await;
        }
        held.tell_settled().await;
    }
}

/// Renews the leases of what is being answered, settles those that others left behind, and finds out whether the server is there again.
async fn keeping(link: Weak<Link>) {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let Some(held) = link.upgrade() else { return };
        // While the server is away this says so, and is tried again.
        let _ = held.call(&held.shared.sweep()).await;
        if renewed.elapsed() > held.shared.lease / 3 {
            renewed = Instant::now();
            held.renew().await;
        }
    }
}
