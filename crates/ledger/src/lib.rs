//! How is it made undeniable?
//!
//! A transparency log in a folder, in the C2SP formats that any web server can host: [`tree`] is the
//! Merkle tree of RFC 6962, [`note`] the signed note, [`checkpoint`] the signed tree head, [`tile`] the
//! layout of the files, [`proof`] the offline inclusion proof. [`log`] is the log that grows, of which
//! only the right [`edge`] is in memory; [`storage`] is where its files lie, [`reader`] makes proofs from
//! them, [`index`] finds leaves by their hash, [`prover`] makes them for whoever asks, as [`asked`] has
//! it, [`check`] reads everything and names what was changed, and [`witness`] cosigns a log that only grew. Entries
//! are bytes: nothing here knows what they mean.
#![forbid(unsafe_code)]

pub mod asked;
pub mod check;
pub mod checkpoint;
pub mod edge;
mod error;
pub mod index;
pub mod log;
pub mod note;
pub mod proof;
pub mod prover;
pub mod reader;
pub mod storage;
pub mod tile;
pub mod tree;
pub mod whole_file;
pub mod witness;

pub use checkpoint::{Checkpoint, Quorum};
pub use error::{Change, Error, Refusal};
pub use log::Log;
pub use proof::Proof;
pub use prover::Prover;
pub use reader::Reader;
pub use tree::{Hash, Tree};
