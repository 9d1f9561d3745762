r"""Imports vLLM's own watermark code from an unpacked wheel, without installing vLLM.

    unzip -q vllm-0.33.0-*.whl 'vllm/v1/watermarking/*' 'vllm/config/watermarking.py' \
        'vllm/v1/sample/ops/topk_topp_sampler.py' -d DIR

What that code imports from the rest of vLLM (configuration, logging, the GPU sampler) is replaced by stubs; the
pseudorandom function, the samplers' torch path and the detectors are vLLM's, unchanged.
"""

import logging
import pathlib
import sys
import types

import pydantic.dataclasses


def load(directory):
    """Returns the module `vllm.v1.watermarking.gumbel` of the wheel unpacked in `directory`."""
    root = pathlib.Path(directory) / "vllm"
    if not (root / "v1/watermarking/gumbel.py").exists():
        raise FileNotFoundError(f"{root}/v1/watermarking/gumbel.py: unpack the wheel there first")
    for path in ("", "config", "v1", "v1/watermarking", "v1/sample", "v1/sample/ops"):
        stub(".".join(["vllm", *path.split("/")]).rstrip(".")).__path__ = [str(root / path)]
    stub("vllm.config.utils", config=pydantic.dataclasses.dataclass)
    stub("vllm.logger", init_logger=logging.getLogger)
    for name in ("vllm.v1.worker", "vllm.v1.worker.gpu", "vllm.v1.worker.gpu.sample"):
        stub(name).__path__ = []
    stub("vllm.v1.worker.gpu.sample.gumbel", gumbel_sample=None)
    from vllm.v1.watermarking import gumbel

    return gumbel


def top_k_only():
    """Returns vLLM's torch function that masks all but the k highest logits; call `load` first."""
    stub("vllm.envs")
    stub("vllm._aiter_ops", rocm_aiter_ops=None)
    stub("vllm.config.model", PROCESSED_LOGPROBS_MODES=(), LogprobsMode=str)
    stub("vllm.platforms", CpuArchEnum=None, current_platform=None)
    stub("vllm.platforms.interface", DeviceCapability=None)
    stub("vllm.triton_utils", HAS_TRITON=False)
    from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_only

    return apply_top_k_only


def stub(name, **attributes):
    """Puts a module of that name and those attributes where `import` finds it."""
    module = sys.modules[name] = types.ModuleType(name)
    vars(module).update(attributes)
    return module
