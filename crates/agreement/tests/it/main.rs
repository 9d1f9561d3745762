//! The rules of agreements, read from the vectors of docs/spec.

#![expect(clippy::unwrap_used, reason = "what a test sets up may fail it")]

mod beside;
mod mutations;
mod pack;
mod permit;
mod recognize;
mod scale;
mod vectors;
