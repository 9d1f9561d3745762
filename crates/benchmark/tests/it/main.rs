//! The benchmark crate, from outside.

mod log;
mod registry;
mod shared;
mod task;
