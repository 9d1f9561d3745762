//! The front door from outside.
#![cfg(test)]

mod explained;
#[cfg(unix)]
mod interruptions;
mod place;
mod tampering;
mod transcripts;
