//! `model.safetensors.index.json`: no file that it names may lie elsewhere than beside it.
#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use stillmark_fuzz::NOWHERE;
use stillmark_model::safetensors::parse_index;

fuzz_target!(|text: &str| {
    let Ok(index) = parse_index(text, Path::new(NOWHERE)) else { return };
    for file in index.files.values() {
        let parts: Vec<Component<'_>> = Path::new(file).components().collect();
        assert!(matches!(parts.as_slice(), [Component::Normal(name)] if *name == file.as_str()), "{file:?}");
    }
});
