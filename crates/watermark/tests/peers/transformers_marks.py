"""Text marked by transformers' own generation, and what transformers' own detectors say of it.

    python transformers_marks.py > marks.json        (torch, transformers, numpy; about 15 s on one core, no download)

A Llama of random weights over 1,000 tokens generates with each key below and with none. Prints one JSON object:

- `keys`: name -> parameters; `scheme` is `kgw` or `synthid`.
- `bos_token_id`: transformers' KGW detector drops it where an output begins with it (and fails without one).
- `mean_entropy`: of the model's next token, in nats, over the unmarked text.
- `sequences`: each with `marked_with` (the name of its key, or null), `prompt_ids`, `prompt_len`, `token_ids` (output
  alone) and `detections`, one for every key, made from the output alone:
  kgw: `num_tokens_scored`, `num_green_tokens`, `green_fraction`, `z_score`, `p_value`, and the same under `unique`,
  where each n-gram counts once; synthid: `num_tokens_scored`, `mean`, `weighted_mean` and `g_ones`, all over
  unrepeated contexts.

Everything is seeded: two runs on one machine print the same bytes.
"""

import json
import random

import numpy
import torch
import transformers
from transformers import SynthIDTextWatermarkingConfig, WatermarkDetector, WatermarkingConfig
from transformers.generation.logits_process import SynthIDTextWatermarkLogitsProcessor

VOCABULARY, PROMPT, OUTPUT, ROWS = 1000, 8, 240, 2


def kgw(**settings):
    defaults = {"greenlist_ratio": 0.25, "bias": 4.0, "hashing_key": 15485863, "context_width": 1}
    return {"scheme": "kgw", **defaults, **settings}


def synthid(seed, depth, **settings):
    draw = random.Random(seed)
    return {"scheme": "synthid", "ngram_len": 5, "keys": [draw.randrange(1 << 32) for _ in range(depth)],
            "sampling_table_size": 65536, "sampling_table_seed": 0, "context_history_size": 1024, **settings}


KEYS = {
    "lefthash": kgw(seeding_scheme="lefthash"),
    "lefthash-half": kgw(seeding_scheme="lefthash", greenlist_ratio=0.5, hashing_key=0x123456789ABCD, context_width=2),
    "selfhash": kgw(seeding_scheme="selfhash", context_width=4),
    "selfhash-narrow": kgw(seeding_scheme="selfhash", context_width=2, hashing_key=97),
    "synthid": synthid(1, 30),
    "synthid-shallow": synthid(2, 12, ngram_len=3, sampling_table_size=50021, sampling_table_seed=7),
}


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = tiny_llama()
    prompts = torch.randint(3, VOCABULARY, (ROWS, PROMPT))
    sequences = []
    for number, name in enumerate([None, *KEYS]):
        torch.manual_seed(100 + number)
        for prompt, output in zip(prompts, generate(model, prompts, name)):
            sequences.append({
                "marked_with": name, "prompt_ids": prompt.tolist(), "prompt_len": PROMPT, "token_ids": output.tolist(),
                "detections": {key: detect(model, KEYS[key], output[None]) for key in KEYS},
            })
    print(json.dumps({
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "vocab_size": VOCABULARY, "bos_token_id": model.config.bos_token_id,
        "mean_entropy": entropy(model, [s["prompt_ids"] + s["token_ids"] for s in sequences[:ROWS]]),
        "keys": KEYS, "sequences": sequences,
    }))


def tiny_llama():
    """Returns a random model whose output layer is scaled until the next token has two to three nats of entropy."""
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=512, bos_token_id=1, eos_token_id=None, pad_token_id=0, tie_word_embeddings=False)
    model = transformers.LlamaForCausalLM(config).eval()
    with torch.no_grad():
        model.lm_head.weight *= 24
    return model


def generate(model, prompts, name):
    """Samples at temperature 1 from the whole vocabulary, marked with the key of that name."""
    settings = dict(KEYS[name]) if name else {}
    kind = {"kgw": WatermarkingConfig, "synthid": SynthIDTextWatermarkingConfig}.get(settings.pop("scheme", None))
    marking = kind(**settings) if kind else None
    with torch.no_grad():
        whole = model.generate(
            prompts, attention_mask=torch.ones_like(prompts), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
            max_new_tokens=OUTPUT, watermarking_config=marking)
    return whole[:, PROMPT:]


def detect(model, key, ids):
    settings = {name: value for name, value in key.items() if name != "scheme"}
    return detect_synthid(settings, ids) if key["scheme"] == "synthid" else detect_kgw(model, settings, ids)


def detect_kgw(model, settings, ids):
    def figures(ignore):
        out = WatermarkDetector(model.config, "cpu", settings, ignore_repeated_ngrams=ignore)(ids, return_dict=True)
        scored, green = int(out.num_tokens_scored[0]), int(out.num_green_tokens[0])
        return {"num_tokens_scored": scored, "num_green_tokens": green, "green_fraction": float(out.green_fraction[0]),
                "z_score": float(out.z_score[0]), "p_value": float(out.p_value[0])}
    return {**figures(False), "unique": figures(True)}


def detect_synthid(settings, ids):
    processor = SynthIDTextWatermarkLogitsProcessor(**settings, device="cpu")
    mask = processor.compute_context_repetition_mask(ids)[0].numpy()
    g = processor.compute_g_values(ids)[0].numpy()[mask]
    depth = g.shape[1]
    weights = numpy.linspace(10, 1, depth)
    weights *= depth / weights.sum()
    return {"num_tokens_scored": len(g), "mean": float(g.mean()), "weighted_mean": float((g * weights).mean()),
            "g_ones": int(g.sum())}


def entropy(model, ids):
    with torch.no_grad():
        logits = model(torch.tensor(ids)).logits[:, PROMPT - 1 : -1]
    return torch.distributions.Categorical(logits=logits).entropy().mean().item()


if __name__ == "__main__":
    main()
