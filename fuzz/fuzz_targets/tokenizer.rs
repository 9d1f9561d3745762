//! `tokenizer.json`: reading, encoding, decoding, and the metadata of a GGUF file.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use stillmark_fuzz::{NOWHERE, let_panics_be_caught};
use stillmark_model::{Config, Tokenizer};

const CONFIG: &str = r#"{"model_type": "llama", "vocab_size": 64, "hidden_size": 8, "num_hidden_layers": 1,
    "num_attention_heads": 2, "intermediate_size": 8}"#;

fuzz_target!(init: let_panics_be_caught(), |text: &str| {
    let path = Path::new(NOWHERE);
    let Ok(tokenizer) = Tokenizer::from_json(text.to_owned(), path) else { return };
    for text in ["", "ab<s> a", "It's 2026: naïve \u{65e5}\u{672c}\n\n  x+=1;"] {
        let Ok(ids) = tokenizer.encode_sequence(text) else { continue };
        _ = tokenizer.decode_all(&ids);
        let mut stream = tokenizer.stream();
        for id in ids.iter().take(32) {
            _ = stream.push(*id);
        }
    }
    let config = Config::from_json(path, CONFIG).expect("a good config");
    _ = tokenizer.gguf_metadata(&config);
    _ = tokenizer.shared_ids(&tokenizer.clone());
});
