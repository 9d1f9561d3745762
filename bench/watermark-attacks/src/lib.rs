//! What can be done to a text to lose its mark: plain functions of text, strength and seed.
//!
//! [`words`] deletes, inserts and substitutes words and mixes texts, [`letters`] changes case and letters, [`sentences`] moves
//! whole sentences. Every choice comes of a [`Draws`], so that the same seed attacks alike.
#![forbid(unsafe_code)]

pub mod draws;
pub mod letters;
pub mod sentences;
pub mod words;

pub use draws::Draws;
