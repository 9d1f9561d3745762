//! Writing `config.json`.

use serde_json::{Map, Value, json};

use super::{Config, Family, RopeScaling};

impl Config {
    /// The `config.json` of this decoder, as transformers (4 and 5) and vLLM read it.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| {
            object.insert(key.into(), value);
        };
        put("architectures", json!([self.family.architecture()]));
        put("model_type", json!(self.family.model_type()));
        put("vocab_size", json!(self.vocab_size));
        put("hidden_size", json!(self.hidden_size));
        put("intermediate_size", json!(self.intermediate_size));
        put("num_hidden_layers", json!(self.layers));
        put("num_attention_heads", json!(self.heads));
        put("num_key_value_heads", json!(self.kv_heads));
        put("head_dim", json!(self.head_dim));
        put("hidden_act", json!("silu"));
        put("max_position_embeddings", json!(self.max_positions));
        put("rms_norm_eps", json!(shortest(self.rms_norm_eps)));
        put("rope_theta", json!(self.rope.theta));
        put("rope_scaling", self.rope.scaling.to_json());
        put("tie_word_embeddings", json!(self.tied_embeddings));
        put("attention_dropout", json!(0.0));
        put("bos_token_id", json!(self.bos));
        put("eos_token_id", tokens(&self.eos));
        put("use_cache", json!(true));
        match self.family {
            Family::Llama => {
                put("attention_bias", json!(false));
                put("mlp_bias", json!(false));
            }
            Family::Mistral => put("sliding_window", json!(self.sliding_window)),
            Family::Qwen2 | Family::Qwen3 => {
                put("use_sliding_window", json!(self.sliding_window.is_some()));
                put("sliding_window", json!(self.sliding_window));
                put("max_window_layers", json!(self.full_attention_layers));
            }
        }
        if self.family == Family::Qwen3 {
            put("attention_bias", json!(false));
        }
        Value::Object(object)
    }
}

impl Family {
    /// The name of its class in transformers.
    pub fn architecture(self) -> &'static str {
        match self {
            Self::Llama => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
        }
    }
}

impl RopeScaling {
    fn to_json(&self) -> Value {
        match self {
            Self::None => Value::Null,
            Self::Linear { factor } => json!({"rope_type": "linear", "factor": factor}),
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_context } => json!({
                "rope_type": "llama3",
                "factor": factor,
                "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor,
                "original_max_position_embeddings": original_context,
            }),
            Self::Yarn { factor, beta_fast, beta_slow, attention_factor, original_context } => json!({
                "rope_type": "yarn",
                "factor": factor,
                "beta_fast": beta_fast,
                "beta_slow": beta_slow,
                "attention_factor": attention_factor,
                "original_max_position_embeddings": original_context,
            }),
        }
    }
}

/// One id bare, several as a list.
fn tokens(ids: &[u32]) -> Value {
    match ids {
        [] => Value::Null,
        [one] => json!(one),
        several => json!(several),
    }
}

/// The f64 that prints with the same digits as an f32: 1e-5, not 0.000009999999747378752.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}
