"""Writes smollm2.json: logits of SmolLM2-135M-Instruct's Q4_1 file, dequantized by transformers 5.23 (PyTorch, f32).

Run from this folder: python smollm2.py PATH/TO/SmolLM2-135M-Instruct.Q4_1.gguf (needs the packages gguf and accelerate)
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM

path = pathlib.Path(sys.argv[1])
model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
# "<|im_start|>user\nWhat is gravity?<|im_end|>\n<|im_start|>assistant\n", then numbers of no meaning.
tokens = [1, 4093, 198, 1780, 314, 14534, 47, 2, 198, 1, 520, 9531, 198]
tokens += [(i * i * 31 + i * 7) % 40000 + 20 for i in range(51)]
with torch.no_grad():
    logits = model(torch.tensor([tokens])).logits[0]
found = []
for row in (0, 6, 12, 30, 63):
    best = torch.topk(logits[row], 10)
    found.append({
        "row": row, "ids": best.indices.tolist(), "logits": [float(f"{x:.7g}") for x in best.values.tolist()],
        "log_sum": float(torch.logsumexp(logits[row].double(), -1)),
    })
with open("smollm2.json", "w") as file:
    file.write(json.dumps({"tokens": tokens, "rows": found}).replace('{"row"', '\n{"row"') + "\n")
