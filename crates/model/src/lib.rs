//! How does a model answer?

pub mod architecture;
pub mod gguf;
pub mod safetensors;

mod config;
mod error;
mod source;
mod whole_file;

pub use config::{Config, Family, Rope, RopeScaling};
pub use error::Error;
pub use source::TensorSource;
