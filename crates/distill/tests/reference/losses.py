"""Losses of the same student in PyTorch: writes `losses.json`, which the trainer's tests compare with.

Run with a Python that has torch and transformers (CPU is enough):

    python crates/distill/tests/reference/losses.py crates/distill/tests/reference/losses.json

Weights and tokens are given by SplitMix64, which the Rust side computes too, so no file of weights is needed.
With `--large` it writes twenty losses of the large student (d 256, 6 layers, vocabulary 49,152) by cross-entropy, by the
forward KL to a teacher's whole distribution, and by that to its top 64 and tail:

    python crates/distill/tests/reference/losses.py --large ROWS LENGTH OUT.json

`large.json` holds those of 2 rows of 64 tokens. Of full batches it writes the teacher's top 64 too: what two teachers make
of the same weights in f32 differs by 10^-4, which twenty steps of AdamW multiply.
"""

import json
import sys

import numpy
import torch
import torch.nn.functional as functional
from transformers import LlamaConfig, LlamaForCausalLM

GAMMA = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def mix(z):
    z = numpy.atleast_1d(numpy.asarray(z, dtype=numpy.uint64))
    z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return z ^ (z >> numpy.uint64(31))


def bits(seed, stream, count):
    """`Draws::new(seed, stream).bits(index)` for the indices below `count`."""
    inner = int(mix((seed + GAMMA) & MASK)[0])
    key = int(mix(inner ^ ((stream * GAMMA) & MASK))[0])
    steps = numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(GAMMA)
    return mix(numpy.uint64(key) + steps)


def uniform(seed, stream, count):
    return (bits(seed, stream, count) >> numpy.uint64(11)).astype(numpy.float64) * 2.0**-53


def build(shape, seed=1, deviation=0.02):
    config = LlamaConfig(
        vocab_size=shape["vocab_size"],
        hidden_size=shape["hidden_size"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["kv_heads"],
        intermediate_size=shape["intermediate_size"],
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        attention_bias=False,
    )
    model = LlamaForCausalLM(config).float()
    tensors = dict(model.named_parameters())
    for stream, name in enumerate(names(shape)):
        tensor = tensors[name]
        if name.endswith("norm.weight"):
            values = numpy.ones(tensor.numel())
        else:
            values = (uniform(seed, stream, tensor.numel()) - 0.5) * (deviation * 12**0.5)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(values.astype(numpy.float32)).view_as(tensor))
    return model


def names(shape):
    """The parameters in the order of the flat vector."""
    result = ["model.embed_tokens.weight"]
    for layer in range(shape["layers"]):
        for part in (
            "input_layernorm",
            "self_attn.q_proj",
            "self_attn.k_proj",
            "self_attn.v_proj",
            "self_attn.o_proj",
            "post_attention_layernorm",
            "mlp.gate_proj",
            "mlp.up_proj",
            "mlp.down_proj",
        ):
            result.append(f"model.layers.{layer}.{part}.weight")
    return result + ["model.norm.weight"]


def batch(shape, rows, length, which):
    drawn = bits(2, which, rows * length) >> numpy.uint64(32)
    tokens = torch.from_numpy((drawn % numpy.uint64(shape["vocab_size"])).astype(numpy.int64))
    return tokens.view(rows, length)


def cross_entropy(logits, tokens, _which):
    return functional.cross_entropy(logits, tokens[:, 1:].reshape(-1))


def train(shape, rows, length, steps, loss_of=cross_entropy, lr=3e-3):
    """Twenty losses, of two batches in turn so that they fall; `loss_of` takes rows of logits, tokens, which batch."""
    model = build(shape)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01
    )
    losses = []
    for step in range(steps):
        tokens = batch(shape, rows, length, step % 2)
        logits = model(input_ids=tokens).logits[:, :-1]
        loss = loss_of(logits.reshape(-1, shape["vocab_size"]), tokens, step % 2)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses


def large(rows, length):
    """Twenty losses of the large student by each of three losses."""
    teacher = build(TEACHER, seed=4, deviation=0.2)
    with torch.no_grad():
        logits = [teacher(input_ids=batch(LARGE, rows, length, which)).logits[:, :-1] for which in (0, 1)]
        log_p = [functional.log_softmax(some.reshape(-1, LARGE["vocab_size"]), -1) for some in logits]
        top = [some.topk(64, -1) for some in log_p]
        tails = [1 - some.values.double().exp().sum(-1, keepdim=True) for some in top]
        p_of = [torch.cat([some.values.double().exp(), tail], -1) for some, tail in zip(top, tails)]

    def full(logits, _tokens, which):
        log_q = functional.log_softmax(logits, -1)
        return functional.kl_div(log_q, log_p[which], reduction="batchmean", log_target=True)

    def top_and_tail(logits, _tokens, which):
        log_q = functional.log_softmax(logits, -1)
        known = log_q.gather(-1, top[which].indices)
        rest = log_q.scatter(-1, top[which].indices, -torch.inf).logsumexp(-1, keepdim=True)
        p = p_of[which]
        return (p * (p.log() - torch.cat([known, rest], -1).double())).sum(-1).mean()

    runs = {"cross-entropy": cross_entropy, "forward-kl, full": full, "forward-kl, top 64": top_and_tail}
    losses = {name: train(LARGE, rows, length, 20, loss_of, lr=1e-3) for name, loss_of in runs.items()}
    answer = {"shape": LARGE, "teacher": TEACHER, "rows": rows, "length": length, "losses": losses}
    if rows * length > 1000:
        answer["top"] = [
            {"ids": some.indices.tolist(), "log_probs": some.values.tolist(), "tails": tail[:, 0].tolist()}
            for some, tail in zip(top, tails)
        ]
    return answer


def divergence(kind, beta, p_logits, q_logits, temperature):
    log_p = functional.log_softmax(p_logits / temperature, -1)
    log_q = functional.log_softmax(q_logits / temperature, -1)
    if kind == "jensen-shannon":
        mixture = torch.log(beta * log_p.exp() + (1 - beta) * log_q.exp())
        value = beta * functional.kl_div(mixture, log_p, reduction="sum", log_target=True)
        value = value + (1 - beta) * functional.kl_div(mixture, log_q, reduction="sum", log_target=True)
    elif kind == "forward-kl":
        value = functional.kl_div(log_q, log_p, reduction="sum", log_target=True)
    elif kind == "reverse-kl":
        value = functional.kl_div(log_p, log_q, reduction="sum", log_target=True)
    else:
        value = 0.5 * (log_p.exp() - log_q.exp()).abs().sum()
    return value * temperature**2


def rows():
    """Losses of single rows and their gradients, from PyTorch's own functions in f64."""
    vocab = 16
    teacher = torch.from_numpy((uniform(3, 0, vocab) * 6 - 3).astype(numpy.float32)).double()
    student = torch.from_numpy((uniform(3, 1, vocab) * 6 - 3).astype(numpy.float32)).double()
    result = []
    for kind, beta in (
        ("forward-kl", 0.0),
        ("reverse-kl", 0.0),
        ("jensen-shannon", 0.1),
        ("jensen-shannon", 0.5),
        ("total-variation", 0.0),
    ):
        for temperature in (1.0, 2.0):
            logits = student.clone().requires_grad_(True)
            value = divergence(kind, beta, teacher, logits, temperature)
            value.backward()
            result.append(
                {
                    "divergence": kind,
                    "beta": beta,
                    "temperature": temperature,
                    "value": value.item(),
                    "gradient": logits.grad.tolist(),
                }
            )
    return result


TINY = {
    "vocab_size": 97,
    "hidden_size": 32,
    "layers": 2,
    "heads": 4,
    "kv_heads": 2,
    "intermediate_size": 48,
}
LARGE = {
    "vocab_size": 49152,
    "hidden_size": 256,
    "layers": 6,
    "heads": 8,
    "kv_heads": 8,
    "intermediate_size": 768,
}
TEACHER = {
    "vocab_size": 49152,
    "hidden_size": 128,
    "layers": 2,
    "heads": 4,
    "kv_heads": 2,
    "intermediate_size": 256,
}

if __name__ == "__main__":
    torch.manual_seed(0)
    if sys.argv[1] == "--large":
        answer, path = large(int(sys.argv[2]), int(sys.argv[3])), sys.argv[4]
    else:
        answer = {"shape": TINY, "rows": 4, "length": 24, "losses": train(TINY, 4, 24, 20), "divergences": rows()}
        path = sys.argv[1]
    with open(path, "w") as out:
        json.dump(answer, out, indent=1)
        out.write("\n")
