//! The parts of a decoder that follow from its [`Config`] alone, for inference and training alike: which parameters there
//! are, how far each layer sees, and how positions turn.

use std::f64::consts::PI;

use stillmark_kernels::attention::Shape;
use stillmark_kernels::rope::Table;

use crate::config::{Config, RopeScaling};

/// The embedding's name.
pub const EMBEDDING: &str = "model.embed_tokens.weight";

/// The last norm's name.
pub const FINAL_NORM: &str = "model.norm.weight";

/// The head's name, where it is not the embedding.
pub const HEAD: &str = "lm_head.weight";

/// A tensor of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in Hugging Face's layout.
    pub name: String,
    /// Its shape, outputs before inputs.
    pub shape: Vec<usize>,
}

impl Parameter {
    /// Number of floats.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the shape has a zero in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The full name of a tensor of one layer: `layer_name(3, "mlp.up_proj.weight")`.
pub fn layer_name(layer: usize, part: &str) -> String {
    format!("model.layers.{layer}.{part}")
}

/// Every parameter of a model: the embedding, the layers from the first to the last, the final norm, and the head unless
/// it is the embedding.
pub fn parameters(config: &Config) -> Vec<Parameter> {
    let d = config.hidden_size;
    let mut all = vec![Parameter { name: EMBEDDING.into(), shape: vec![config.vocab_size, d] }];
    for layer in 0..config.layers {
        let parts = layer_parameters(config).into_iter();
        all.extend(parts.map(|(part, shape)| Parameter { name: layer_name(layer, part), shape }));
    }
    all.push(Parameter { name: FINAL_NORM.into(), shape: vec![d] });
    if !config.tied_embeddings {
        all.push(Parameter { name: HEAD.into(), shape: vec![config.vocab_size, d] });
    }
    all
}

/// The parameters of one layer by the last part of their names, in the order in which the forward pass meets them.
pub fn layer_parameters(config: &Config) -> Vec<(&'static str, Vec<usize>)> {
    let (d, ffn) = (config.hidden_size, config.intermediate_size);
    let (q, kv) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
    let mut parts = vec![
        ("input_layernorm.weight", vec![d]),
        ("self_attn.q_proj.weight", vec![q, d]),
        ("self_attn.k_proj.weight", vec![kv, d]),
        ("self_attn.v_proj.weight", vec![kv, d]),
    ];
    if config.qkv_bias {
        parts.extend([
            ("self_attn.q_proj.bias", vec![q]),
            ("self_attn.k_proj.bias", vec![kv]),
            ("self_attn.v_proj.bias", vec![kv]),
        ]);
    }
    if config.qk_norm {
        parts.extend([
            ("self_attn.q_norm.weight", vec![config.head_dim]),
            ("self_attn.k_norm.weight", vec![config.head_dim]),
        ]);
    }
    parts.extend([
        ("self_attn.o_proj.weight", vec![d, q]),
        ("post_attention_layernorm.weight", vec![d]),
        ("mlp.gate_proj.weight", vec![ffn, d]),
        ("mlp.up_proj.weight", vec![ffn, d]),
        ("mlp.down_proj.weight", vec![d, ffn]),
    ]);
    parts
}

/// The attention of one layer.
pub fn attention_shape(config: &Config, layer: usize) -> Shape {
    Shape {
        heads: config.heads,
        kv_heads: config.kv_heads,
        head_dim: config.head_dim,
        window: config.sliding_window.filter(|_| layer >= config.full_attention_layers),
        scale: (1.0 / (config.head_dim as f64).sqrt()) as f32,
    }
}

/// Cosines and sines of the positions below `n_positions`.
pub fn rope_table(config: &Config, n_positions: usize) -> Table {
    Table::new(&inverse_frequencies(config), n_positions, rope_magnitude(config))
}

/// What cosines and sines are multiplied by: YaRN's attention factor, 1 elsewhere.
pub fn rope_magnitude(config: &Config) -> f64 {
    match config.rope.scaling {
        RopeScaling::Yarn { attention_factor, .. } => attention_factor,
        RopeScaling::None | RopeScaling::Linear { .. } | RopeScaling::Llama3 { .. } => 1.0,
    }
}

/// Radians a position of each pair of a head's elements.
pub fn inverse_frequencies(config: &Config) -> Vec<f64> {
    let (theta, dim) = (config.rope.theta, config.head_dim as f64);
    let plain = (0..config.head_dim / 2).map(|i| theta.powf(-2.0 * i as f64 / dim));
    match config.rope.scaling {
        RopeScaling::None => plain.collect(),
        RopeScaling::Linear { factor } => plain.map(|frequency| frequency / factor).collect(),
        RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_context } => {
            let bands = [low_freq_factor, high_freq_factor];
            plain.map(|frequency| llama3(frequency, factor, bands, original_context as f64)).collect()
        }
        RopeScaling::Yarn { factor, beta_fast, beta_slow, original_context, .. } => {
            let [low, high] = [beta_fast, beta_slow].map(|rotations| {
                // The (real) index of the frequency that turns `rotations` times over the original context.
                dim * (original_context as f64 / (rotations * 2.0 * PI)).ln() / (2.0 * theta.ln())
            });
            let (low, high) = (low.floor().max(0.0), high.ceil().min(dim - 1.0));
            let width = if low == high { 0.001 } else { high - low };
            let stretched = |(i, frequency): (usize, f64)| {
                let ramp = ((i as f64 - low) / width).clamp(0.0, 1.0);
                frequency / factor * ramp + frequency * (1.0 - ramp)
            };
            plain.enumerate().map(stretched).collect()
        }
    }
}

/// Llama 3.1's rule: long waves are divided, short ones kept, those between mixed.
fn llama3(frequency: f64, factor: f64, [low, high]: [f64; 2], context: f64) -> f64 {
    let rotations = context * frequency / (2.0 * PI);
    if rotations < low {
        frequency / factor
    } else if rotations > high {
        frequency
    } else {
        let smooth = (rotations - low) / (high - low);
        (1.0 - smooth) * frequency / factor + smooth * frequency
    }
}
