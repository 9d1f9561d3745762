"""Runs stillmark and lm-evaluation-harness side by side on the same model and records, and compares every answer."""
import argparse
import bz2
import csv
import glob
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

LOG_LIKELIHOOD = 1e-3


def rows_of(task, root, part):
    """The records of a copy, as the dataset on the model hub has them."""
    if task.startswith("mmlu_"):
        subject = task[5:]
        for row in csv.DictReader(open(f"{root}/mmlu/{part}/{subject}_{part}.csv", newline="")):
            choices = [row[f"choice{i}"] for i in range(4)]
            yield dict(question=row["question"], subject=subject, choices=choices, answer=int(row["answer"]))
    elif task.startswith("arc_"):
        for idx, line in enumerate(open(f"{root}/arc/{task}.jsonl")):
            row = json.loads(line)
            labels = "ABCDEFGH"[: len(row["choices"])]
            question = row["query"].removeprefix("Question: ")
            choices = dict(text=row["choices"], label=list(labels))
            yield dict(id=f"{task}_{idx}", question=question, choices=choices, answerKey=labels[row["gold"]])
    elif task == "hellaswag":
        lines = bz2.open(f"{root}/hellaswag/hellaswag_val_full.txt.bz2", "rt", newline="\n").read().split("\n")
        for at in range(0, len(lines) - 5, 6):
            activity, context = lines[at].split(": ", 1)
            yield dict(ind=at // 6, activity_label=activity, ctx_a=context, ctx_b="", ctx=context,
                       endings=lines[at + 2 : at + 6], label=lines[at + 1])
    elif task.startswith("gsm8k"):
        yield from map(json.loads, open(f"{root}/gsm8k/{part}.jsonl"))
    else:
        sys.exit(f"no copy of {task} is known here")


def files_of(task, root, folder):
    """Writes the records of a task for `datasets`, part by part."""
    parts = {"mmlu": ["test", "dev"], "gsm8k": ["test", "train"], "arc": ["test", "train", "validation"]}
    files = {}
    for part in parts.get(task.split("_")[0], ["validation", "train"]):
        path = f"{folder}/{task}-{part}.jsonl"
        with open(path, "w") as out:
            out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows_of(task, root, part))
        files[part] = path
    return files


def data_of(task, root):
    """The folder or file of a copy, for stillmark."""
    if task.startswith("arc_"):
        return f"{root}/arc/{task}.jsonl"
    return f"{root}/{task.split('_')[0]}"


def peer(task, shots, limit, model, files):
    """The harness's samples, and the CPU seconds they took."""
    import lm_eval
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks import TaskManager
    from lm_eval.tasks._yaml_loader import load_yaml

    config = load_yaml(TaskManager().task_index[task].yaml_path, resolve_func=True)
    config.update(task=task, dataset_path="json", dataset_name=None, dataset_kwargs=dict(data_files=files))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    result = lm_eval.simple_evaluate(model=model, tasks=[ConfigurableTask(config=config)], num_fewshot=shots,
                                     limit=limit, log_samples=True, bootstrap_iters=0)
    return result["samples"][task], resource.getrusage(resource.RUSAGE_SELF).ru_utime - before


def ours(task, shots, limit, arguments, folder):
    """Stillmark's samples, the CPU seconds they took and the peak memory in KB."""
    out = f"{folder}/run-{task}-{shots}-{time.time_ns()}"
    command = [arguments.stillmark, "benchmark", "run", task, "--model", arguments.model, "--out", out,
               "--data", data_of(task, arguments.data), "--log", f"{folder}/log", "--quiet"]
    command += ["--num-fewshot", str(shots)] * (shots is not None) + ["--limit", str(limit)] * (limit is not None)
    environment = dict(os.environ, STILLMARK_KEY=f"{folder}/key.pem", STILLMARK_TRUST=f"{folder}/trusted")
    if not os.path.exists(f"{folder}/key.pem"):
        subprocess.run([arguments.stillmark, "key", "new", "--quiet"], env=environment, check=True, stdout=subprocess.DEVNULL)
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"stillmark ended with {status}")
    samples = [json.loads(line) for line in open(glob.glob(f"{out}/samples_*.jsonl")[0])]
    return samples, usage.ru_utime, usage.ru_maxrss


def lls(sample):
    """The log-likelihoods of a sample; none where it is a text."""
    first = sample["resps"][0]
    first = first[0] if isinstance(first[0], (list, tuple)) else None
    return [float(one[0][0]) for one in sample["resps"]] if first else None


def compare(task, theirs, own):
    """What differs between two sets of samples."""
    key = lambda sample: (sample["filter"], sample["doc_id"])
    theirs = {key(sample): sample for sample in theirs}
    worst, texts, close, wrong = 0.0, 0, [], []
    for sample in own:
        other = theirs[key(sample)]
        assert sample["prompt_hash"] == other["prompt_hash"], (task, key(sample))
        score = [name for name in sample["metrics"] if sample[name] != other[name]]
        mine, their = lls(sample), lls(other)
        if mine is None:
            texts += sample["resps"] != [list(one) for one in other["resps"]]
            wrong += [key(sample)] * bool(score)
            continue
        worst = max(worst, max(abs(a - b) for a, b in zip(mine, their, strict=True)))
        top = sorted(their)[-2:]
        if score:
            (close if top[1] - top[0] < LOG_LIKELIHOOD else wrong).append(key(sample))
    print(f"  {len(own)} rows: log-likelihoods within {worst:.2e}, {texts} texts differ, "
          f"scores differ at {wrong or 'none'}, and at {close or 'none'} whose top two are within {LOG_LIKELIHOOD}")
    return not wrong and worst <= LOG_LIKELIHOOD


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stillmark", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("tasks", nargs="+", help="TASK, TASK:SHOTS, TASK@LIMIT, TASK:SHOTS@LIMIT")
    arguments = parser.parse_args()
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=arguments.model, dtype="float32", device="cpu", batch_size=arguments.batch)
    sound = True
    with tempfile.TemporaryDirectory() as folder:
        for word in arguments.tasks:
            name, _, limit = word.partition("@")
            task, _, shots = name.partition(":")
            shots, limit = int(shots) if shots else None, int(limit) if limit else None
            own, cpu, memory = ours(task, shots, limit, arguments, folder)
            theirs, their_cpu = peer(task, shots, limit, model, files_of(task, arguments.data, folder))
            print(f"{word}: stillmark {cpu:.1f} s CPU, peak {memory >> 10} MB; lm_eval {their_cpu:.1f} s CPU "
                  f"({their_cpu / cpu:.2f} times), peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")
            sound &= compare(task, theirs, own)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())
