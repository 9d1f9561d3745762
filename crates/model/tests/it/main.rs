//! The decoder from outside.
#![cfg(test)]

mod architecture;
mod checkpoint_files;
mod config;
mod gguf;
mod safetensors;
