"""Vectors of transformers' own watermarks: the green list of Kirchenbauer et al. and SynthID-Text."""

import hashlib
import random
import types

import numpy
import scipy.stats
import torch
from transformers.generation import watermarking
from transformers.generation.logits_process import SynthIDTextWatermarkLogitsProcessor, WatermarkLogitsProcessor

from writing import f32_sha256, hex_f32, ids_digest, sequence

DEFAULT_KEY = 15485863
KGW_CASES = [  # vocabulary, ratio, key, scheme, context width, first token is BOS, length of the processor's input
    (1000, 0.25, 1, "lefthash", 1, True, 3),
    (1000, 0.1, 0x1_2345_6789_ABCD, "lefthash", 2, False, 3),
    (1000, 0.5, 0, "lefthash", 1, False, 1),
    (49152, 0.25, (1 << 63) + 29, "lefthash", 3, True, 3),
    (49152, 0.5, 97, "lefthash", 4, False, 3),
    (128256, 0.1, DEFAULT_KEY, "lefthash", 1, False, 1),
    (128256, 0.25, (1 << 64) - 1, "lefthash", 1, False, 2),
    (1000, 0.25, DEFAULT_KEY, "selfhash", 1, True, 4),
    (1000, 0.5, 3, "selfhash", 2, False, 1),
    (1000, 0.1, (1 << 62) + 12345, "selfhash", 3, False, 9),
    (49152, 0.25, 0x1_2345_6789_ABCD, "selfhash", 4, True, 9),
    (49152, 0.5, DEFAULT_KEY, "selfhash", 3, False, 3),
    (128256, 0.1, 97, "selfhash", 2, False, 5),
    (128256, 0.25, (1 << 63) - 25, "selfhash", 4, False, 9),
]


def kgw():
    """Returns green lists, detections and biased ids of the cases above."""
    return {"cases": [kgw_case(number, *case) for number, case in enumerate(KGW_CASES)]}


def kgw_case(number, vocabulary, ratio, key, scheme, width, has_bos, input_length):
    settings = {"greenlist_ratio": ratio, "hashing_key": key, "seeding_scheme": scheme, "context_width": width}
    processor = WatermarkLogitsProcessor(vocabulary, "cpu", bias=2.0, **settings)
    ids, bos = sequence(100 + number, vocabulary, 160), 1
    model = types.SimpleNamespace(vocab_size=vocabulary, bos_token_id=bos, is_encoder_decoder=False)
    ids = [bos, *ids] if has_bos else ids
    return {
        "vocab": vocabulary, "greenlist_ratio": ratio, "hashing_key": str(key), "seeding_scheme": scheme,
        "context_width": width, "greenlist_size": processor.greenlist_size,
        "hash_table_first16": processor.fixed_table[:16].tolist(),
        "hash_table_sha256": ids_digest(processor.fixed_table.tolist())["sha256_le_i64"],
        "greenlists": [greenlist(processor, ids[end - width : end]) for end in (width, 40, 80, 120)],
        "bos_token_id": bos, "sequence": ids,
        "detector": [detection(model, settings, ids, ignore) for ignore in (False, True)],
        "processor": biased(processor, vocabulary, ids[60 : 60 + input_length], 20 + number),
    }


def greenlist(processor, context):
    ids = processor._get_greenlist_ids(torch.tensor(context)).tolist()
    seed = processor.rng.initial_seed() % (1 << 64)
    return {"context": context, "torch_seed": str(seed), "seed_low32": seed & 0xFFFFFFFF, "greenlist": ids_digest(ids)}


def detection(model, settings, ids, ignore):
    detector = watermarking.WatermarkDetector(model, "cpu", {"bias": 2.0, **settings}, ignore_repeated_ngrams=ignore)
    out = detector(torch.tensor([ids]), return_dict=True)
    scored, green = int(out.num_tokens_scored[0]), int(out.num_green_tokens[0])
    exact = scipy.stats.binom.sf(green - 1, scored, settings["greenlist_ratio"])
    return {"ignore_repeated_ngrams": ignore, "num_tokens_scored": scored, "num_green": green,
            "z": float(out.z_score[0]), "p_normal": float(out.p_value[0]), "p_exact_binomial_sf": float(exact)}


def biased(processor, vocabulary, ids, seed):
    torch.manual_seed(seed)
    scores = torch.randn(1, vocabulary)
    changed = torch.nonzero((processor(torch.tensor([ids]), scores) != scores)[0]).flatten().tolist()
    return {"input_ids": ids, "scores_seed": seed, "biased_ids": ids_digest(changed),
            "scores_f32_sha256": f32_sha256(scores), "top40": scores[0].sort(descending=True)[1][:40].tolist()}


DRAW = random.Random(5)
KEYS_30 = [DRAW.randrange(1, 1 << 20) for _ in range(30)]
LARGE = [DRAW.randrange(-(1 << 63), 1 << 63) for _ in range(29)] + [-(1 << 63)]
SYNTHID_FILES = [  # name, table size, table seed, cases of (vocabulary, ngram length, keys, history, length)
    ("table_65536", 65536, 0, [
        (1000, 2, LARGE[:12], 1024, 90), (49152, 6, KEYS_30, 8, 120), (128256, 4, LARGE, 8, 120),
        (262144, 3, [0, -1, 1, (1 << 63) - 1], 2, 90)]),
    ("table_1024", 1024, 7, [(1000, 5, KEYS_30, 8, 90), (128256, 3, LARGE, 1024, 90)]),
    ("table_50021", 50021, (1 << 32) + 5, [(49152, 5, LARGE, 16, 90), (1000, 4, KEYS_30[:1], 8, 60)]),
]


def synthid():
    """Yields the name and content of one file per sampling table."""
    for number, (name, size, seed, cases) in enumerate(SYNTHID_FILES):
        made = [synthid_case(10 * number + index, size, seed, *case) for index, case in enumerate(cases)]
        deep = next(index for index, case in enumerate(cases) if len(case[2]) == 30)
        table = synthid_processor(5, [1], size, seed, 8).sampling_table
        bits = hashlib.sha256(table.numpy().astype("u1").tobytes()).hexdigest()
        yield name, {
            "sampling_table": {"ones": int(table.sum()), "sha256_bits": bits, "first64": digits(table[:64].tolist())},
            "cases": made,
            "processor_steps": steps(made[0], size, seed),
            "bayesian": bayesian(made[deep], deep, size, seed, made[deep]["repetition_mask"]),
            "bayesian_before_eos": bayesian(made[deep], deep, size, seed, both_masks(made[deep])),
        }


def synthid_processor(ngram, keys, size, seed, history):
    return SynthIDTextWatermarkLogitsProcessor(ngram, keys, size, seed, history, "cpu")


def synthid_case(number, size, seed, vocabulary, ngram, keys, history, length):
    processor, ids = synthid_processor(ngram, keys, size, seed, history), sequence(200 + number, vocabulary, length)
    tensor, eos = torch.tensor([ids]), next(i for at, i in enumerate(ids) if at > 0.75 * length and i not in ids[:at])
    g = processor.compute_g_values(tensor)[0]
    unrepeated = processor.compute_context_repetition_mask(tensor)[0]
    ngrams = tensor.unfold(1, ngram, 1)[:, :3]
    bits = g.numpy() * unrepeated.numpy()[:, None].astype(float)
    weights = numpy.linspace(10, 1, len(keys))
    weights *= len(keys) / weights.sum()
    total = len(keys) * int(unrepeated.sum())
    return {
        "vocab": vocabulary, "ngram_len": ngram, "keys": keys, "sampling_table_size": size,
        "sampling_table_seed": seed, "context_history_size": history, "sequence": ids,
        "ngram_keys_first3": [list(map(str, row)) for row in processor.compute_ngram_keys(ngrams)[0].tolist()],
        "g_values": ["".join(map(str, row)) for row in g.tolist()],
        "repetition_mask": digits(unrepeated.tolist()), "eos_token": eos,
        "eos_mask": digits(processor.compute_eos_token_mask(tensor, eos)[0].tolist()),
        "mean_score": float(bits.sum() / total), "weighted_mean_score": float((bits * weights).sum() / total),
    }


def digits(mask):
    return "".join(str(int(bit)) for bit in mask)


def steps(case, size, seed):
    """Runs ten layers over two rows whose contexts come back after few and after many steps.

    With more layers the tail of so small a vocabulary rounds to zero in one order of summing and not in another.
    """
    history, vocabulary, ngram, keys = 5, 64, case["ngram_len"], case["keys"][:10]
    processor = synthid_processor(ngram, keys, size, seed, history)
    torch.manual_seed(31)
    scores = torch.randn(2, vocabulary)
    scores[1, 48:] = -float("inf")
    rows, made = [[7, 9, 11] * 8, [3, 14, 15, 9, 26, 5, 35, 8] * 3], []
    for last in zip(*rows):
        out = processor(torch.tensor(last)[:, None], scores)
        made.append({"input_last": list(last), "out_f32": [hex_f32(row) for row in out.numpy()],
                     "argmax": out.argmax(1).tolist(), "out_sum": out.double().sum().item()})
    return {"vocab": vocabulary, "ngram_len": ngram, "keys": keys, "context_history_size": history,
            "scores_f32": [hex_f32(row) for row in scores.numpy()], "first_ids": made[0]["input_last"], "steps": made}


def both_masks(case):
    """Returns the n-grams transformers' detector scores: context not repeated, no end of sequence yet."""
    return digits(a == b == "1" for a, b in zip(case["repetition_mask"], case["eos_mask"][case["ngram_len"] - 1 :]))


def bayesian(case, index, size, seed, mask_digits):
    """Scores the marked n-grams of a case of depth 30 with transformers' Bayesian detector of given coefficients."""
    processor = synthid_processor(case["ngram_len"], case["keys"], size, seed, case["context_history_size"])
    g, mask = processor.compute_g_values(torch.tensor([case["sequence"]])), torch.tensor([list(map(int, mask_digits))])
    model = watermarking.BayesianDetectorModel(watermarking.BayesianDetectorConfig(watermarking_depth=30))
    likelihood = model.likelihood_model_watermarked
    with torch.no_grad():
        likelihood.beta.copy_(torch.linspace(-1, -3, 30).view(1, 1, 30))
        likelihood.delta.copy_(((torch.arange(900) % 7 - 3) * 0.01).view(1, 1, 30, 30))
        watermarked = likelihood(g)
        ratio = ((watermarked.log() - numpy.log(0.5)) * mask[..., None]).double().sum().item()
        posterior = model(g, mask)[0].item()
    return {"beta": "linspace(-1,-3,30)", "delta": "((i % 7)-3)*0.01 for flat index i over [30,30]",
            "case_index": index, "prior": 0.5, "mask": mask_digits, "loglik_ratio_sum": ratio,
            "posterior": posterior, "first_token_likelihoods": watermarked[0, 0].tolist()}
