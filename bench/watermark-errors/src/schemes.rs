//! The schemes that are measured, each with its parameters.

use stillmark_watermark::Key;

/// A row of the null table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tested {
    /// The name of the row.
    pub(crate) name: &'static str,
    /// The scheme.
    pub(crate) scheme: &'static str,
    /// Its parameters as TOML, where they are not the defaults.
    pub(crate) parameters: &'static str,
    /// What a text is for it.
    pub(crate) takes: Takes,
}

/// What a text is for a scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Tokens of the model's tokenizer, up to so many.
    Tokens(usize),
    /// Up to so many, each taken modulo [`SMALL`], so that a list drawn by torch's generator is short.
    Small(usize),
    /// Words.
    Words(usize),
}

/// A scheme that marks, at work on real answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marks {
    /// The scheme.
    pub(crate) name: &'static str,
    /// Its parameters as TOML, where they are not the defaults.
    parameters: &'static str,
}

/// The vocabulary that tokens are folded into where a scheme draws a list of it.
pub(crate) const SMALL: u32 = 1024;

const WHOLE: Takes = Takes::Tokens(60);
const FOLDED: Takes = Takes::Small(40);

/// Every scheme, those with two forms twice.
pub(crate) const TESTED: [Tested; 19] = [
    tested("vllm-philox", "vllm-philox", "", WHOLE),
    tested("vllm-philox-dual", "vllm-philox-dual", "", WHOLE),
    tested("vllm-philox-dual, α = .5", "vllm-philox-dual", "alpha = 0.5", WHOLE),
    tested("stillmark-gumbel", "stillmark-gumbel", "", WHOLE),
    tested("kgw-transformers", "kgw-transformers", "vocab_size = 1024", FOLDED),
    tested("kgw-lm-watermarking", "kgw-lm-watermarking", "vocab_size = 1024", FOLDED),
    tested("sbw", "sbw", "vocab_size = 49152", WHOLE),
    tested("synthid-transformers", "synthid-transformers", "", WHOLE),
    tested("synthid-deepmind", "synthid-deepmind", "", WHOLE),
    tested("synthid-vllm", "synthid-vllm", "", WHOLE),
    tested("sglang-gumbel", "sglang-gumbel", "", WHOLE),
    tested("sglang-gumbel, two keys", "sglang-gumbel", "key_b = \"1\"", WHOLE),
    tested("textseal-gumbel", "textseal-gumbel", "", WHOLE),
    tested("textseal-gumbel-dual", "textseal-gumbel-dual", "", WHOLE),
    tested("textseal-greenlist", "textseal-greenlist", "", WHOLE),
    tested("textseal-greenlist, v2", "textseal-greenlist", "scoring = \"v2\"", WHOLE),
    tested("three-bricks-maryland", "three-bricks-maryland", "vocab_size = 1024", FOLDED),
    tested("three-bricks-openai", "three-bricks-openai", "vocab_size = 1024", FOLDED),
    tested("best-of-n", "best-of-n", "", Takes::Words(80)),
];

/// Two schemes whose repeated windows count each time, as their peers' p-values have it.
pub(crate) const REPEATING: [Tested; 2] = [
    tested("vllm-philox, repeats scored", "vllm-philox", "deduplicate = false", WHOLE),
    tested(
        "kgw-transformers, repeats scored",
        "kgw-transformers",
        "vocab_size = 1024\ndeduplicate = false",
        FOLDED,
    ),
];

/// The schemes that mark token by token.
pub(crate) const MARKING: [Marks; 5] = [
    Marks { name: "vllm-philox", parameters: "" },
    Marks { name: "stillmark-gumbel", parameters: "" },
    Marks { name: "vllm-philox-dual", parameters: "" },
    Marks { name: "kgw-transformers", parameters: "vocab_size = 49152" },
    Marks { name: "synthid-transformers", parameters: "" },
];

const fn tested(name: &'static str, scheme: &'static str, parameters: &'static str, takes: Takes) -> Tested {
    Tested { name, scheme, parameters, takes }
}

impl Tested {
    /// A key made of 32 bytes.
    pub(crate) fn key(&self, material: &[u8; 32]) -> Result<Key, String> {
        Key::generate(self.scheme, self.parameters, material).map_err(|error| error.to_string())
    }
}

impl Marks {
    /// The key that marks.
    pub(crate) fn key(&self) -> Result<Key, String> {
        let material = std::array::from_fn(|byte| (7 * byte + 11) as u8);
        Key::generate(self.name, self.parameters, &material).map_err(|error| error.to_string())
    }
}
