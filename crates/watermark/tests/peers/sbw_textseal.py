"""Vectors of sbw 1.0.0 (stateless Bernoulli watermark) and textseal 0.0.5."""

import random
import sys
import types

import torch

from writing import f32_sha256, hex_f32, ids_digest, sequence

DEFAULT_KEY = 15485863
SBW_FILES = {  # name: cases of (seeding scheme, key, gamma, vocabulary)
    "simple": [("gpu-fused-simple_4", DEFAULT_KEY, 0.5, 128256), ("gpu-fused-simple_4", (1 << 63) - 25, 0.25, 49152),
               ("gpu-simple_1", 97, 0.1, 151936), ("gpu-ff-additive_prf-2-False", 0x1_2345_6789_ABCD, 0.3, 1007)],
    "selfhash": [("gpu-fused-selfhash-fullvocab", DEFAULT_KEY, 0.5, 128256), ("gpu-fused-selfhash", 97, 0.25, 49152),
                 ("gpu-selfhash-100", (1 << 63) - 25, 0.1, 151936), ("gpu-fused-selfhash-fullvocab", 1, 0.75, 1007)],
    "other_hashes": [("gpu-minhash", DEFAULT_KEY, 0.5, 128256), ("gpu-skipgram", 97, 0.25, 49152),
                     ("gpu-selfhash-cpuhash", 0x1_2345_6789_ABCD, 0.5, 49152)],
    "permutation": [("lefthash", 97, 0.25, 49152), ("minhash", (1 << 63) - 25, 0.5, 1007),
                    ("skipgram", DEFAULT_KEY, 0.25, 1007), ("selfhash", (1 << 63) - 25, 0.5, 1007),
                    ("ff-additive_prf-4-False", (1 << 62) + 1, 0.5, 1007)],
}


def sbw(directory):
    """Yields the name and content of one file per kind of seeding."""
    sys.path.insert(0, directory)
    import sbw.detector

    for group, (name, cases) in enumerate(SBW_FILES.items()):
        made = [sbw_case(sbw.detector, 10 * group + index, *case) for index, case in enumerate(cases)]
        yield name, {"versions": {"sbw": "1.0.0"}, "cases": made}


def sbw_case(module, number, scheme, key, gamma, vocabulary):
    def detector(ignore):
        return module.WatermarkDetector(
            device=torch.device("cpu"), tokenizer=types.SimpleNamespace(bos_token_id=1), vocab=range(vocabulary),
            gamma=gamma, seeding_scheme=scheme, hash_key=key, ignore_repeated_ngrams=ignore)
    reference, ids = detector(True), sequence(500 + number, vocabulary, 161)
    mark, ids = reference.watermark, [1, *ids] if number % 2 else ids
    draw, width = random.Random(number), mark.context_width
    contexts = [[draw.randrange(vocabulary) for _ in range(width)] for _ in range(2)]
    contexts += [[0] * width, [vocabulary - 1 - place for place in range(width)]]
    tokens = [0, 1, 2, 3, 4, *(draw.randrange(vocabulary) for _ in range(20)), *range(vocabulary - 7, vocabulary)]
    return {
        "seeding_scheme": scheme, "hash_key": str(key), "gamma": gamma, "vocab": vocabulary, "prf": mark.prf_type,
        "context_width": width, "self_salt": mark.self_salt, "candidates": mark.selfsalt_num_candidates,
        "table_hash": not mark._uses_gpu_hash, "bos_token_id": 1,
        "green": [membership(reference, context, tokens) for context in contexts], "sequence": ids,
        "detector": [sbw_detection(detector(ignore), ids, ignore) for ignore in (True, False)],
        "processor": sbw_bias(mark, contexts[0], vocabulary, number) if scheme.startswith("gpu-") else None,
    }


def membership(detector, context, tokens):
    """Asks sbw's detector which of the tokens are green after the context, and with which seeds."""
    salted = [tuple(context[1:] + [token]) if detector.watermark.self_salt else tuple(context) for token in tokens]
    seeds = detector.watermark._compute_seeds(torch.tensor(salted)).tolist()
    green = "".join(str(int(detector._is_token_green(prefix, token))) for prefix, token in zip(salted, tokens))
    seeds = seeds if detector.watermark.self_salt else seeds[:1]
    return {"context": context, "tokens": tokens, "seeds": list(map(str, seeds)), "green": green}


def sbw_detection(detector, ids, ignore):
    out = detector.detect(tokenized_text=torch.tensor(ids), return_green_token_mask=True)
    return {"ignore_repeated_ngrams": ignore, "num_tokens_scored": out["num_tokens_scored"],
            "num_green": out["num_green_tokens"], "z": float(out["z_score"]), "p": float(out["p_value"]),
            "green_mask": "".join(str(int(bit)) for bit in out["green_token_mask"])}


def sbw_bias(mark, context, vocabulary, seed):
    """Adds the bias as vllm_sbw does for this scheme and lists the ids it touched."""
    torch.manual_seed(seed)
    scores = torch.randn(1, vocabulary)
    if mark.self_salt:
        apply = mark.apply_watermark_selfsalt_fused if mark.is_fused else mark.apply_watermark_selfsalt_direct
    else:
        apply = mark.apply_watermark_simple_fused if mark.is_fused else mark.apply_watermark_fused
    out = apply(torch.tensor([context]), scores.clone(), mark.gamma, 2.0)
    changed = torch.nonzero((out != scores)[0]).flatten().tolist()
    return {"context": context, "scores_seed": seed, "scores_f32_sha256": f32_sha256(scores),
            "biased_ids": ids_digest(changed)}


TEXTSEAL_PRF = [  # vocabulary, window, key
    (1000, 1, 0), (49152, 3, -5), (128256, 5, 999983), (128256, 10, (1 << 62) + 3), (262144, 2, 12345678901)]
TEXTSEAL_DETECT = [  # vocabulary, window, key, green share
    (1000, 1, 7, 0.5), (49152, 2, 12345678901, 0.25), (128256, 4, 999983, 0.1)]


def textseal(directory):
    """Returns uniforms and single-key detections; 0.0.5 has no second key."""
    sys.path.insert(0, directory)
    for name in ("textseal", "textseal.common", "textseal.posthoc"):
        package = sys.modules[name] = types.ModuleType(name)
        package.__path__ = [f"{directory}/{name.replace('.', '/')}"]
    from textseal.common.watermark import pseudorandom
    from textseal.posthoc import detector

    return {"versions": {"textseal": "0.0.5"},
            "prf_cases": [textseal_prf(pseudorandom, *case) for case in TEXTSEAL_PRF],
            "detector": [textseal_detection(detector, number, *case) for number, case in enumerate(TEXTSEAL_DETECT)]}


def textseal_prf(module, vocabulary, ngram, key):
    draw = random.Random(ngram)
    windows = [[draw.randrange(vocabulary) for _ in range(ngram)] for _ in range(5)] + [[vocabulary - 1] * ngram]
    tokens = [0, vocabulary - 1, *(draw.randrange(vocabulary) for _ in range(6))]
    pairs = torch.tensor(windows)[:, None].expand(-1, len(tokens), -1), torch.tensor(tokens).expand(len(windows), -1)
    words = module._hash(module._weighted_sum(pairs[0]), pairs[1], key, "cpu")
    return {"vocab": vocabulary, "ngram": ngram, "secret_key": str(key), "windows": windows, "tokens": tokens,
            "hash_int": words.tolist(), "uniform_f32": [hex_f32(row) for row in module.prf_uniform(*pairs, key)]}


class Tokenizer:
    """Stands in for a tokenizer: texts are lists of token ids already."""

    vocab_size, decode, add_special_tokens = 0, None, None

    def encode(self, text, add_special_tokens):
        return text


def textseal_detection(module, number, vocabulary, ngram, key, gamma):
    ids, results = sequence(600 + number, vocabulary, 150), []
    def run(kind, scoring):
        arguments = module.WatermarkArgs(secret_key=key, ngram=ngram, watermark_type=kind, gamma=gamma)
        detector = module.build_detector(Tokenizer(), arguments)
        scores = detector.get_scores_by_t([ids], scoring_method=scoring, seen_windows=set())
        return len(scores[0]), float(sum(scores[0])), float(detector.get_pvalues(scores)[0])
    for scoring in ("none", "v1", "v2"):
        count, score, p = run("gumbelmax", scoring)
        _, green, middle = run("greenlist", scoring)
        results.append({"scoring": scoring, "n": count, "single_key_score": score, "single_key_p": p,
                        "greenlist_green": green, "greenlist_mid_p": middle})
    return {"vocab": vocabulary, "ngram": ngram, "key_a": key, "gamma": gamma, "sequence": ids, "results": results}
