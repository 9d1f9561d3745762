//! How do we mark text, and find marks?
//!
//! A [`Key`] is one scheme with its parameters and its secret. [`sites`] says which tokens of a text are evidence,
//! whatever the key; the schemes score them bit for bit as their references do; [`detect`](mod@detect) says how sure one can be, by decoy
//! keys first and by exact tails where the decoys agree; [`attribute`] finds whose key it was; [`generate`] marks. [`marker`] hides characters
//! in text, and finds and strips them. Token ids
//! and slices come in and go out: no model, no tokenizer, no file.
#![forbid(unsafe_code)]

pub mod key;
mod mmix;
pub mod scheme;
pub mod sites;

pub mod attribute;
pub mod detect;
pub mod generate;
pub mod power;

pub mod marker;

mod error;

pub use error::Error;
pub use key::Key;
pub use scheme::best_of_n::{runs, words};
pub use scheme::{Null, Scheme};
pub use sites::{Sites, Slice, Text};
