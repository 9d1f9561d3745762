//! Reading `config.json`.

use std::path::Path;

use serde_json::Value;

use super::fields::Fields;
use super::rotary;
use super::{Config, Family};
use crate::Error;

/// Fields that change what a model computes in ways the decoder does not know, with the values at which they change nothing.
const NEUTRAL: &[(&str, &[f64])] = &[
    ("attention_multiplier", &[]),
    ("attn_logit_softcapping", &[]),
    ("auto_map", &[]),
    ("embedding_multiplier", &[1.0]),
    ("final_logit_softcapping", &[]),
    ("kv_lora_rank", &[]),
    ("logits_scaling", &[1.0]),
    ("n_routed_experts", &[0.0]),
    ("no_rope_layers", &[]),
    ("num_experts", &[0.0]),
    ("num_local_experts", &[0.0]),
    ("partial_rotary_factor", &[1.0]),
    ("quantization_config", &[]),
    ("residual_multiplier", &[1.0]),
];

/// No dimension of a model is larger: it keeps products of sizes far from overflow.
const LARGEST: usize = 1 << 24;

/// No model is deeper: it keeps the list of its tensors small.
const DEEPEST: usize = 1 << 12;

impl Config {
    /// Reads the text of a `config.json`; `path` is for the errors.
    pub fn from_json(path: &Path, text: &str) -> Result<Self, Error> {
        let detail =
            |error: serde_json::Error| Error::Format { path: path.into(), detail: error.to_string() };
        let value: Value = serde_json::from_str(text).map_err(detail)?;
        let Value::Object(object) = value else {
            return Err(Error::Format { path: path.into(), detail: "is not a JSON object".into() });
        };
        let fields = Fields { path, object: &object, prefix: "" };
        let family = family(&fields)?;
        refuse_unsupported(&fields)?;
        let config = shape(&fields, family)?;
        config.validate(path)?;
        Ok(config)
    }

    /// Checks that the numbers can be those of a decoder.
    pub(crate) fn validate(&self, path: &Path) -> Result<(), Error> {
        let refuse = |field: &str, detail: String| {
            Err(Error::Config { path: path.into(), field: field.into(), detail })
        };
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_hidden_layers", self.layers),
            ("num_attention_heads", self.heads),
            ("num_key_value_heads", self.kv_heads),
            ("head_dim", self.head_dim),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_positions),
        ];
        for (field, size) in sizes {
            if size == 0 || LARGEST < size {
                return refuse(field, format!("is {size}; it must lie between 1 and {LARGEST}"));
            }
        }
        if DEEPEST < self.layers {
            return refuse("num_hidden_layers", format!("is {}; it must be at most {DEEPEST}", self.layers));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return refuse(
                "num_key_value_heads",
                format!("{} heads are not shared evenly by {}", self.heads, self.kv_heads),
            );
        }
        if !self.head_dim.is_multiple_of(2) {
            return refuse("head_dim", format!("is {}; rotary positions need an even number", self.head_dim));
        }
        if LARGEST < self.heads.saturating_mul(self.head_dim) {
            return refuse("head_dim", format!("{} heads of {} are too wide", self.heads, self.head_dim));
        }
        if !(0.0..1.0).contains(&self.rms_norm_eps) {
            return refuse("rms_norm_eps", format!("is {}", self.rms_norm_eps));
        }
        if !(1.0..=1e12).contains(&self.rope.theta) {
            return refuse("rope_theta", format!("is {}", self.rope.theta));
        }
        if self.sliding_window == Some(0) {
            return refuse("sliding_window", "is 0".into());
        }
        for token in self.bos.iter().chain(&self.eos) {
            if self.vocab_size <= *token as usize {
                return refuse("eos_token_id", format!("token {token} lies outside the vocabulary"));
            }
        }
        Ok(())
    }
}

fn family(fields: &Fields<'_>) -> Result<Family, Error> {
    let name = fields.required("model_type", fields.text("model_type")?)?;
    let known = [Family::Llama, Family::Mistral, Family::Qwen2, Family::Qwen3];
    match known.into_iter().find(|family| family.model_type() == name) {
        Some(family) => Ok(family),
        None => fields.refuse("model_type", format!("`{name}` is none of llama, mistral, qwen2, qwen3")),
    }
}

fn refuse_unsupported(fields: &Fields<'_>) -> Result<(), Error> {
    for (field, neutral) in NEUTRAL {
        if let Some(value) = fields.get(field)
            && !value.as_f64().is_some_and(|number| neutral.contains(&number))
        {
            return fields.refuse(field, "is not supported by this decoder");
        }
    }
    for field in ["attention_bias", "mlp_bias"] {
        if fields.flag(field)? == Some(true) {
            return fields.refuse(field, "output and feed-forward biases are not supported by this decoder");
        }
    }
    for field in ["hidden_act", "hidden_activation"] {
        match fields.text(field)? {
            None | Some("silu" | "swish") => {}
            Some(other) => {
                return fields.refuse(field, format!("`{other}` is not supported; only `silu` is"));
            }
        }
    }
    Ok(())
}

fn shape(fields: &Fields<'_>, family: Family) -> Result<Config, Error> {
    let hidden_size = fields.required_size("hidden_size")?;
    let layers = fields.required_size("num_hidden_layers")?;
    let heads = fields.required_size("num_attention_heads")?;
    let head_dim = match fields.size("head_dim")? {
        Some(head_dim) => head_dim,
        // What transformers takes where the file does not say.
        None if family == Family::Qwen3 => 128,
        None if heads == 0 || !hidden_size.is_multiple_of(heads) => {
            return fields.refuse("hidden_size", format!("{hidden_size} does not divide by {heads} heads"));
        }
        None => hidden_size / heads,
    };
    let (default_kv_heads, default_positions) = match family {
        Family::Llama => (heads, 2048),
        Family::Mistral => (8, 131_072),
        Family::Qwen2 | Family::Qwen3 => (32, 32_768),
    };
    // An explicit null means as many as heads; an absent field means the family's default in transformers.
    let absent_kv = if fields.object.contains_key("num_key_value_heads") { heads } else { default_kv_heads };
    let max_positions = fields.size("max_position_embeddings")?.unwrap_or(default_positions);
    let (sliding_window, full_attention_layers) = sliding(fields, family, layers)?;
    Ok(Config {
        family,
        vocab_size: fields.required_size("vocab_size")?,
        hidden_size,
        layers,
        heads,
        kv_heads: fields.size("num_key_value_heads")?.unwrap_or(absent_kv),
        head_dim,
        intermediate_size: fields.required_size("intermediate_size")?,
        rms_norm_eps: fields.positive("rms_norm_eps")?.unwrap_or(1e-6) as f32,
        rope: rotary::parse(fields, max_positions)?,
        max_positions,
        tied_embeddings: fields.flag("tie_word_embeddings")?.unwrap_or(false),
        qkv_bias: family == Family::Qwen2,
        qk_norm: family == Family::Qwen3,
        sliding_window,
        full_attention_layers,
        bos: fields.tokens("bos_token_id")?.first().copied(),
        eos: fields.tokens("eos_token_id")?,
    })
}

/// The window, and how many layers from the first on do without it.
fn sliding(fields: &Fields<'_>, family: Family, layers: usize) -> Result<(Option<usize>, usize), Error> {
    let window = fields.size("sliding_window")?;
    let (window, full) = match family {
        Family::Llama if window.is_some() => {
            return fields.refuse("sliding_window", "is not a part of Llama's architecture");
        }
        Family::Llama => (None, 0),
        // Transformers takes 4,096 where the file does not say; null means none.
        Family::Mistral if !fields.object.contains_key("sliding_window") => (Some(4096), 0),
        Family::Mistral => (window, 0),
        Family::Qwen2 | Family::Qwen3 if fields.flag("use_sliding_window")? != Some(true) => (None, 0),
        Family::Qwen2 | Family::Qwen3 => {
            (window.or(Some(4096)), fields.size("max_window_layers")?.unwrap_or(28))
        }
    };
    let Some(types) = fields.get("layer_types") else {
        return Ok((window, full));
    };
    let slides = |idx: usize| window.is_some() && full <= idx;
    let expected = |idx| if slides(idx) { "sliding_attention" } else { "full_attention" };
    let stated = types.as_array().map(|types| types.iter().map(Value::as_str).collect::<Vec<_>>());
    if stated != Some((0..layers).map(|idx| Some(expected(idx))).collect()) {
        return fields.refuse(
            "layer_types",
            "does not follow from the other fields; mixed attention is not supported",
        );
    }
    Ok((window, full))
}
