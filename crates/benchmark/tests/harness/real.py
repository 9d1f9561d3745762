"""Runs the real lm-evaluation-harness with a real model: transformers, 32 bits, on this machine's processor.

    python real.py DATA OUT GGUF [VARIANT...]

DATA and OUT are those of genuine.py. GGUF is a model's file: transformers' own reader makes a folder of 32-bit numbers of it, so that
nothing of ours lies between the file and the harness.
"""

import pathlib
import sys

import genuine
import torch
from lm_eval.__main__ import cli_evaluate
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

VARIANTS = {
    # What is compared with a run of ours, answer by answer.
    "compared": ["--tasks", "mmlu_anatomy,mmlu_abstract_algebra,arc_challenge"],
    "written": ["--tasks", "gsm8k", "--limit", "100"],
    # What else the audit must find in order.
    "audited": ["--tasks", "mmlu_philosophy,hellaswag,truthfulqa_mc1,truthfulqa_mc2", "--limit", "40"],
    "shown": ["--tasks", "mmlu_anatomy,mmlu_abstract_algebra,mmlu_philosophy,arc_challenge", "--limit", "10", "--num_fewshot", "5"],
}


def folder_of(path, out):
    """The model's folder, written once."""
    folder = out / "model"
    if not (folder / "tokenizer.json").exists():
        model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
        # What is written is no longer quantized.
        del model.config.quantization_config
        model.hf_quantizer, model.is_quantized = None, False
        model.save_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
        # The file names the pre-tokenizer `smollm`, which cuts digits out first. Transformers' reader forgets that step, and two spaces
        # before a digit would become other tokens than those the model was trained with.
        digits = pre_tokenizers.Digits(individual_digits=True)
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, tokenizer.backend_tokenizer.pre_tokenizer])
        tokenizer.save_pretrained(folder)
    return folder


def main():
    data, out, model = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
    prepared = out / "tasks"
    prepared.mkdir(parents=True, exist_ok=True)
    genuine.convert(data, prepared)
    genuine.tasks(prepared)
    folder = folder_of(model, out)
    for name in sys.argv[4:] or VARIANTS:
        sys.argv = ["lm_eval", "--model", "hf", "--model_args", f"pretrained={folder},dtype=float32", "--device", "cpu",
                    "--batch_size", "8", *VARIANTS[name], "--include_path", str(prepared), "--log_samples",
                    "--output_path", str(out / name)]
        cli_evaluate()


if __name__ == "__main__":
    main()
