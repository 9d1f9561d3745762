//! The benchmark crate, from outside.
mod audit;

mod log;
mod registry;
mod shared;
mod task;
