//! How sure are we?
//!
//! Numbers in, numbers out. Probabilities are kept as logarithms ([`PValue`]), so that a tail of 10⁻⁵⁰⁰ is still a number.
//! Tails ([`tail`]) rest on a null distribution; [`decoys`] ask the text itself whether it holds. [`e_process`] is evidence that
//! may be looked at at any time, [`multiple`] what several looks cost, [`scan`] where a mark lies, [`sample_size`] what it takes
//! to see one, [`clustered`] and [`uniformity`] whether false alarms are as rare as stated.
//! [`interval`] says how far a share or a mean may be off, [`paired`] which of two is better on the same items,
//! [`hypergeometric`] what few drawn items show of all, [`student`] how wide it is to estimate a spread;
//! [`permutation`] compares without assuming any distribution, by [`draws`] that anyone can repeat; [`spline`] draws a smooth curve.
//! The exact public generators that schemes of others draw from live here too ([`torch`]).
#![forbid(unsafe_code)]

pub mod clustered;
pub mod decoys;
pub mod draws;
pub mod e_process;
pub mod hypergeometric;
pub mod interval;
pub mod mt19937;
pub mod multiple;
pub mod p_value;
pub mod paired;
pub mod permutation;
pub mod planner;
pub mod python_random;
pub mod sample_size;
pub mod scan;
pub mod special;
pub mod spline;
pub mod student;
pub mod tail;
pub mod torch;
pub mod uniformity;
pub mod vocabulary;

mod deviance;

pub use p_value::PValue;
