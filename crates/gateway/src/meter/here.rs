//! What this process counts itself: the book of limits with its journal.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Denied;
use crate::limit::{self, Book, Bucket, BucketId, Claim, Journal, KEPT, Lease, Want};

/// Beyond so many buckets, empty ones of addresses are forgotten.
const MANY: usize = 200_000;

/// A book and its journal.
#[derive(Debug)]
pub(super) struct Here {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    book: Book,
    journal: Option<Journal>,
    /// What a journal says was used of buckets that nobody asked for since: amounts and when.
    before: BTreeMap<u64, Vec<(u64, u64)>>,
}

impl Inner {
    /// A bucket, with what was used of it before the process began.
    fn bucket(&mut self, now_ms: u64, claim: &Claim) -> BucketId {
        let id = self.book.bucket(now_ms, claim.name, claim.limit, claim.kind.per());
        if !self.before.is_empty()
            && let Some(used) = self.before.remove(&claim.name)
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

impl Here {
    /// A book whose journal, where one is given, goes on where it ended.
    pub(super) fn new(journal: Option<&Path>) -> io::Result<Self> {
        let mut inner = Inner { book: Book::default(), journal: None, before: BTreeMap::new() };
        if let Some(path) = journal {
            let used = limit::replay(path)?;
            inner.journal = Some(Journal::begin(path, &used)?);
            for (name, amount, at_ms) in used {
                inner.before.entry(name).or_default().push((amount, at_ms));
            }
        }
        Ok(Self { inner: Mutex::new(inner) })
    }

    /// Reserves for claims, all or nothing, and tells of their buckets as they are then.
    pub(super) fn reserve(&self, now_ms: u64, claims: &[Claim]) -> Result<(Lease, Vec<Bucket>), Denied> {
        let mut inner = self.lock();
        let wants: Vec<Want> = claims
            .iter()
            .map(|claim| Want { bucket: inner.bucket(now_ms, claim), amount: claim.amount })
            .collect();
        let Inner { book, journal, .. } = &mut *inner;
        let mut lease = book.reserve(now_ms, &wants).map_err(|denied| Denied::limit(claims, denied))?;
        if let Some(journal) = journal
            && journal.hold(lease.number, &kept(claims), now_ms).is_err()
        {
            book.settle(now_ms, &lease, &vec![0; wants.len()]);
            return Err(Denied::Unknown);
        }
        for (place, claim) in claims.iter().enumerate() {
            if claim.kind.is_used_at_once() {
                book.spend(now_ms, &mut lease, place);
            }
        }
        if book.count() > MANY {
            book.forget_empty(now_ms, |name| name & KEPT == 0);
        }
        let buckets = lease.held.iter().map(|want| *book.get(want.bucket)).collect();
        Ok((lease, buckets))
    }

    /// Settles a lease: what each claim came to.
    pub(super) fn settle(&self, now_ms: u64, lease: &Lease, claims: &[Claim], used: &[u64]) {
        let mut inner = self.lock();
        let Inner { book, journal, .. } = &mut *inner;
        // What was used at once holds nothing any more.
        let later = claims.iter().zip(used);
        let later = later.map(|(claim, used)| if claim.kind.is_used_at_once() { 0 } else { *used });
        book.settle(now_ms, lease, &later.collect::<Vec<_>>());
        let Some(journal) = journal else { return };
        let parts = claims.iter().zip(used).map(|(claim, used)| (claim.name, *used));
        let parts: Vec<(u64, u64)> = parts.filter(|(name, _)| name & KEPT != 0).collect();
        // What cannot be written stays held in the journal, and so counts in full when it is read again.
        let _ = journal.settle(lease.number, &parts, now_ms);
        if journal.is_long() {
            inner.shorten(now_ms);
        }
    }

    /// The buckets of claims, of which nothing is taken.
    pub(super) fn look(&self, now_ms: u64, claims: &[Claim]) -> Vec<Bucket> {
        let mut inner = self.lock();
        let mut look = |claim: &Claim| {
            let id = inner.bucket(now_ms, claim);
            inner.book.look(now_ms, id);
            *inner.book.get(id)
        };
        claims.iter().map(&mut look).collect()
    }

    /// Asks the disk to keep the journal.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.lock().journal.as_ref().map_or(Ok(()), Journal::sync)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The book is whole between any two of its calls.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is claimed of buckets that outlive the process.
fn kept(claims: &[Claim]) -> Vec<(u64, u64)> {
    let all = claims.iter().map(|claim| (claim.name, claim.amount));
    all.filter(|(name, _)| name & KEPT != 0).collect()
}
