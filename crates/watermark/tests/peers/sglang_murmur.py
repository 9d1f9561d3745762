"""Vectors of SGLang's Aaronson-Gumbel watermark (0.5.23): its pseudorandom function is MurmurHash3, not Philox.

    unzip -q sglang-0.5.23-*.whl 'sglang/srt/sampling/watermarking/*' -d DIR     (needs msgspec besides torch)
"""

import random
import sys
import types

import torch

from writing import f32_sha256, sequence

DETECT = [  # key, second key, probability of the first, window, length of prompt, length of output
    ("0x2a", None, 0.5, 4, 0, 120), ("FFFFFFFFFFFFFFFF", None, 0.5, 1, 6, 120),
    ("8000000000000000", None, 0.5, 9, 3, 90), ("0123456789abcdef", "1", 0.5, 4, 8, 120),
    ("7", "fedcba9876543210", 0.9, 2, 0, 120), ("1", None, 0.5, 4, 0, 4), ("1", None, 0.5, 4, 5, 1)]
CHOOSE = [("0x2a", None, 0.5, 1024, 1), ("FFFFFFFFFFFFFFFF", "1", 0.5, 4096, 2), ("7", "9", 0.1, 49152, 3)]


def sglang(directory):
    """Returns hashes, detections and choices of the wheel unpacked in `directory`."""
    for name in ("sglang", "sglang.srt", "sglang.srt.sampling"):
        sys.modules[name] = package = types.ModuleType(name)
        package.__path__ = [f"{directory}/{name.replace('.', '/')}"]
    from sglang.srt.sampling.watermarking import core, detector

    return {"versions": {"sglang": "0.5.23"}, "hashes": [hashes(detector, *case[:3]) for case in DETECT],
            "detect": [detection(detector, number, *case) for number, case in enumerate(DETECT)],
            "generate": [choices(core, detector, *case) for case in CHOOSE]}


def hashes(module, key, key_b, _):
    draw, number = random.Random(key), module.parse_watermark_key(key)
    contexts = [[draw.randrange(1 << 18) for _ in range(length)] for length in (1, 2, 4, 9)]
    digests, tokens = [module.hash_context(context) for context in contexts], [0, 1, 128255, 262143]
    second = module.parse_watermark_key(key_b) if key_b else None
    coins = [module.position_coin(number, second, digest) for digest in digests] if key_b else None
    return {"key": key, "key_b": key_b, "contexts": contexts, "context_hashes": digests, "coins": coins,
            "tokens": tokens, "token_hashes": [[module.watermark_hash(number, digest, token) for token in tokens] for digest in digests]}


def detection(module, number, key, key_b, mixing, window, prompt_length, length):
    prompt, ids = sequence(800 + number, 1 << 18, prompt_length), sequence(700 + number, 1 << 18, length)
    marker = module.WatermarkDetector(key, key_b=key_b, mixing_probability=mixing, context_window=window)
    found = marker.detect_tokens(ids, prompt_token_ids=prompt)
    parts = ("combined", "key_a_all_positions", "key_b_all_positions", "key_a_partition", "key_b_partition")
    return {"key": key, "key_b": key_b, "mixing_probability": mixing, "context_window": window, "prompt": prompt,
            "sequence": ids, **{name: statistics(getattr(found, name)) for name in parts},
            "repeated_contexts": found.repeated_contexts, "skipped_initial_tokens": found.skipped_initial_tokens}


def statistics(part):
    names = ("num_contexts", "score", "z_score", "p_value", "log_p_value")
    return part and {name: getattr(part, name) for name in names}


def choices(core, module, key, key_b, mixing, vocabulary, seed, rows=4):
    torch.manual_seed(seed)
    logits, draw = torch.randn(rows, vocabulary), random.Random(seed)
    contexts = [[draw.randrange(vocabulary) for _ in range(4)] for _ in range(rows)]
    def column(value):
        return torch.full((rows,), value, dtype=torch.int64)
    second = (column(module.parse_watermark_key(key_b)), column(int(mixing * (1 << 32)))) if key_b else (None, None)
    digests = torch.tensor([module.hash_context(context) for context in contexts])
    picked = core.select_watermark_tokens_torch(
        torch.softmax(logits, -1), digests, column(module.parse_watermark_key(key)), *second)
    return {"key": key, "key_b": key_b, "mixing_probability": mixing, "vocab": vocabulary, "contexts": contexts,
            "logits_seed": seed, "logits_f32_sha256": f32_sha256(logits), "token_ids": picked.tolist()}
