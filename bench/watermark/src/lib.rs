//! Marked text of a real model, for the benchmarks of watermarks.

mod marked;

pub use marked::{Marked, answers};
