//! Whoever answers the prompts and scores the texts: a model on this machine, or one behind an API.

mod answers;
mod embedded;
mod remote;
mod vocabulary;

pub use embedded::EmbeddedTeacher;
pub(crate) use embedded::push_position;
pub use remote::RemoteTeacher;
