//! The ledger seen from outside.

#![expect(clippy::unwrap_used, reason = "what a test sets up may fail it")]

mod folder;
mod tree;
mod vectors;
mod whole_file;
