//! The front door from outside.
#![cfg(test)]

mod claims;
mod consent;
mod documents;
mod evaluation;
mod explained;
mod finding;
mod foreign;
mod generations;
#[cfg(unix)]
mod interruptions;
mod leaked;
mod place;
mod tampering;
mod transcripts;
