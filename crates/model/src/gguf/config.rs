//! The decoder's shape from the metadata of a GGUF file.

use std::path::Path;

use super::{Gguf, Value};
use crate::config::{Config, Family, Rope, RopeScaling, yarn_attention_factor};
use crate::error::Error;

/// Metadata of an architecture that changes what a model computes in ways the decoder does not know, unless zero.
const UNSUPPORTED: [&str; 8] = [
    "attention.clamp_kqv",
    "attention.kv_lora_rank",
    "attention.scale",
    "attn_logit_softcapping",
    "expert_count",
    "final_logit_softcapping",
    "logit_scale",
    "residual_scale",
];

impl Config {
    /// Reads the metadata of a GGUF file; `rope_factors` are the contents of its tensor `rope_freqs.weight`, `path` is for the
    /// errors.
    pub fn from_gguf(gguf: &Gguf, rope_factors: Option<&[f32]>, path: &Path) -> Result<Self, Error> {
        let fields = Fields { gguf, path, architecture: architecture(gguf, path)? };
        for field in UNSUPPORTED {
            if fields.get(field).is_some_and(|value| value.as_f64() != Some(0.0)) {
                return fields.refuse(field, "is not supported by this decoder");
            }
        }
        let heads = fields.required_size("attention.head_count")?;
        let hidden_size = fields.required_size("embedding_length")?;
        if heads == 0 {
            return fields.refuse("attention.head_count", "is 0");
        }
        let head_dim = fields.size("attention.key_length")?.unwrap_or(hidden_size / heads);
        for field in ["attention.value_length", "rope.dimension_count"] {
            if let Some(other) = fields.size(field)?
                && other != head_dim
            {
                return fields.refuse(field, format!("is {other}, but a head has {head_dim} floats"));
            }
        }
        let sliding_window = fields.size("attention.sliding_window")?.filter(|window| *window != 0);
        let family = match (fields.architecture, sliding_window) {
            ("llama", Some(_)) => Family::Mistral,
            ("llama", None) => Family::Llama,
            (_, Some(_)) => {
                return fields.refuse("attention.sliding_window", "is not supported for this architecture");
            }
            ("qwen2", None) => Family::Qwen2,
            _ => Family::Qwen3,
        };
        let token =
            |key: &str| gguf.metadata.get(key).and_then(Value::as_u64).and_then(|id| u32::try_from(id).ok());
        let max_positions = fields.required_size("context_length")?;
        let config = Self {
            family,
            vocab_size: embedding_rows(&fields)?,
            hidden_size,
            layers: fields.required_size("block_count")?,
            heads,
            kv_heads: fields.size("attention.head_count_kv")?.unwrap_or(heads),
            head_dim,
            intermediate_size: fields.required_size("feed_forward_length")?,
            rms_norm_eps: fields.required(
                "attention.layer_norm_rms_epsilon",
                fields.float("attention.layer_norm_rms_epsilon")?,
            )? as f32,
            rope: rope(&fields, rope_factors, head_dim)?,
            max_positions,
            tied_embeddings: !gguf.tensors.contains_key("output.weight"),
            qkv_bias: gguf.tensors.contains_key("blk.0.attn_q.bias"),
            qk_norm: family == Family::Qwen3,
            sliding_window,
            full_attention_layers: 0,
            bos: token("tokenizer.ggml.bos_token_id"),
            eos: token("tokenizer.ggml.eos_token_id").into_iter().collect(),
        };
        config.validate(path)?;
        Ok(config)
    }
}

fn architecture<'a>(gguf: &'a Gguf, path: &Path) -> Result<&'a str, Error> {
    let field = "general.architecture";
    let refuse = |detail: String| Err(Error::Config { path: path.into(), field: field.into(), detail });
    match gguf.metadata.get(field).map(Value::as_text) {
        Some(Some(name @ ("llama" | "qwen2" | "qwen3"))) => Ok(name),
        Some(Some(other)) => refuse(format!("`{other}` is none of llama, qwen2, qwen3")),
        Some(None) => refuse("is not a string".into()),
        None => refuse("is missing".into()),
    }
}

/// The embedding's rows, which may be more than the tokens.
fn embedding_rows(fields: &Fields<'_>) -> Result<usize, Error> {
    match fields.gguf.tensors.get("token_embd.weight").map(|tensor| tensor.shape.as_slice()) {
        Some([rows, _]) => Ok(*rows),
        _ => fields.required_size("vocab_size"),
    }
}

fn rope(fields: &Fields<'_>, factors: Option<&[f32]>, head_dim: usize) -> Result<Rope, Error> {
    let theta = fields.float("rope.freq_base")?.unwrap_or(10_000.0);
    let kind = match fields.get("rope.scaling.type") {
        None => "none",
        Some(value) => match value.as_text() {
            Some(kind) => kind,
            None => return fields.refuse("rope.scaling.type", "is not a string"),
        },
    };
    let factor = match fields.float("rope.scaling.factor")? {
        Some(factor) => Some(factor),
        None => fields.float("rope.scale_linear")?,
    };
    let original = fields.size("rope.scaling.original_context_length")?;
    let scaling = match (kind, factor) {
        ("none", None | Some(1.0)) | ("linear", Some(1.0)) => RopeScaling::None,
        ("none" | "linear", Some(factor)) if 0.0 < factor => RopeScaling::Linear { factor },
        ("yarn", Some(factor)) if 0.0 < factor => {
            let paper = yarn_attention_factor(factor);
            let attention_factor = paper * fields.float("rope.scaling.attn_factor")?.unwrap_or(1.0);
            RopeScaling::Yarn {
                factor,
                beta_fast: fields.float("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
                beta_slow: fields.float("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
                attention_factor,
                original_context: fields.required("rope.scaling.original_context_length", original)?,
            }
        }
        ("linear" | "yarn", _) => return fields.refuse("rope.scaling.factor", "is missing or not positive"),
        (other, _) => {
            return fields.refuse("rope.scaling.type", format!("`{other}` is none of none, linear, yarn"));
        }
    };
    let Some(factors) = factors else { return Ok(Rope { theta, scaling }) };
    if scaling != RopeScaling::None {
        return fields.refuse(
            "rope.scaling.type",
            "stands beside a tensor `rope_freqs.weight`; one of the two is possible",
        );
    }
    match llama3_of(factors, theta, head_dim, original.unwrap_or(8192)) {
        Some(scaling) => Ok(Rope { theta, scaling }),
        None => fields.refuse("rope_freqs.weight", "holds no stretch by the rule of Llama 3"),
    }
}

/// The settings of Llama 3's rule that give these divisors: the file holds only the results. The longest wave is divided by
/// the whole factor; the two bands are 1 and 4 in every model published.
fn llama3_of(factors: &[f32], theta: f64, head_dim: usize, original_context: usize) -> Option<RopeScaling> {
    let factor = f64::from(*factors.last()?);
    if factors.len() != head_dim / 2 || !factor.is_finite() || factor < 1.0 {
        return None;
    }
    let scaling =
        RopeScaling::Llama3 { factor, low_freq_factor: 1.0, high_freq_factor: 4.0, original_context };
    let expected = llama3_divisors(&scaling, theta, head_dim);
    let close = |(stated, expected): (&f32, f64)| (f64::from(*stated) / expected - 1.0).abs() < 1e-4;
    factors.iter().zip(expected).all(close).then_some(scaling)
}

/// What each frequency is divided by; empty unless the scaling is Llama 3's.
pub(super) fn llama3_divisors(scaling: &RopeScaling, theta: f64, head_dim: usize) -> Vec<f64> {
    let RopeScaling::Llama3 { factor, low_freq_factor: low, high_freq_factor: high, original_context } =
        *scaling
    else {
        return Vec::new();
    };
    let divisor = |idx: usize| {
        let wavelength = std::f64::consts::TAU * theta.powf(2.0 * idx as f64 / head_dim as f64);
        let rotations = original_context as f64 / wavelength;
        if rotations < low {
            factor
        } else if high < rotations {
            1.0
        } else {
            let smooth = (rotations - low) / (high - low);
            1.0 / ((1.0 - smooth) / factor + smooth)
        }
    };
    (0..head_dim / 2).map(divisor).collect()
}

/// Metadata of the file's architecture, read with errors that name it.
struct Fields<'a> {
    gguf: &'a Gguf,
    path: &'a Path,
    architecture: &'a str,
}

impl Fields<'_> {
    fn refuse<T>(&self, field: &str, detail: impl Into<String>) -> Result<T, Error> {
        let field = format!("{}.{field}", self.architecture);
        Err(Error::Config { path: self.path.into(), field, detail: detail.into() })
    }

    fn get(&self, field: &str) -> Option<&Value> {
        self.gguf.metadata.get(&format!("{}.{field}", self.architecture))
    }

    fn float(&self, field: &str) -> Result<Option<f64>, Error> {
        match self.get(field).map(Value::as_f64) {
            None => Ok(None),
            // Single precision, as nearly all are: 1e-5 rather than 0.000009999999747378752.
            Some(Some(number)) if number.is_finite() => {
                Ok(Some((number as f32).to_string().parse().unwrap_or(number)))
            }
            Some(_) => self.refuse(field, "is not a number"),
        }
    }

    fn size(&self, field: &str) -> Result<Option<usize>, Error> {
        match self.get(field) {
            None => Ok(None),
            // One number a layer, all the same, is how some converters state it.
            Some(Value::Ints(list)) if list.windows(2).all(|pair| pair[0] == pair[1]) && !list.is_empty() => {
                match usize::try_from(list[0]) {
                    Ok(size) => Ok(Some(size)),
                    Err(_) => self.refuse(field, "is negative"),
                }
            }
            Some(Value::Ints(_)) => self.refuse(field, "differs from layer to layer, which is not supported"),
            Some(value) => match value.as_u64().and_then(|size| usize::try_from(size).ok()) {
                Some(size) => Ok(Some(size)),
                None => self.refuse(field, "is not a whole number"),
            },
        }
    }

    fn required<T>(&self, field: &str, value: Option<T>) -> Result<T, Error> {
        value.map_or_else(|| self.refuse(field, "is missing"), Ok)
    }

    fn required_size(&self, field: &str) -> Result<usize, Error> {
        self.required(field, self.size(field)?)
    }
}
