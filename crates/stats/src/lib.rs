//! How sure are we?
//!
//! Numbers in, numbers out. Probabilities are kept as logarithms ([`PValue`]), so that a tail of 10⁻⁵⁰⁰ is still a number.
//! The exact public generators that schemes of others draw from live here too ([`torch`]).
#![forbid(unsafe_code)]

pub mod clustered;
pub mod decoys;
pub mod e_process;
pub mod mt19937;
pub mod multiple;
pub mod p_value;
pub mod planner;
pub mod sample_size;
pub mod scan;
pub mod special;
pub mod tail;
pub mod torch;
pub mod uniformity;
pub mod vocabulary;

mod deviance;

pub use p_value::PValue;
