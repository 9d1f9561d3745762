//! The front door from outside.
#![cfg(test)]

mod claims;
mod consent;
mod documents;
mod evaluation;
mod explained;
mod finding;
mod foreign;
#[cfg(unix)]
mod gateway;
mod generations;
#[cfg(unix)]
mod interruptions;
mod leaked;
#[cfg(unix)]
mod loadgen;
mod place;
#[cfg(target_os = "linux")]
mod sandboxed;
mod scans;
mod served;
mod tampering;
mod transcripts;
