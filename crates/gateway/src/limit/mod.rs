//! How much may be taken, by whom, in which stretch of time: one machine of integers, without a clock of its own.
//! It runs in this process ([`Book`]) or, the same machine in Lua, in a Redis that several gateways share ([`Shared`]).
//!
//! A request *reserves* what it may come to cost in every bucket that it falls under, all or nothing, and *settles* what it did cost.
//! What is reserved is *held*: it counts against the limit and does not drain; what is settled is *used* and drains evenly. So a bucket's
//! use never exceeds its limit but by what a model wrote beyond its own reservation, and a refund is never more than what was held.

mod book;
mod bucket;
mod journal;
mod kind;
mod link;
mod shared;

pub use book::{Book, BucketId, Denied, Lease, Room, Want};
pub use bucket::{Bucket, LARGEST, Per};
pub use journal::{Journal, replay};
pub use kind::{Claim, KEPT, Kind};
pub(crate) use link::{Link, Outage};
pub use shared::{CLOCK, MACHINE, Server, Shared, SharedLease, Unfit};
