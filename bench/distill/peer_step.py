"""PyTorch's training step of the reference student: forward, cross-entropy, backward, AdamW.

Needs torch and transformers. Prints one JSON object: tokens, seconds of wall clock and of CPU, peak memory. Attention is
`scaled_dot_product_attention` and the optimizer the fused one, the fastest of each.
"""

import argparse
import json
import resource
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

parser = argparse.ArgumentParser()
parser.add_argument("--precision", choices=["f32", "bf16", "pure-bf16"], required=True)
parser.add_argument("--steps", type=int, default=4)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()

torch.set_num_threads(args.threads)
torch.manual_seed(0)
config = LlamaConfig(
    hidden_size=256, num_hidden_layers=6, num_attention_heads=8, num_key_value_heads=8, intermediate_size=768,
    vocab_size=49152, tie_word_embeddings=True, max_position_embeddings=256, use_cache=False,
    attn_implementation="sdpa",
)
model = LlamaForCausalLM(config)
if args.precision == "pure-bf16":
    model = model.to(torch.bfloat16)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
tokens = torch.randint(0, 49152, (8, 257))


def step():
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bf16"):
        logits = model(input_ids=tokens[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, 49152), tokens[:, 1:].reshape(-1))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


losses = [step()]
wall, cpu = time.perf_counter(), time.process_time()
losses += [step() for _ in range(args.steps)]
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps({
    "what": "step", "precision": args.precision, "engine": f"PyTorch {torch.__version__}, eager, fused AdamW",
    "tokens": args.steps * 2048, "wall_s": wall, "cpu_s": cpu,
    "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "losses": losses,
}))
