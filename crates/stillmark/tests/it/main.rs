//! The front door from outside.
#![cfg(test)]

mod explained;
mod foreign;
#[cfg(unix)]
mod interruptions;
mod place;
mod tampering;
mod transcripts;
