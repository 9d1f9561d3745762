//! The crate seen from outside.

mod architecture;
