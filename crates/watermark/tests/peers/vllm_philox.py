"""Vectors of vLLM's watermarks: Gumbel (one key, two keys) of 0.33.0 and SynthID of the main branch."""

import random

import torch

import vllm_wheel
from writing import f32_sha256, hex_f32, sequence

KEYS = [2, 3, 0x0123456789ABCDEF, 1 << 63, (1 << 64) - 2]
TOKENS = [0, 1, 2, 3, 49151, 128255, 262143, 262144]
DETECT = [  # key, context width, length
    (5, 1, 120), (2, 2, 120), (1 << 63, 3, 150), ((1 << 64) - 2, 4, 150), (0x0123456789ABCDEF, 5, 150), (7, 6, 90),
    (8, 7, 90), (9, 8, 90), ((1 << 64) - 1, 9, 90), (42, 4, 0), (42, 4, 1), (42, 3, 2)]
SYNTHID_DETECT = [  # key, context width, depth, length
    (5, 4, 32, 120), (1 << 63, 1, 30, 120), ((1 << 64) - 2, 4, 1, 60), (7, 2, 8, 90), (42, 4, 32, 0), (42, 4, 32, 1)]
GENERATE = [  # key, context width, rows, vocabulary, logits seed, temperature, k (0: all)
    (5, 1, 4, 1024, 1, 1.0, 0), ((1 << 64) - 2, 9, 2, 2048, 2, 0.7, 0), (1 << 63, 3, 4, 4096, 3, 1.0, 50),
    (0x0123456789ABCDEF, 4, 3, 49152, 4, 1.3, 40), (2, 5, 2, 128256, 5, 0.5, 0), (3, 4, 2, 128256, 6, 1.0, 1)]


def philox(directory):
    """Returns uniforms, detections and choices of the wheel unpacked in `directory`."""
    gumbel = vllm_wheel.load(directory)
    made = [choices(gumbel, *case) for case in GENERATE]
    return {
        "versions": {"vllm": "0.33.0"},
        "p_note": "p of alpha 0.1 is torch.special.gammaincc's, which is right to about 2e-9 relative; scores to 1e-12",
        "derived": {str(key): derived(gumbel, key) for key in KEYS},
        "prf": [uniforms(gumbel, key, width) for key in KEYS for width in range(1, 10)],
        "detect": [detections(gumbel, number, *case) for number, case in enumerate(DETECT)],
        "generate": made[0], "generate_more": made[1:],
        "generate_dual": [dual_choices(gumbel, alpha) for alpha in (0.1, 0.5)],
        "positive_control": positive(gumbel, 0x0123456789ABCDEF, 3, 1024, 60),
    }


def derived(gumbel, key):
    return {name: str(gumbel.derive_watermark_key(key, name.encode())) for name in ("key_a", "key_b")}


def uniforms(gumbel, key, width):
    draw = random.Random(key + width)
    contexts = [[draw.randrange(1 << 18) for _ in range(width)], [-1] * (width - 1) + [262143], [-1] * width]
    values = gumbel.PhiloxPRF(key).uniform(torch.tensor(contexts), torch.tensor(TOKENS))
    return {"key": str(key), "contexts": contexts, "tokens": TOKENS, "uniform_f32": [hex_f32(row) for row in values]}


def detections(gumbel, number, key, width, length):
    ids = sequence(300 + number, 1 << 18, length)
    def single(dedup):
        return found(gumbel.GumbelWatermarkDetector(key, width, deduplicate_contexts=dedup).detect(ids))
    def dual(dedup, alpha):
        detector = gumbel.DualKeyGumbelWatermarkDetector(key, width, deduplicate_contexts=dedup, alpha=alpha)
        return {"alpha": alpha, **found(detector.detect(ids))}
    return {"key": str(key), "context_width": width, "sequence": ids,
            "gumbel": single(True), "gumbel_nodedup": single(False),
            "dual": [dual(True, alpha) for alpha in (0.1, 0.5)],
            "dual_nodedup": [dual(False, alpha) for alpha in (0.1, 0.5)]}


def found(detection):
    return {"score": detection.score, "n": detection.num_scored_tokens, "p": detection.p_value}


def logits_and_contexts(width, rows, vocabulary, seed):
    torch.manual_seed(seed)
    logits = torch.randn(rows, vocabulary)
    draw = random.Random(seed)
    contexts = [[draw.randrange(vocabulary) for _ in range(width)] for _ in range(rows - 1)]
    return logits, [*contexts, [-1] * (width - 1) + [vocabulary - 1]]


def choices(gumbel, key, width, rows, vocabulary, seed, temperature, k):
    logits, contexts = logits_and_contexts(width, rows, vocabulary, seed)
    digest = f32_sha256(logits)
    logits = logits / temperature
    if k:
        logits = vllm_wheel.top_k_only()(logits, torch.full((rows,), k))
    picked = gumbel.GumbelWatermarker(key, width).sample(logits, torch.tensor(contexts)).token_ids.tolist()
    return {"key": str(key), "vocab": vocabulary, "contexts": contexts, "logits_seed": seed, "temperature": temperature,
            "top_k": k or None, "logits_f32_sha256": digest, "token_ids": picked}


def dual_choices(gumbel, alpha, key=77, width=4, rows=6, vocabulary=1024, seed=9):
    """Routes rows in turn to key A (0) and key B (1), where vLLM draws the key with probability 1 - alpha and alpha."""
    logits, contexts = logits_and_contexts(width, rows, vocabulary, seed)
    routing = [row % 2 for row in range(rows)]
    marker = gumbel.DualKeyGumbelWatermarker(key, width, alpha=alpha)
    picked = marker.sample(logits, torch.tensor(contexts), lambda _: torch.tensor(routing)).token_ids.tolist()
    return {"key": str(key), "alpha": alpha, "vocab": vocabulary, "contexts": contexts, "logits_seed": seed,
            "logits_f32_sha256": f32_sha256(logits), "routing": routing, "token_ids": picked}


def positive(gumbel, key, width, vocabulary, length):
    """Generates from `randn` logits, a seed a step, and detects with the right key and a wrong one."""
    marker, ids = gumbel.GumbelWatermarker(key, width), []
    for step in range(length):
        torch.manual_seed(1000 + step)
        context = ([-1] * width + ids)[-width:]
        ids.append(marker.sample(torch.randn(1, vocabulary), torch.tensor([context])).token_ids.item())
    wrong = gumbel.GumbelWatermarkDetector(key + 1, width).detect(ids).p_value
    return {"key": str(key), "context_width": width, "vocab": vocabulary, "logits_seed_of_first": 1000, "sequence": ids,
            **found(gumbel.GumbelWatermarkDetector(key, width).detect(ids)), "wrong_key_p": wrong}


def synthid(directory):
    """Returns words, detections and reweighted scores of the main branch's SynthID."""
    vllm_wheel.load(directory)
    from vllm.v1.watermarking import synthid as main

    return {
        "versions": {"vllm": "main: synthid.py at 0265d6bd674c, prfs/philox.py at 373305d65c78"},
        "words": [main_words(main, key, width) for key in KEYS for width in (1, 3, 4, 5)],
        "detect": [main_detect(main, number, *case) for number, case in enumerate(SYNTHID_DETECT)],
        "scores": [main_scores(main, *case) for case in [(5, 4, 32, 1024, 1), ((1 << 64) - 2, 2, 7, 512, 2)]],
    }


def main_words(main, key, width):
    draw = random.Random(key + width)
    contexts = [[draw.randrange(1 << 18) for _ in range(width)], [-1] * width]
    prf, arguments = main.PhiloxPRF(key), (torch.tensor(contexts), torch.tensor(TOKENS))
    return {"key": str(key), "contexts": contexts, "tokens": TOKENS, "words": prf.uint32(*arguments).tolist()}


def main_detect(main, number, key, width, depth, length):
    ids = sequence(400 + number, 1 << 18, length)
    def run(dedup):
        detector = main.SynthIDWatermarkDetector(key, width, depth, deduplicate_contexts=dedup)
        return found(detector.detect(ids))
    return {"key": str(key), "context_width": width, "depth": depth, "sequence": ids,
            "dedup": run(True), "nodedup": run(False)}


def main_scores(main, key, width, depth, vocabulary, seed):
    logits, contexts = logits_and_contexts(width, 3, vocabulary, seed)
    out = main.SynthIDWatermarker(key, width, depth).watermark_logits(logits, torch.tensor(contexts))
    return {"key": str(key), "context_width": width, "depth": depth, "vocab": vocabulary, "contexts": contexts,
            "logits_seed": seed, "logits_f32_sha256": f32_sha256(logits), "argmax": out.argmax(1).tolist(),
            "out_f32_first32": [hex_f32(row[:32]) for row in out], "out_sum": out.double().sum().item()}
