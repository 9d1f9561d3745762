//! The schemes that are attacked, each with a fixed key.

use stillmark_watermark::{Error, Key};

/// A scheme under attack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Its name in tables.
    pub(crate) name: &'static str,
    scheme: &'static str,
    /// Its parameters, where they are not the defaults.
    parameters: &'static str,
    /// What of the texts that are asked for it gets: best-of-n costs four times as much.
    pub(crate) share: f64,
}

/// All of them, in the order of the tables.
pub(crate) const ALL: [Entry; 6] = [
    entry("vllm-philox 4", "vllm-philox", "context_width = 4\n", 1.0),
    entry("vllm-philox 2", "vllm-philox", "context_width = 2\n", 1.0),
    entry("stillmark-gumbel 4", "stillmark-gumbel", "context_width = 4\n", 1.0),
    entry("kgw lefthash", "kgw-transformers", "vocab_size = 49152\n", 1.0),
    entry("synthid 30", "synthid-transformers", "", 1.0),
    entry("best-of-n 4×20", "best-of-n", "n = 4\nsegment = 20\n", 0.4),
];

const fn entry(name: &'static str, scheme: &'static str, parameters: &'static str, share: f64) -> Entry {
    Entry { name, scheme, parameters, share }
}

impl Entry {
    /// Its key.
    pub(crate) fn key(&self) -> Result<Key, Error> {
        Key::generate(self.scheme, self.parameters, b"the bench of watermark attacks\n\n")
    }

    /// Whether it marks words rather than tokens.
    pub(crate) fn is_of_words(&self) -> bool {
        self.scheme == "best-of-n"
    }

    /// A file's name for what belongs to it and its key.
    pub(crate) fn file(&self) -> Result<String, String> {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let key = self.key().map_err(|error| error.to_string())?.commitment(&[0; 32]);
        let name: String = self.name.chars().map(plain).collect();
        Ok(format!("{name}-{:02x}{:02x}{:02x}{:02x}", key[0], key[1], key[2], key[3]))
    }
}
