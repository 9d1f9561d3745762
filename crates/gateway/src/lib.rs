//! Who takes what from the API?
//!
//! A gateway in front of servers that speak OpenAI's API: it knows who asks ([`keys`]), how much may be taken ([`meter`], [`limit`]), reads
//! requests so strictly that nobody behind can read them otherwise ([`wire`]), and passes bytes on unchanged. It asks no clock and draws no
//! entropy but through what the front door hands it.
#![forbid(unsafe_code)]

mod answer;
pub mod config;
mod door;
mod flight;
mod gateway;
pub mod grants;
mod headers;
mod intake;
pub mod keys;
pub mod limit;
pub mod meter;
mod metrics;
mod models;
mod proxy;
pub mod receipts;
mod said;
pub mod serve;
mod strict;
pub mod tls;
mod upstream;
mod usage;
pub mod veil;
mod view;
pub mod wire;

pub use gateway::{Authorization, Gateway, Live, Parts, Target, Upstream};
pub use metrics::{Event, Metrics};
pub use upstream::{Busy, Embedded, Piece, Pieces, Submission};
