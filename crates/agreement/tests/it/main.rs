//! The rules of agreements, read from the vectors of docs/spec.

mod pack;
mod permit;
mod scale;
mod vectors;
