//! The examples, built and run with a tiny model.
#![cfg(test)]

mod story;
