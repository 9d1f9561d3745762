//! How do we mark text, and find marks?
//!
//! [`marker`] puts hidden characters into text, finds them, and takes them out.
#![forbid(unsafe_code)]

pub mod marker;
