//! The crate from outside.
#![cfg(test)]

mod architecture;
mod checkpoint_files;
mod config;
mod decoder;
mod formula;
mod generate;
mod gguf;
mod reference;
mod remote;
mod safetensors;
mod smollm2;
