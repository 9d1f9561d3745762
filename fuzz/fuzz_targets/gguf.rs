//! A GGUF file: directory, config, tokenizer, chat template, every tensor, and a pass through the decoder if it is small.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use stillmark_fuzz::{NOWHERE, in_file};
use stillmark_kernels::gemm::Precision;
use stillmark_model::gguf::Gguf;
use stillmark_model::{Checkpoint, Config, Decoder, TensorSource, Tokenizer};

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new(NOWHERE);
    let Ok(gguf) = Gguf::parse(bytes, path) else { return };
    for tensor in gguf.tensors.values() {
        let numbers = tensor.kind.dequantize(&bytes[tensor.bytes.clone()]);
        assert_eq!(numbers.len(), tensor.shape.iter().product::<usize>());
    }
    _ = Config::from_gguf(&gguf, None, path);
    if let Ok(tokenizer) = Tokenizer::from_gguf(&gguf, path) {
        let ids = tokenizer.encode("ab<s> a é").unwrap_or_default();
        _ = tokenizer.decode(&ids);
    }
    in_file("m.gguf", bytes, |path| {
        let Ok(model) = Checkpoint::open(path) else { return };
        let about = model.describe();
        if about.parameters <= 1 << 14 {
            let names: Vec<String> = stillmark_model::architecture::parameters(model.config())
                .into_iter()
                .map(|one| one.name)
                .collect();
            names.iter().for_each(|name| _ = model.tensor(name));
            if let Ok(decoder) = Decoder::load(model.config(), &model, Precision::F32) {
                let hidden = decoder.hidden(&[0, 0, 0], &[0..3]);
                if let Ok(hidden) = hidden {
                    let mut logits = vec![0.0; 3 * model.config().vocab_size];
                    decoder.logits(&hidden, &mut logits);
                }
            }
        }
    });
});
