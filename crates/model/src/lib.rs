//! How does a model answer?
#![forbid(unsafe_code)]

pub mod architecture;
pub mod catalog;
pub mod chat;
pub mod checkpoint;
pub mod gguf;
pub mod safetensors;
pub mod tokenizer;

pub mod decoder;
pub mod generate;
pub mod likelihood;
pub mod mark;
pub mod reading;
pub mod remote;
pub mod sample;
pub mod score;
pub mod session;

mod config;
mod error;
mod source;
mod whole_file;

pub use chat::ChatTemplate;
pub use checkpoint::Checkpoint;
pub use config::{Config, Family, Rope, RopeScaling};
pub use decoder::Decoder;
pub use error::Error;
pub use session::Session;
pub use source::TensorSource;
pub use tokenizer::Tokenizer;
