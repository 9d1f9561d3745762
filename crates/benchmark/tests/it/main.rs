//! The benchmark crate, from outside.
#![cfg(test)]

mod audit;
mod claim;
mod comparison;
mod contamination;
mod contradictions;
mod copies;
mod diff;
mod digest;
mod foreign;
mod forge;
mod holdout;
mod humaneval;
mod leaks;
mod lighteval;
mod log;
mod mlperf;
mod registry;
mod scan;
mod shared;
mod spot_check;
mod task;
mod vectors;
mod versions;
