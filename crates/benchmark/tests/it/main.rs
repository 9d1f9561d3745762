//! The benchmark crate, from outside.
#![cfg(test)]

mod audit;
mod forge;
mod log;
mod registry;
mod shared;
mod task;
mod vectors;
