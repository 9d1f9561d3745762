//! How is it made undeniable?
//!
//! A transparency log in a folder, in the C2SP formats that any web server can host: [`tree`] is the
//! Merkle tree of RFC 6962, [`note`] the signed note, [`checkpoint`] the signed tree head, [`tile`] the
//! layout of the files, [`proof`] the offline inclusion proof, and [`log`] the log itself. Entries are
//! bytes: nothing here knows what they mean.
#![forbid(unsafe_code)]

pub mod checkpoint;
mod error;
pub mod log;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod whole_file;

pub use checkpoint::Checkpoint;
pub use error::{Error, Refusal};
pub use log::Log;
pub use proof::Proof;
pub use tree::{Hash, Tree};
