//! The page seen from outside.

#![expect(clippy::unwrap_used, reason = "what a test sets up may fail it")]

mod audit;
mod chart;
mod documents;
mod finding;
mod folder;
mod graph;
mod page;
