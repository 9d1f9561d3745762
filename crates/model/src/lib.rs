//! How does a model answer?

pub mod architecture;

mod config;
mod error;
mod source;

pub use config::{Config, Family, Rope, RopeScaling};
pub use error::Error;
pub use source::TensorSource;
