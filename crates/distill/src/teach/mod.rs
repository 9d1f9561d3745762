//! Whoever answers the prompts and scores the texts: a model on this machine, or one behind an API.

mod embedded;

pub use embedded::EmbeddedTeacher;
