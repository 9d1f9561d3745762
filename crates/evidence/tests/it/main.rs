//! Evidence seen from outside.

#![expect(clippy::unwrap_used, reason = "what a test sets up may fail it")]

mod audit;
mod card;
mod consent;
mod evaluation;
mod folder;
mod formats;
mod oms;
mod peer;
mod upstream;
mod vectors;
mod watermark;
