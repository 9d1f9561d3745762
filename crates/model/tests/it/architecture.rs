//! Parameters, windows and rotary frequencies against hand-written lists and the reference implementation.

use std::path::Path;

use serde_json::Value;
use stillmark_model::architecture::{
    attention_shape, inverse_frequencies, layer_parameters, parameters, rope_magnitude,
};
use stillmark_model::{Config, Family, Rope, RopeScaling};

/// A tiny decoder of the Llama family.
pub(crate) fn tiny() -> Config {
    Config {
        family: Family::Llama,
        vocab_size: 96,
        hidden_size: 32,
        layers: 3,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        intermediate_size: 48,
        rms_norm_eps: 1e-5,
        rope: Rope { theta: 10_000.0, scaling: RopeScaling::None },
        max_positions: 128,
        tied_embeddings: true,
        qkv_bias: false,
        qk_norm: false,
        sliding_window: None,
        full_attention_layers: 0,
        bos: Some(1),
        eos: vec![2],
    }
}

fn scaling(case: &Value) -> RopeScaling {
    let number = |key: &str| case[key].as_f64().unwrap();
    match case["rope_type"].as_str().unwrap() {
        "linear" => RopeScaling::Linear { factor: number("factor") },
        "llama3" => RopeScaling::Llama3 {
            factor: number("factor"),
            low_freq_factor: number("low_freq_factor"),
            high_freq_factor: number("high_freq_factor"),
            original_context: number("original_max_position_embeddings") as usize,
        },
        "yarn" => RopeScaling::Yarn {
            factor: number("factor"),
            beta_fast: number("beta_fast"),
            beta_slow: number("beta_slow"),
            attention_factor: number("magnitude"),
            original_context: number("original_max_position_embeddings") as usize,
        },
        other => panic!("unknown rope type {other}"),
    }
}

#[test]
fn rotary_frequencies_equal_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/rope.json");
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let theta = case["rope_theta"].as_f64().unwrap();
        let head_dim = case["head_dim"].as_u64().unwrap() as usize;
        let config = Config { head_dim, rope: Rope { theta, scaling: scaling(&case) }, ..tiny() };
        let expected: Vec<f64> =
            case["frequencies"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let found = inverse_frequencies(&config);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found / expected - 1.0).abs() < 1e-6, "{case}: {found} instead of {expected}");
        }
        assert_eq!(rope_magnitude(&config), case["magnitude"].as_f64().unwrap());
    }
}

#[test]
fn parameters_are_those_of_the_family() {
    let names = |config: &Config| parameters(config).into_iter().map(|p| p.name).collect::<Vec<_>>();
    let llama = names(&tiny());
    assert_eq!(llama.len(), 1 + 3 * 9 + 1);
    assert_eq!(llama[0], "model.embed_tokens.weight");
    assert_eq!(llama[1], "model.layers.0.input_layernorm.weight");
    assert_eq!(llama.last().unwrap(), "model.norm.weight");
    let qwen2 = names(&Config { qkv_bias: true, tied_embeddings: false, ..tiny() });
    assert_eq!(qwen2.len(), 1 + 3 * 12 + 2);
    assert!(qwen2.contains(&"model.layers.2.self_attn.k_proj.bias".into()));
    assert_eq!(qwen2.last().unwrap(), "lm_head.weight");
    let qwen3 = names(&Config { qk_norm: true, ..tiny() });
    assert!(qwen3.contains(&"model.layers.0.self_attn.q_norm.weight".into()));
}

#[test]
fn shapes_are_outputs_by_inputs() {
    let parts = layer_parameters(&tiny());
    let shape = |name: &str| parts.iter().find(|(part, _)| *part == name).unwrap().1.clone();
    assert_eq!(shape("self_attn.q_proj.weight"), [32, 32]);
    assert_eq!(shape("self_attn.k_proj.weight"), [16, 32]);
    assert_eq!(shape("mlp.gate_proj.weight"), [48, 32]);
    assert_eq!(shape("mlp.down_proj.weight"), [32, 48]);
}

#[test]
fn only_late_layers_slide_where_the_config_says_so() {
    let config = Config { sliding_window: Some(5), full_attention_layers: 2, ..tiny() };
    let windows: Vec<_> = (0..3).map(|layer| attention_shape(&config, layer).window).collect();
    assert_eq!(windows, [None, None, Some(5)]);
    assert_eq!(attention_shape(&tiny(), 2).window, None);
}
