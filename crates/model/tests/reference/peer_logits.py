"""Logits of models on disk by transformers (f32) or llama.cpp: peer_logits.py PEER ASKED.json LOGITS.json

ASKED maps the path of a model to the tokens; LOGITS maps it to one array a token.
"""

import json
import sys

peer, asked, out = sys.argv[1:]


def by_transformers(path, tokens):
    import torch
    from transformers import AutoModelForCausalLM

    model, told = AutoModelForCausalLM.from_pretrained(
        path, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    assert not told["missing_keys"] and not told["unexpected_keys"], told
    with torch.no_grad():
        return model.eval()(torch.tensor([tokens])).logits[0].tolist()


def by_llama_cpp(path, tokens):
    from llama_cpp import GGML_TYPE_F32, Llama

    model = Llama(path, n_ctx=512, logits_all=True, flash_attn=False, verbose=False,
                  type_k=GGML_TYPE_F32, type_v=GGML_TYPE_F32)
    model.eval(tokens)
    return model.scores[: len(tokens)].tolist()


logits = {"transformers": by_transformers, "llama.cpp": by_llama_cpp}[peer]
with open(asked) as file:
    asked = json.load(file)
with open(out, "w") as file:
    json.dump({path: logits(path, tokens) for path, tokens in asked.items()}, file)
