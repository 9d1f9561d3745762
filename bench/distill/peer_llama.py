"""llama.cpp on the default teacher's GGUF: prefill of long prompts, and decoding of a batch of rows.

Needs llama-cpp-python built for this machine. Prints one JSON object.
"""

import argparse
import json
import resource
import time

import llama_cpp

parser = argparse.ArgumentParser()
parser.add_argument("what", choices=["prefill", "generate"])
parser.add_argument("--model", required=True)
parser.add_argument("--threads", type=int, default=2)
args = parser.parse_args()
# Prefill: rows of a text each, no new tokens. Generation: rows with short prompts.
args.rows, args.length, args.new = (8, 256, 0) if args.what == "prefill" else (32, 16, 64)

llama_cpp.llama_backend_init()
quiet = llama_cpp.llama_log_callback(lambda *_: None)
llama_cpp.llama_log_set(quiet, None)
model = llama_cpp.llama_model_load_from_file(args.model.encode(), llama_cpp.llama_model_default_params())
params = llama_cpp.llama_context_default_params()
params.n_threads = params.n_threads_batch = args.threads
params.n_batch = params.n_ubatch = 512
params.n_seq_max = args.rows
params.n_ctx = args.rows * (args.length + args.new)
params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
context = llama_cpp.llama_init_from_model(model, params)
memory = llama_cpp.llama_get_memory(context)
n_vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))


def token(row, at):
    return 100 + (row * 7919 + at * 104729) % (n_vocab - 200)


def decode(cells, wanted):
    batch = llama_cpp.llama_batch_init(len(cells), 0, 1)
    batch.n_tokens = len(cells)
    for idx, (row, at) in enumerate(cells):
        batch.token[idx] = token(row, at)
        batch.pos[idx] = at
        batch.n_seq_id[idx] = 1
        batch.seq_id[idx][0] = row
        batch.logits[idx] = idx in wanted
    assert llama_cpp.llama_decode(context, batch) == 0
    llama_cpp.llama_batch_free(batch)


def prefill():
    last = args.length - 1
    for row in range(0, args.rows, 2):
        cells = [(row + idx, at) for idx in range(2) for at in range(args.length)]
        decode(cells, {last, args.length + last})
    return args.rows * args.length


def generate():
    for at in range(args.length, args.length + args.new):
        decode([(row, at) for row in range(args.rows)], set(range(args.rows)))
    return args.rows * args.new


if args.what == "prefill":
    prefill()
    llama_cpp.llama_memory_clear(memory, True)
    work = prefill
else:
    for row in range(args.rows):
        decode([(row, at) for at in range(args.length)], {args.length - 1})
    work = generate
wall, cpu = time.perf_counter(), time.process_time()
tokens = work()
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps({
    "what": args.what, "precision": "q4_1", "engine": f"llama.cpp of llama-cpp-python {llama_cpp.__version__}", "tokens": tokens,
    "wall_s": wall, "cpu_s": cpu, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
