//! Is the score true?
//!
//! A [`record`] is one item of a benchmark; [`digest`] folds items into the digests that pin a benchmark, [`copies`] reads benchmarks as
//! they lie about, [`registry`] knows the public ones by digest, [`diff`](mod@diff) says what became of every row. A [`task`] says how a
//! benchmark is asked and scored; [`log`] reads what harnesses left behind, [`rescore`] derives every score anew and [`audit`] finds tampering.
//! [`comparison`] sets two runs side by side, [`claim`] says what a bare number can and cannot be, [`spot_check`] how much a re-run of few items shows, [`contamination`] whether a model has
//! seen the questions, [`holdout`] commits to hidden ones, [`mlperf`] packs and audits MLPerf directories;
//! [`humaneval`] says which program tests an answer.
//! Bytes and answers come in, findings go out: no model and no network.
#![forbid(unsafe_code)]

pub mod copies;
pub mod diff;
pub mod digest;
pub mod record;
pub mod registry;

pub mod task;

pub mod audit;
pub mod json;
pub mod log;
pub mod rescore;

pub mod claim;
pub mod comparison;
pub mod contamination;
pub mod holdout;
pub mod humaneval;
pub mod mlperf;
pub mod packing;
pub mod spot_check;

mod bytes;
mod error;
mod meaning;

pub use error::Error;
pub use record::{Answer, Record};
