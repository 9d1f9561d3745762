//! The benchmark crate, from outside.
