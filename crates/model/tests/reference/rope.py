"""Writes rope.json: inverse frequencies of transformers 5.23 (PyTorch, f32) for each kind of scaling.

Run from this folder: python rope.py
"""

import json

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

CASES = [
    {"rope_type": "linear", "factor": 4.0, "rope_theta": 10000.0},
    {
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 8192, "rope_theta": 500000.0,
    },
    {
        "rope_type": "yarn", "factor": 4.0, "beta_fast": 32.0, "beta_slow": 1.0,
        "original_max_position_embeddings": 32768, "rope_theta": 1000000.0,
    },
    {
        "rope_type": "yarn", "factor": 8.0, "beta_fast": 16.0, "beta_slow": 2.0,
        "original_max_position_embeddings": 64, "rope_theta": 10000.0,
    },
]

found = []
for case in CASES:
    config = LlamaConfig(
        hidden_size=256, num_attention_heads=4, head_dim=64, max_position_embeddings=131072, rope_parameters=dict(case)
    )
    frequencies, magnitude = ROPE_INIT_FUNCTIONS[case["rope_type"]](config, "cpu")
    found.append({**case, "head_dim": 64, "magnitude": magnitude, "frequencies": [float(f"{f:.9g}") for f in frequencies.tolist()]})

with open("rope.json", "w") as file:
    json.dump(found, file, indent=1)
    file.write("\n")
