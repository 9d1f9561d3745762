//! The benchmark crate, from outside.
mod audit;
mod forge;

mod log;
mod registry;
mod shared;
mod task;
mod vectors;
