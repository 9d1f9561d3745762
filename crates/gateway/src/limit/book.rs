//! Every bucket, and reservations over several of them, all or nothing.

use std::collections::BTreeMap;

use super::bucket::{Bucket, Per};

/// Names a bucket of a [`Book`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketId(u32);

/// What one request wants of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Want {
    /// Of which.
    pub bucket: BucketId,
    /// So much.
    pub amount: u64,
}

/// What was reserved and must be settled.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "what is not settled stays held"]
pub struct Lease {
    /// Its number, which no other lease of the book has.
    pub number: u64,
    /// What is held, in the order in which it was wanted.
    pub held: Vec<Want>,
}

/// Why nothing was reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    /// Which of the wants stands in the way the longest, by its place in the list.
    pub want: usize,
    /// When there would be room, in milliseconds; none where waiting does not help.
    pub wait_ms: Option<u64>,
}

impl Denied {
    /// What stands in the way the longest, of buckets and what is wanted of each; none where all have room.
    pub fn of(asked: impl Iterator<Item = (Bucket, u64)>) -> Option<Self> {
        let mut denied: Option<Self> = None;
        for (want, (bucket, amount)) in asked.enumerate() {
            if bucket.room() >= amount {
                continue;
            }
            let wait_ms = bucket.wait_ms(amount);
            let is_longer = denied.is_none_or(|denied| match (denied.wait_ms, wait_ms) {
                (Some(before), Some(now)) => before < now,
                (Some(_), None) => true,
                (None, _) => false,
            });
            if is_longer {
                denied = Some(Self { want, wait_ms });
            }
        }
        denied
    }
}

/// What is left of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// The limit.
    pub limit: u64,
    /// What may still be taken.
    pub remaining: u64,
    /// When it is empty again, in milliseconds.
    pub reset_ms: u64,
}

impl Room {
    /// What is left of a bucket that was drained.
    pub fn of(bucket: &Bucket) -> Self {
        Self { limit: bucket.limit(), remaining: bucket.room(), reset_ms: bucket.reset_ms() }
    }
}

/// All buckets.
#[derive(Debug, Default)]
pub struct Book {
    buckets: Vec<Bucket>,
    /// The hash of the name of each.
    names: Vec<u64>,
    /// By the hash of their names.
    ids: BTreeMap<u64, BucketId>,
    leases: u64,
    /// Places of buckets that were forgotten.
    free: Vec<BucketId>,
}

impl Book {
    /// The bucket of a name, which is made where there is none; one that is there takes the limit on from now.
    pub fn bucket(&mut self, now_ms: u64, name: u64, limit: u64, per: Per) -> BucketId {
        if let Some(id) = self.ids.get(&name).copied() {
            let bucket = &mut self.buckets[id.0 as usize];
            if bucket.limit() != limit {
                bucket.drain(now_ms);
                bucket.set_limit(limit);
            }
            return id;
        }
        let bucket = Bucket::new(limit, per);
        let id = if let Some(id) = self.free.pop() {
            self.buckets[id.0 as usize] = bucket;
            self.names[id.0 as usize] = name;
            id
        } else {
            self.buckets.push(bucket);
            self.names.push(name);
            BucketId(self.buckets.len() as u32 - 1)
        };
        self.ids.insert(name, id);
        id
    }

    /// The name of a bucket.
    pub fn name(&self, id: BucketId) -> u64 {
        self.names[id.0 as usize]
    }

    /// A bucket, drained up to now.
    pub fn look(&mut self, now_ms: u64, id: BucketId) -> Room {
        let bucket = &mut self.buckets[id.0 as usize];
        bucket.drain(now_ms);
        Room::of(bucket)
    }

    /// A bucket as it is.
    pub fn get(&self, id: BucketId) -> &Bucket {
        &self.buckets[id.0 as usize]
    }

    /// Reserves in every bucket, or in none. No two wants may be of the same bucket.
    ///
    /// # Errors
    /// Where one of them has no room.
    pub fn reserve(&mut self, now_ms: u64, wants: &[Want]) -> Result<Lease, Denied> {
        for want in wants {
            self.buckets[want.bucket.0 as usize].drain(now_ms);
        }
        let asked = wants.iter().map(|want| (*self.get(want.bucket), want.amount));
        if let Some(denied) = Denied::of(asked) {
            return Err(denied);
        }
        for want in wants {
            self.buckets[want.bucket.0 as usize].hold(want.amount);
        }
        self.leases += 1;
        Ok(Lease { number: self.leases, held: wants.to_vec() })
    }

    /// Settles some of a lease at once: what was held at a place becomes used. A request is used as soon as it is let in.
    pub fn spend(&mut self, now_ms: u64, lease: &mut Lease, place: usize) {
        let want = &mut lease.held[place];
        let bucket = &mut self.buckets[want.bucket.0 as usize];
        bucket.drain(now_ms);
        bucket.settle(want.amount, want.amount);
        want.amount = 0;
    }

    /// Settles a lease: `used` says for each of its wants what it came to. What is missing there is used as it was held.
    pub fn settle(&mut self, now_ms: u64, lease: &Lease, used: &[u64]) {
        for (idx, want) in lease.held.iter().enumerate() {
            let bucket = &mut self.buckets[want.bucket.0 as usize];
            bucket.drain(now_ms);
            bucket.settle(want.amount, used.get(idx).copied().unwrap_or(want.amount));
        }
    }

    /// Uses without a reservation, as what a journal says was used.
    pub fn use_up(&mut self, now_ms: u64, id: BucketId, amount: u64) {
        let bucket = &mut self.buckets[id.0 as usize];
        bucket.drain(now_ms);
        bucket.settle(0, amount);
    }

    /// Forgets the buckets that are empty and of which `may_go` says so by their names; nothing that counts is lost.
    pub fn forget_empty(&mut self, now_ms: u64, mut may_go: impl FnMut(u64) -> bool) {
        let buckets = &mut self.buckets;
        let free = &mut self.free;
        self.ids.retain(|name, id| {
            let bucket = &mut buckets[id.0 as usize];
            bucket.drain(now_ms);
            let goes = bucket.used() == 0 && bucket.held() == 0 && may_go(*name);
            if goes {
                free.push(*id);
            }
            !goes
        });
    }

    /// Every bucket that something was taken from: its name, and what is used and held.
    pub fn taken(&self) -> impl Iterator<Item = (u64, &Bucket)> {
        let all = self.ids.iter().map(|(name, id)| (*name, &self.buckets[id.0 as usize]));
        all.filter(|(_, bucket)| bucket.used() > 0 || bucket.held() > 0)
    }

    /// How many buckets there are.
    pub fn count(&self) -> usize {
        self.ids.len()
    }
}
