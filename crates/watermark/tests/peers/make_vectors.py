"""Makes the further vectors of `docs/spec/vectors/watermark-schemes` (more_*.json) and `watermark-sbw`.

Every figure comes from a public reference implementation, run unmodified; this file only chooses inputs and writes down
what came out. Needs Python with torch, transformers, scipy, and, unpacked in directories (`unzip -q X.whl -d DIR`), the
wheels of vllm 0.33.0 (see vllm_wheel.py), sglang 0.5.23 (see sglang_murmur.py), sbw 1.0.0 and textseal 0.0.5:

    python make_vectors.py --vllm DIR --sglang DIR --sbw DIR --textseal DIR [--vllm-main DIR] --out docs/spec/vectors

A reference whose directory is not given is left out. `--vllm-main` is the same selection of files from vLLM's main
branch, which has SynthID. torch.compile is switched off: the references then run the same code eagerly.
"""

import argparse
import os

os.environ["TORCHDYNAMO_DISABLE"] = "1"

import torch

import kgw_synthid
import sbw_textseal
import sglang_murmur
import vllm_philox
from writing import write

parser = argparse.ArgumentParser()
for name in ("--vllm", "--vllm-main", "--sbw", "--textseal", "--sglang"):
    parser.add_argument(name)
parser.add_argument("--out", required=True)
args = parser.parse_args()

torch.set_num_threads(1)
schemes = f"{args.out}/watermark-schemes"
write(schemes, "more_kgw_transformers", kgw_synthid.kgw())
for name, case in kgw_synthid.synthid():
    write(schemes, f"more_synthid_transformers_{name}", case)
if args.vllm:
    write(schemes, "more_vllm_0_33_philox", vllm_philox.philox(args.vllm))
if args.vllm_main:
    write(schemes, "more_vllm_main_synthid", vllm_philox.synthid(args.vllm_main))
if args.sglang:
    write(schemes, "more_sglang_0_5_23", sglang_murmur.sglang(args.sglang))
if args.textseal:
    write(schemes, "more_textseal", sbw_textseal.textseal(args.textseal))
if args.sbw:
    for name, case in sbw_textseal.sbw(args.sbw):
        write(f"{args.out}/watermark-sbw", name, case)
