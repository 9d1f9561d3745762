//! `config.json` of each family.

use std::path::Path;

use serde_json::{Value, json};
use stillmark_model::architecture::{Parameter, parameters};
use stillmark_model::{Config, Error, Family, RopeScaling};

fn read(value: &Value) -> Result<Config, Error> {
    Config::from_json(Path::new("config.json"), &value.to_string())
}

fn llama() -> Value {
    json!({
        "model_type": "llama", "vocab_size": 1000, "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 8,
        "intermediate_size": 96
    })
}

/// `base` with the fields of `changes` put over it.
fn with(base: Value, changes: Value) -> Value {
    let (Value::Object(mut base), Value::Object(changes)) = (base, changes) else { panic!("two objects") };
    base.extend(changes);
    Value::Object(base)
}

#[test]
fn deepseek_67b() {
    let file = json!({
        "architectures": ["LlamaForCausalLM"], "attention_bias": false, "bos_token_id": 100_000, "eos_token_id": 100_001,
        "hidden_act": "silu", "hidden_size": 8192, "initializer_range": 0.02, "intermediate_size": 22016,
        "max_position_embeddings": 4096, "model_type": "llama", "num_attention_heads": 64, "num_hidden_layers": 95,
        "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 10000.0,
        "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true, "vocab_size": 102_400
    });
    let config = read(&file).unwrap();
    assert_eq!(
        (config.layers, config.hidden_size, config.heads, config.kv_heads, config.head_dim),
        (95, 8192, 64, 8, 128)
    );
    let n: usize = parameters(&config).iter().map(Parameter::len).sum();
    assert_eq!(n, 67_425_001_472);
}

#[test]
fn what_files_leave_out_is_what_transformers_takes() {
    let config = read(&llama()).unwrap();
    assert_eq!((config.kv_heads, config.head_dim, config.max_positions), (8, 8, 2048));
    assert_eq!((config.rms_norm_eps, config.rope.theta, config.tied_embeddings), (1e-6, 10_000.0, false));

    let mistral = read(&with(llama(), json!({"model_type": "mistral"}))).unwrap();
    assert_eq!((mistral.sliding_window, mistral.full_attention_layers), (Some(4096), 0));
    let newer = json!({"model_type": "mistral", "sliding_window": null, "num_key_value_heads": null});
    let newer = read(&with(llama(), newer)).unwrap();
    assert_eq!((newer.sliding_window, newer.kv_heads), (None, 8));

    let qwen2 = json!({"model_type": "qwen2", "num_key_value_heads": 2, "sliding_window": 512});
    let config = read(&with(llama(), qwen2.clone())).unwrap();
    assert_eq!((config.qkv_bias, config.qk_norm, config.sliding_window), (true, false, None));
    let slides = json!({
        "use_sliding_window": true, "max_window_layers": 2,
        "layer_types": ["full_attention", "full_attention", "sliding_attention"]
    });
    let config = read(&with(with(llama(), qwen2), slides)).unwrap();
    assert_eq!((config.sliding_window, config.full_attention_layers), (Some(512), 2));

    let qwen3 =
        json!({"model_type": "qwen3", "num_key_value_heads": 2, "head_dim": 128, "attention_bias": false});
    let config = read(&with(llama(), qwen3)).unwrap();
    assert_eq!(
        (config.family, config.head_dim, config.qk_norm, config.qkv_bias),
        (Family::Qwen3, 128, true, false)
    );
}

#[test]
fn rotary_scalings_in_the_old_form_and_the_new() {
    let llama3 = json!({
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192
    });
    let old = read(&with(llama(), json!({"rope_theta": 500_000.0, "rope_scaling": llama3}))).unwrap();
    let new =
        read(&with(llama(), json!({"rope_parameters": with(llama3, json!({"rope_theta": 500_000.0}))})))
            .unwrap();
    assert_eq!(old, new);
    assert_eq!(old.rope.theta, 500_000.0);
    let scaling = |factor| RopeScaling::Llama3 {
        factor,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_context: 8192,
    };
    assert_eq!(old.rope.scaling, scaling(8.0));

    let linear = read(&with(llama(), json!({"rope_scaling": {"type": "linear", "factor": 4.0}}))).unwrap();
    assert_eq!(linear.rope.scaling, RopeScaling::Linear { factor: 4.0 });

    let yarn =
        json!({"rope_scaling": {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}});
    let RopeScaling::Yarn { attention_factor, beta_fast, beta_slow, original_context, .. } =
        read(&with(llama(), yarn)).unwrap().rope.scaling
    else {
        panic!("not YaRN");
    };
    assert_eq!((beta_fast, beta_slow, original_context), (32.0, 1.0, 32768));
    assert!((attention_factor - 1.138_629_436).abs() < 1e-9);

    let plain = read(&with(llama(), json!({"rope_parameters": {"rope_type": "default", "rope_theta": 7.0}})))
        .unwrap();
    assert_eq!((plain.rope.theta, plain.rope.scaling), (7.0, RopeScaling::None));
}

#[test]
fn what_the_decoder_does_not_do_is_refused_by_name() {
    let cases = [
        (json!({"model_type": "gpt2"}), "field `model_type`: `gpt2` is none of llama, mistral, qwen2, qwen3"),
        (json!({"model_type": null}), "field `model_type`: is missing"),
        (json!({"hidden_size": null}), "field `hidden_size`: is missing"),
        (json!({"hidden_size": -1}), "field `hidden_size`: `-1` is not a whole number"),
        (json!({"hidden_size": "64"}), "field `hidden_size`: `\"64\"` is not a whole number"),
        (json!({"hidden_size": 65}), "field `hidden_size`: 65 does not divide by 8 heads"),
        (json!({"vocab_size": 0}), "field `vocab_size`: is 0; it must lie between 1 and 16777216"),
        (json!({"num_hidden_layers": 9e15 as u64}), "field `num_hidden_layers`: is 9000000000000000"),
        (json!({"num_attention_heads": 0}), "field `hidden_size`: 64 does not divide by 0 heads"),
        (
            json!({"num_key_value_heads": 3}),
            "field `num_key_value_heads`: 8 heads are not shared evenly by 3",
        ),
        (json!({"head_dim": 7}), "field `head_dim`: is 7; rotary positions need an even number"),
        (json!({"hidden_act": "gelu"}), "field `hidden_act`: `gelu` is not supported"),
        (json!({"attention_bias": true}), "field `attention_bias`: output and feed-forward biases"),
        (json!({"mlp_bias": true}), "field `mlp_bias`: output and feed-forward biases"),
        (json!({"num_local_experts": 8}), "field `num_local_experts`: is not supported"),
        (json!({"quantization_config": {"bits": 4}}), "field `quantization_config`: is not supported"),
        (json!({"final_logit_softcapping": 30.0}), "field `final_logit_softcapping`: is not supported"),
        (json!({"sliding_window": 128}), "field `sliding_window`: is not a part of Llama's architecture"),
        (
            json!({"rope_scaling": {"type": "dynamic", "factor": 2.0}}),
            "field `rope_scaling.rope_type`: `dynamic` is none of",
        ),
        (json!({"rope_scaling": {"type": "linear"}}), "field `rope_scaling.factor`: is missing"),
        (
            json!({"rope_scaling": {"type": "linear", "factor": 0}}),
            "field `rope_scaling.factor`: is 0; it must be positive",
        ),
        (json!({"rope_scaling": {"factor": 2}}), "field `rope_scaling.rope_type`: is missing"),
        (
            json!({"rope_parameters": {"rope_type": "yarn", "factor": 2, "truncate": false}}),
            "field `rope_parameters.truncate`",
        ),
        (json!({"rope_theta": 0.0}), "field `rope_theta`: is 0; it must be positive"),
        (json!({"partial_rotary_factor": 0.5}), "field `partial_rotary_factor`: is not supported"),
        (json!({"eos_token_id": [2, 1000]}), "field `eos_token_id`: token 1000 lies outside the vocabulary"),
        (json!({"eos_token_id": "2"}), "field `eos_token_id`: `\"2\"` is not a token id"),
        (json!({"rms_norm_eps": 2.0}), "field `rms_norm_eps`: is 2"),
        (json!({"layer_types": ["sliding_attention"]}), "field `layer_types`: does not follow"),
    ];
    for (change, expected) in cases {
        let error = read(&with(llama(), change.clone())).expect_err(&change.to_string()).to_string();
        assert!(error.starts_with("`config.json`, "), "{error}");
        assert!(error.contains(expected), "{change}: {error}");
    }
    assert!(Config::from_json(Path::new("c"), "[]").unwrap_err().to_string().contains("not a JSON object"));
    assert!(
        Config::from_json(Path::new("c"), "{\"model_type\": ").unwrap_err().to_string().contains("line 1")
    );
}

#[test]
fn written_configs_read_back_the_same() {
    let rope = json!({"rope_theta": 1e6, "rope_scaling": {"type": "yarn", "factor": 4.0}});
    let all = [
        with(
            llama(),
            json!({"rms_norm_eps": 1e-5, "tie_word_embeddings": true, "bos_token_id": 1, "eos_token_id": [2, 7]}),
        ),
        with(llama(), json!({"model_type": "mistral"})),
        with(llama(), json!({"model_type": "mistral", "sliding_window": null, "num_key_value_heads": 4})),
        with(with(llama(), json!({"model_type": "qwen2", "num_key_value_heads": 4})), rope),
        with(
            llama(),
            json!({"model_type": "qwen3", "num_key_value_heads": 4, "use_sliding_window": true, "sliding_window": 9, "max_window_layers": 1}),
        ),
    ];
    for value in all {
        let config = read(&value).unwrap();
        let written = config.to_json();
        assert_eq!(read(&written).unwrap(), config, "{written}");
    }
    assert!(read(&llama()).unwrap().to_json().to_string().contains("\"rms_norm_eps\":1e-6"));
}
