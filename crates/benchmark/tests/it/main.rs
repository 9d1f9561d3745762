//! The benchmark crate, from outside.

mod log;
