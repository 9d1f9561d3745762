//! The ledger seen from outside.

#![expect(clippy::unwrap_used, reason = "what a test sets up may fail it")]

mod asked;
mod changed;
mod folder;
mod index;
mod killed;
mod memory;
mod proofs;
mod tree;
mod vectors;
mod whole_file;
mod witness;
