//! The front door from outside.
#![cfg(test)]

mod consent;
mod documents;
mod explained;
mod finding;
mod foreign;
#[cfg(unix)]
mod interruptions;
mod place;
mod tampering;
mod transcripts;
