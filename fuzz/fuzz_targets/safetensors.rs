//! A safetensors file: its header, and every tensor that it claims.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use stillmark_fuzz::NOWHERE;
use stillmark_model::safetensors::parse;

fuzz_target!(|bytes: &[u8]| {
    let Ok(header) = parse(bytes, Path::new(NOWHERE)) else { return };
    for tensor in header.tensors.values() {
        let numbers = tensor.kind.widen(&bytes[tensor.bytes.clone()]);
        assert_eq!(numbers.len(), tensor.shape.iter().product::<usize>());
    }
});
