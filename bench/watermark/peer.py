"""Times the public implementations of watermarks: transformers' and vLLM's, on one thread.

    python peer.py [--vllm DIR] [--only WORD]     (torch, transformers; about a minute)

Prints one JSON object a line: `figure`, `value`, `unit`, `peak_mb` (the process's largest resident set so far); times are
of the CPU (`time.process_time`), each the median of several runs after one that does not count. DIR holds vLLM's wheel,
unpacked; without it vLLM's figures are left out, with a note on stderr. `--only` keeps the figures whose name contains
the word.
"""

import argparse
import json
import pathlib
import random
import resource
import statistics
import sys
import time
import types

import torch
from transformers import WatermarkDetector
from transformers.generation.logits_process import SynthIDTextWatermarkLogitsProcessor, WatermarkLogitsProcessor

PEERS = pathlib.Path(__file__).resolve().parents[2] / "crates/watermark/tests/peers"
VOCABULARIES = (49152, 128256)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--vllm", help="directory of the unpacked wheel")
    parser.add_argument("--only", default="", help="keep figures whose name contains this")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for figure, unit, work, runs, scale in [*transformers_kgw(), *transformers_synthid(), *vllm(args.vllm)]:
        if args.only in figure:
            seconds = median_seconds(work, runs)
            value = scale / seconds if unit == "tokens/s" else seconds * scale
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(json.dumps({"figure": figure, "value": value, "unit": unit, "peak_mb": peak}), flush=True)


def median_seconds(work, runs):
    """Returns the median CPU time of `runs` calls; one more comes first, to warm up."""
    seconds = []
    for _ in range(runs + 1):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds[1:])


def tokens(vocabulary, length):
    draw = random.Random(length)
    return [draw.randrange(vocabulary) for _ in range(length)]


def transformers_kgw():
    """Yields name, unit, work, runs and scale of the green list's processors and detectors."""
    for vocabulary in VOCABULARIES:
        scores, ids = torch.randn(1, vocabulary), torch.tensor([tokens(vocabulary, 8)])
        for scheme, width, runs in (("lefthash", 1, 15), ("selfhash", 4, 3)):
            processor = WatermarkLogitsProcessor(vocabulary, "cpu", seeding_scheme=scheme, context_width=width)
            name = f"transformers kgw {scheme} processor, V={vocabulary}"
            yield name, "ns/token", lambda p=processor, i=ids, s=scores: p(i, s), runs, 1e9
            settings = {"greenlist_ratio": 0.25, "bias": 2.0, "hashing_key": 15485863, "seeding_scheme": scheme,
                        "context_width": width}
            model = types.SimpleNamespace(vocab_size=vocabulary, bos_token_id=1, is_encoder_decoder=False)
            detector = WatermarkDetector(model, "cpu", settings, ignore_repeated_ngrams=True)
            text, name = torch.tensor([tokens(vocabulary, 1000)]), f"transformers kgw {scheme} detector, V={vocabulary}"
            yield name, "tokens/s", lambda d=detector, t=text: d(t, return_dict=True), 3, 1000


def transformers_synthid():
    """Yields the figures of SynthID-Text at depth 30."""
    keys = tokens(1 << 32, 30)
    for vocabulary in VOCABULARIES:
        scores, ids = torch.randn(1, vocabulary), torch.tensor([[17]])
        processor = SynthIDTextWatermarkLogitsProcessor(5, keys, 65536, 0, 1024, "cpu")
        name = f"transformers synthid processor, depth 30, V={vocabulary}"
        yield name, "ns/token", lambda p=processor, i=ids, s=scores: p(i, s), 7, 1e9
    processor, text = SynthIDTextWatermarkLogitsProcessor(5, keys, 65536, 0, 1024, "cpu"), tokens(128256, 10_000)
    text = torch.tensor([text])

    def g_values():
        return processor.compute_g_values(text)

    def detect():
        mask = processor.compute_context_repetition_mask(text)
        return (g_values() * mask[..., None]).sum() / (mask.sum() * len(keys))

    yield "transformers synthid detector, depth 30", "tokens/s", detect, 3, 10_000
    yield "transformers synthid g values alone, depth 30", "tokens/s", g_values, 5, 10_000


def vllm(directory):
    """Yields vLLM's Gumbel figures on the CPU (its torch path), or nothing where the wheel is not given."""
    if directory is None:
        print("vLLM's figures are left out: unpack its wheel and name the directory with `--vllm`", file=sys.stderr)
        return
    sys.path.insert(0, str(PEERS))
    import vllm_wheel

    gumbel = vllm_wheel.load(directory)
    for vocabulary in VOCABULARIES:
        logits, context = torch.randn(1, vocabulary), torch.tensor([tokens(vocabulary, 4)])
        marker, name = gumbel.GumbelWatermarker(42), f"vllm gumbel sampling, V={vocabulary}"
        yield name, "ns/entry", lambda m=marker, a=logits, c=context: m.sample(a, c), 7, 1e9 / vocabulary
    text = tokens(128256, 100_000)
    detectors = {"single": gumbel.GumbelWatermarkDetector(42), "dual": gumbel.DualKeyGumbelWatermarkDetector(42)}
    for name, detector in detectors.items():
        for length in (200, 2000, 100_000):
            texts = [text[start : start + length] for start in range(0, len(text), length)]
            figure = f"vllm {name}-key gumbel detector, texts of {length} tokens"
            yield figure, "tokens/s", lambda d=detector, t=texts: [d.detect(one) for one in t], 3, len(text)


if __name__ == "__main__":
    main()
