//! The benchmark crate, from outside.
#![cfg(test)]

mod audit;
mod contamination;
mod forge;
mod holdout;
mod diff;
mod digest;
mod log;
mod registry;
mod shared;
mod task;
mod vectors;
