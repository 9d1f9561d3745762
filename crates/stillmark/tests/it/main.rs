//! The front door from outside.
#![cfg(test)]

#[cfg(unix)]
mod interruptions;
mod place;
mod transcripts;
