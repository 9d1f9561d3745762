"""Inputs and notation that the vectors of all references share."""

import hashlib
import importlib.metadata
import json
import pathlib
import random

import numpy


def write(directory, name, content):
    """Writes one vector file: compact JSON, at most 300 KB."""
    versions = {p: importlib.metadata.version(p) for p in ("torch", "transformers", "numpy", "scipy")}
    whole = {"name": name, "expect": "success", "versions": versions | content.pop("versions", {}), **content}
    text = json.dumps(whole, separators=(",", ":"), allow_nan=False) + "\n"
    assert len(text) < 300_000, (name, len(text))
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    pathlib.Path(directory, f"{name}.json").write_text(text)
    print(f"{directory}/{name}.json", len(text))


def sequence(seed, vocabulary, length):
    """Returns token ids, about a third of them copies of near or far earlier stretches, with the highest ids."""
    draw = random.Random(seed)
    ids = [vocabulary - 1, vocabulary - 2]
    while len(ids) < length:
        if len(ids) > 12 and draw.random() < 0.08:
            back = draw.choice([draw.randint(1, 6), draw.randrange(1, len(ids))])
            for _ in range(draw.randint(3, 9)):
                ids.append(ids[-back])
        else:
            ids.append(draw.randrange(vocabulary))
    return ids[:length]


def ids_digest(ids):
    """Returns a list of ids as its length, its start and the SHA-256 of its little-endian i64s."""
    digest = hashlib.sha256(numpy.array(ids, dtype="<i8").tobytes()).hexdigest()
    whole = {"all": list(ids)} if len(ids) <= 100 else {}
    return {"n": len(ids), "first": list(ids[:16]), "sha256_le_i64": digest, **whole}


def hex_f32(values):
    """Returns each f32 as the eight hex digits of its bits."""
    return [f"{bits:08x}" for bits in numpy.asarray(values, dtype="f4").view("u4").tolist()]


def f32_sha256(tensor):
    """Returns the SHA-256 of a tensor's little-endian f32s."""
    return hashlib.sha256(tensor.numpy().astype("<f4").tobytes()).hexdigest()
