//! How does a model answer?

mod config;
mod error;
mod source;

pub use config::{Config, Family, Rope, RopeScaling};
pub use error::Error;
pub use source::TensorSource;
