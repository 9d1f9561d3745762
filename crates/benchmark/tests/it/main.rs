//! The benchmark crate, from outside.
#![cfg(test)]

mod audit;
mod claim;
mod comparison;
mod contamination;
mod copies;
mod diff;
mod digest;
mod forge;
mod holdout;
mod log;
mod registry;
mod scan;
mod shared;
mod spot_check;
mod task;
mod vectors;
