//! The front door from outside.

mod transcripts;
