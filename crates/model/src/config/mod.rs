//! What a decoder looks like: the numbers of a model's `config.json`, whatever family it is of.
//!
//! [`Config::from_json`] reads the file of any supported family, [`Config::to_json`] writes it for export. What the decoder
//! does not do (experts, other activations, unknown rotary scalings) is refused by name, never ignored.

mod export;
mod fields;
mod json;
mod rotary;

pub(crate) use rotary::yarn_attention_factor;

/// How positions turn queries and keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Base of the geometric series of frequencies.
    pub theta: f64,
    /// How the frequencies are stretched for long contexts.
    pub scaling: RopeScaling,
}

/// A stretch of rotary frequencies.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// None.
    None,
    /// Every position divided by `factor` (Chen et al. 2023, arXiv:2306.15595).
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// Llama 3.1's rule by wavelength.
    Llama3 {
        /// The divisor of the long waves.
        factor: f64,
        /// Waves longer than the original context by this are divided.
        low_freq_factor: f64,
        /// Waves shorter than the original context by this are kept.
        high_freq_factor: f64,
        /// The context before stretching.
        original_context: usize,
    },
    /// `YaRN` (Peng et al. 2023, arXiv:2309.00071).
    Yarn {
        /// The stretch.
        factor: f64,
        /// Rotations above which a frequency is kept.
        beta_fast: f64,
        /// Rotations below which a frequency is divided.
        beta_slow: f64,
        /// Multiplies cosine and sine; by the paper's rule where absent in the file.
        attention_factor: f64,
        /// The context before stretching.
        original_context: usize,
    },
}

/// The family's name, as `config.json`'s `model_type` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Llama 1 to 3, SmolLM2, DeepSeek-LLM.
    Llama,
    /// Mistral.
    Mistral,
    /// Qwen 2 and 2.5.
    Qwen2,
    /// Qwen 3.
    Qwen3,
}

impl Family {
    /// The name in `config.json`'s `model_type`.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }
}

/// The shape of one decoder.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "three independent facts of a file, not a state")]
pub struct Config {
    /// The family.
    pub family: Family,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key-value heads.
    pub kv_heads: usize,
    /// Floats a head.
    pub head_dim: usize,
    /// Width of the feed-forward block.
    pub intermediate_size: usize,
    /// Added to the mean square in norms.
    pub rms_norm_eps: f32,
    /// Rotary positions.
    pub rope: Rope,
    /// Longest context.
    pub max_positions: usize,
    /// Whether the head is the embedding.
    pub tied_embeddings: bool,
    /// Whether queries, keys and values have a bias.
    pub qkv_bias: bool,
    /// Whether the heads of queries and keys are normed.
    pub qk_norm: bool,
    /// How many tokens back a query sees, itself included, for the layers that slide.
    pub sliding_window: Option<usize>,
    /// Blocks below this index attend to everything even where `sliding_window` is set (Qwen2's `max_window_layers`); 0: all slide.
    pub full_attention_layers: usize,
    /// First token of a sequence.
    pub bos: Option<u32>,
    /// Tokens that end an answer.
    pub eos: Vec<u32>,
}
