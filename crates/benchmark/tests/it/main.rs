//! The benchmark crate, from outside.
#![cfg(test)]

mod audit;
mod contamination;
mod copies;
mod diff;
mod digest;
mod forge;
mod holdout;
mod log;
mod registry;
mod shared;
mod task;
mod vectors;
