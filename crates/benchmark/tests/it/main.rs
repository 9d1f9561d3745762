//! The benchmark crate, from outside.
#![cfg(test)]

mod audit;
mod claim;
mod contamination;
mod copies;
mod diff;
mod digest;
mod forge;
mod holdout;
mod comparison;
mod log;
mod registry;
mod scan;
mod shared;
mod spot_check;
mod task;
mod vectors;
