"""Writes logits.json: logits of tiny models by transformers 5.23 (PyTorch, f32), one for each family and rotary scaling.

Weights follow the formula of tests/it/formula.rs, so that none are stored. Run from this folder: python logits.py
"""

import json
import math

import torch
from transformers import (
    LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config,
    Qwen3ForCausalLM,
)

BASE = dict(
    vocab_size=96, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
    intermediate_size=48, rms_norm_eps=1e-5, max_position_embeddings=128, tie_word_embeddings=True,
    rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, attn_implementation="eager",
)


def rope(**more):
    return {"rope_theta": 10000.0, **more}


LLAMA3 = rope(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32)
YARN = rope(rope_type="yarn", factor=4.0, beta_fast=4.0, beta_slow=1.0, original_max_position_embeddings=32)
LLAMA = (LlamaConfig, LlamaForCausalLM)
QWEN2 = (Qwen2Config, Qwen2ForCausalLM)
CASES = {
    "llama": (LLAMA, {}),
    "llama_linear": (LLAMA, dict(rope_parameters=rope(rope_type="linear", factor=4.0))),
    "llama3": (LLAMA, dict(rope_parameters=LLAMA3, tie_word_embeddings=False)),
    "yarn": (LLAMA, dict(rope_parameters=YARN)),
    "mistral": ((MistralConfig, MistralForCausalLM), dict(sliding_window=5, head_dim=8, tie_word_embeddings=False)),
    "qwen2": (QWEN2, {}),
    "qwen2_window": (QWEN2, dict(use_sliding_window=True, sliding_window=4, max_window_layers=1)),
    "qwen3": ((Qwen3Config, Qwen3ForCausalLM), dict(head_dim=12, rms_norm_eps=1e-6)),
    "deepseek_67b": (LLAMA, dict(num_hidden_layers=5, hidden_size=64, num_attention_heads=16, num_key_value_heads=2,
                                 intermediate_size=172, rms_norm_eps=1e-6, tie_word_embeddings=False)),
}
LAYER = ["input_layernorm.weight", "self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight",
         "self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias", "self_attn.q_norm.weight",
         "self_attn.k_norm.weight", "self_attn.o_proj.weight", "post_attention_layernorm.weight",
         "mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"]


def order(layers, present):
    names = ["model.embed_tokens.weight"]
    names += [f"model.layers.{i}.{part}" for i in range(layers) for part in LAYER]
    return [name for name in [*names, "model.norm.weight", "lm_head.weight"] if name in present]


def value(name, index, shape):
    offset, scale = 0.0, 1.0
    if name.endswith("norm.weight"):
        offset, scale = 1.0, 0.2
    elif name.endswith("bias"):
        scale = 0.2
    elif not name.endswith("embed_tokens.weight"):
        scale = math.sqrt(2.0 / shape[1])
    count = math.prod(shape)
    wave = torch.sin(0.37 * torch.arange(count, dtype=torch.float64) + index)
    return (offset + wave * scale).to(torch.float32).reshape(shape)


found = {}
for name, ((config_class, model_class), changes) in CASES.items():
    config = config_class(**{**BASE, **changes})
    model = model_class(config).eval()
    state = model.state_dict()
    present = {n for n in state if n != "lm_head.weight" or not config.tie_word_embeddings}
    for index, tensor in enumerate(order(config.num_hidden_layers, present)):
        state[tensor].copy_(value(tensor, index, tuple(state[tensor].shape)))
    assert len(order(config.num_hidden_layers, present)) == len(present), present
    tokens = [(i * i * 7 + i * 13 + 5) % config.vocab_size for i in range(60)]
    with torch.no_grad():
        logits = model(torch.tensor([tokens])).logits[0]
    rows = {row: [float(f"{x:.6g}") for x in logits[row, :24].tolist()] for row in (0, 1, 17, 59)}
    best = logits.argmax(-1).tolist()
    found[name] = {"rows": rows, "best": best}

with open("logits.json", "w") as file:
    file.write(json.dumps(found).replace('"rows"', '\n "rows"').replace('"best"', '\n "best"') + "\n")
