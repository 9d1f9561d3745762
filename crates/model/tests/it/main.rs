//! The crate from outside.
#![cfg(test)]

mod architecture;
mod chat;
mod checkpoint_files;
mod config;
mod decoder;
mod export;
mod formula;
mod generate;
mod gguf;
mod likelihood;
mod mark;
mod peers;
mod reading;
mod reference;
mod remote;
mod safetensors;
mod smollm2;
mod tokenizer;
