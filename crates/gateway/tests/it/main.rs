//! The gateway from outside: its parts as pure machines, and the whole over real sockets.
#![cfg(test)]

mod behind;
mod framing;
mod keys;
mod limits;
mod live;
mod logprobs;
mod proxy;
mod receipts;
mod requests;
mod shared;
mod sse;
mod tls;
mod traps;
mod vectors;
