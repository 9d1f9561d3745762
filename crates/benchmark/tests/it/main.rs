//! The benchmark crate, from outside.
#![cfg(test)]

mod log;
mod task;
