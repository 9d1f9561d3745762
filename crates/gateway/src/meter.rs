//! Letting requests in: which buckets one falls under, what it may come to cost, and what it did cost.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::config::Network;
use crate::keys::{Key, Limits};
use crate::limit::{self, Book, BucketId, Journal, KEPT, Kind, Lease, Room, Want};

/// What a request may come to cost, or came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Tokens of the prompt.
    pub prompt: u64,
    /// Tokens of all answers.
    pub answer: u64,
}

/// What was reserved for a request that was let in.
#[derive(Debug)]
#[must_use = "what is not settled stays held"]
pub struct Ticket {
    lease: Lease,
    kinds: Vec<Kind>,
}

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// A limit has no room.
    Limit {
        /// Which.
        kind: Kind,
        /// How much it is.
        limit: u64,
        /// When there is room, in milliseconds; none where waiting does not help.
        wait_ms: Option<u64>,
    },
    /// What is reserved could not be written down, so nothing is let in.
    Journal,
}

/// What is left of what a key may take in a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Requests.
    pub requests: Option<Room>,
    /// Tokens.
    pub tokens: Option<Room>,
}

/// The book of limits with its journal.
#[derive(Debug)]
pub struct Meter {
    inner: Mutex<Inner>,
    /// Addresses are hashed with what nobody outside knows, so that none is made to fall into another's bucket.
    addresses: RandomState,
    /// The limits of every key that says nothing itself.
    of_keys: Limits,
    network: Network,
}

#[derive(Debug)]
struct Inner {
    book: Book,
    journal: Option<Journal>,
    /// What a journal says was used of buckets that nobody asked for since: amounts and when.
    before: BTreeMap<u64, Vec<(u64, u64)>>,
}

impl Inner {
    /// The bucket of a key, with what was used of it before the process began.
    fn bucket(&mut self, name: u64, limit: u64, kind: Kind) -> BucketId {
        let id = self.book.bucket(name, limit, kind.per());
        if !self.before.is_empty()
            && let Some(used) = self.before.remove(&name)
        {
            for (amount, at_ms) in used {
                self.book.use_up(at_ms, id, amount);
            }
        }
        id
    }

    /// Begins the journal anew with what counts still.
    fn shorten(&mut self, now_ms: u64) {
        let Some(journal) = &mut self.journal else { return };
        let taken = self.book.taken().filter(|(name, _)| name & KEPT != 0);
        let taken = taken.map(|(name, bucket)| (name, bucket.used() + bucket.held(), now_ms));
        let before = self.before.iter();
        let before =
            before.flat_map(|(name, used)| used.iter().map(|(amount, at_ms)| (*name, *amount, *at_ms)));
        let all: Vec<(u64, u64, u64)> = taken.chain(before).collect();
        // Where it cannot be begun anew, the old one goes on.
        if let Ok(next) = Journal::begin(journal.path(), &all) {
            *journal = next;
        }
    }
}

/// Beyond so many buckets, empty ones of addresses are forgotten.
const MANY: usize = 200_000;

impl Meter {
    /// A meter whose journal, where one is given, goes on where it ended.
    ///
    /// # Errors
    /// Where the journal cannot be read or begun.
    pub fn new(of_keys: Limits, network: Network, journal: Option<&Path>) -> io::Result<Self> {
        let mut inner = Inner { book: Book::default(), journal: None, before: BTreeMap::new() };
        if let Some(path) = journal {
            let used = limit::replay(path)?;
            inner.journal = Some(Journal::begin(path, &used)?);
            for (name, amount, at_ms) in used {
                inner.before.entry(name).or_default().push((amount, at_ms));
            }
        }
        Ok(Self { inner: Mutex::new(inner), addresses: RandomState::new(), of_keys, network })
    }

    /// Lets a request in, or says why not.
    ///
    /// # Errors
    /// Where a limit has no room: then nothing was taken of any.
    pub fn admit(&self, now_ms: u64, key: Option<&Key>, from: IpAddr, cost: Cost) -> Result<Ticket, Denied> {
        let mut inner = self.lock();
        let mut wants = Vec::with_capacity(8);
        let mut kinds = Vec::with_capacity(8);
        if let Some(key) = key {
            let limits = key.limits.or(self.of_keys);
            for (kind, name) in Kind::OF_KEYS.into_iter().zip(key.buckets) {
                let Some(limit) = limit_of(kind, &limits) else { continue };
                let bucket = inner.bucket(name, limit, kind);
                wants.push(Want { bucket, amount: amount(kind, cost) });
                kinds.push(kind);
            }
        }
        let Inner { book, journal, .. } = &mut *inner;
        for (kind, limit) in self.of_address(key) {
            let bucket = book.bucket(self.address(kind, from), limit, kind.per());
            wants.push(Want { bucket, amount: 1 });
            kinds.push(kind);
        }
        let mut lease = book.reserve(now_ms, &wants).map_err(|denied| Denied::Limit {
            kind: kinds[denied.want],
            limit: book.get(wants[denied.want].bucket).limit(),
            wait_ms: denied.wait_ms,
        })?;
        if let Some(journal) = journal
            && journal.hold(lease.number, &kept(book, &lease), now_ms).is_err()
        {
            book.settle(now_ms, &lease, &vec![0; wants.len()]);
            return Err(Denied::Journal);
        }
        for (idx, kind) in kinds.iter().enumerate() {
            if amount(*kind, Cost::default()) == 1 && *kind != Kind::Concurrent {
                book.spend(now_ms, &mut lease, idx);
            }
        }
        if book.count() > MANY {
            book.forget_empty(now_ms, |name| name & KEPT == 0);
        }
        Ok(Ticket { lease, kinds })
    }

    /// Counts an attempt without a good key.
    ///
    /// # Errors
    /// Where there were too many from that address: then nothing was taken.
    pub fn admit_unknown(&self, now_ms: u64, from: IpAddr) -> Result<(), Denied> {
        let Some(limit) = self.network.unauthenticated_per_minute else { return Ok(()) };
        let mut inner = self.lock();
        let kind = Kind::Unauthenticated;
        let bucket = inner.book.bucket(self.address(kind, from), limit, kind.per());
        let lease = inner.book.reserve(now_ms, &[Want { bucket, amount: 1 }]);
        let lease = lease.map_err(|denied| Denied::Limit { kind, limit, wait_ms: denied.wait_ms })?;
        inner.book.settle(now_ms, &lease, &[1]);
        if inner.book.count() > MANY {
            inner.book.forget_empty(now_ms, |name| name & KEPT == 0);
        }
        Ok(())
    }

    /// Settles what a request came to cost.
    pub fn settle(&self, now_ms: u64, ticket: &Ticket, cost: Cost) {
        let mut inner = self.lock();
        let Inner { book, journal, .. } = &mut *inner;
        let parts = ticket.kinds.iter().zip(&ticket.lease.held);
        // What was used when the request was let in holds nothing any more.
        let used: Vec<u64> =
            parts.map(|(kind, want)| if want.amount == 0 { 0 } else { amount(*kind, cost) }).collect();
        book.settle(now_ms, &ticket.lease, &used);
        let Some(journal) = journal else { return };
        let parts = ticket.kinds.iter().zip(&ticket.lease.held);
        let parts = parts.map(|(kind, want)| (book.name(want.bucket), amount(*kind, cost)));
        let parts: Vec<(u64, u64)> = parts.filter(|(name, _)| name & KEPT != 0).collect();
        // What cannot be written stays held in the journal, and so counts in full when it is read again.
        let _ = journal.settle(ticket.lease.number, &parts, now_ms);
        if journal.is_long() {
            inner.shorten(now_ms);
        }
    }

    /// Reserves more tokens of an answer that outgrows what was reserved; whether there was room in every bucket.
    pub fn extend(&self, now_ms: u64, ticket: &mut Ticket, more: u64) -> bool {
        let mut inner = self.lock();
        let Inner { book, journal, .. } = &mut *inner;
        let counts_tokens =
            |kind: &Kind| matches!(kind, Kind::TokensPerMinute | Kind::TokensPerDay | Kind::AnswerTokensEver);
        let places: Vec<usize> =
            (0..ticket.kinds.len()).filter(|idx| counts_tokens(&ticket.kinds[*idx])).collect();
        let wants: Vec<Want> =
            places.iter().map(|idx| Want { bucket: ticket.lease.held[*idx].bucket, amount: more }).collect();
        if book.reserve(now_ms, &wants).is_err() {
            return false;
        }
        for idx in places {
            ticket.lease.held[idx].amount += more;
        }
        // The record of the same lease replaces the one before it.
        journal.as_mut().is_none_or(|journal| {
            journal.hold(ticket.lease.number, &kept(book, &ticket.lease), now_ms).is_ok()
        })
    }

    /// What is left of what a key may take in a minute.
    pub fn left(&self, now_ms: u64, ticket: &Ticket) -> Left {
        let mut inner = self.lock();
        let mut room = |kind: Kind| {
            let at = ticket.kinds.iter().position(|own| *own == kind)?;
            Some(inner.book.look(now_ms, ticket.lease.held[at].bucket))
        };
        Left { requests: room(Kind::RequestsPerMinute), tokens: room(Kind::TokensPerMinute) }
    }

    /// Asks the disk to keep the journal.
    ///
    /// # Errors
    /// Where it does not.
    pub fn sync(&self) -> io::Result<()> {
        self.lock().journal.as_ref().map_or(Ok(()), Journal::sync)
    }

    fn of_address(&self, key: Option<&Key>) -> impl Iterator<Item = (Kind, u64)> {
        let unknown = self.network.unauthenticated_per_minute.filter(|_| key.is_none());
        let all = [
            (Kind::Address, self.network.address_requests_per_minute),
            (Kind::Network, self.network.network_requests_per_minute),
            (Kind::Unauthenticated, unknown),
        ];
        all.into_iter().filter_map(|(kind, limit)| Some((kind, limit?)))
    }

    fn address(&self, kind: Kind, from: IpAddr) -> u64 {
        let from = if kind == Kind::Network { network_of(from) } else { single(from) };
        self.addresses.hash_one((kind as u8, from)) & !KEPT
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The book is whole between any two of its calls.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a lease holds of buckets that outlive the process.
fn kept(book: &Book, lease: &Lease) -> Vec<(u64, u64)> {
    let all = lease.held.iter().map(|want| (book.name(want.bucket), want.amount));
    all.filter(|(name, _)| name & KEPT != 0).collect()
}

fn amount(kind: Kind, cost: Cost) -> u64 {
    match kind {
        Kind::TokensPerMinute | Kind::TokensPerDay => cost.prompt.saturating_add(cost.answer),
        Kind::AnswerTokensEver => cost.answer,
        _ => 1,
    }
}

/// The network of an address, as its holder would get it: /24 of IPv4, /48 of IPv6.
fn network_of(from: IpAddr) -> u128 {
    match single(from) {
        v4 if v4 < 1 << 32 => v4 & !0xff,
        v6 => v6 & !((1 << 80) - 1),
    }
}

/// An address as a number. Of IPv6 a client has at least a /64, of which it may use any.
fn single(from: IpAddr) -> u128 {
    match from.to_canonical() {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6) & !u128::from(u64::MAX),
    }
}

fn limit_of(kind: Kind, limits: &Limits) -> Option<u64> {
    match kind {
        Kind::RequestsPerMinute => limits.requests_per_minute,
        Kind::RequestsPerDay => limits.requests_per_day,
        Kind::TokensPerMinute => limits.tokens_per_minute,
        Kind::TokensPerDay => limits.tokens_per_day,
        Kind::AnswerTokensEver => limits.answer_tokens_ever,
        Kind::Concurrent => limits.concurrent,
        Kind::Address | Kind::Network | Kind::Unauthenticated => None,
    }
}
