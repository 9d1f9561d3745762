"""Runs the real lm-evaluation-harness on local copies of benchmarks, with its own task files.

    python genuine.py DATA OUT [VARIANT...]

DATA is the folder of benchmark copies, OUT gets one folder a variant. Each task includes the harness's own YAML and
changes nothing but where its rows lie. The model answers from a digest of the prompt: no weights, the same bytes each time.
"""

import bz2
import csv
import hashlib
import json
import pathlib
import sys

import lm_eval
import lm_eval.models.dummy  # noqa: F401, registers that model
from lm_eval.__main__ import cli_evaluate
from lm_eval.api.model import LM
from lm_eval.api.registry import register_model

SUBJECTS = ["anatomy", "abstract_algebra", "philosophy"]
BBH = ["boolean_expressions", "date_understanding"]


def draw(*parts):
    """A number in [0, 1) that depends on the texts alone."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


@register_model("seeded")
class Seeded(LM):
    """Answers by digest: right now and then, sometimes off the rails."""

    tokenizer_name = "seeded"

    def __init__(self, gold=None, **_):
        super().__init__()
        self.gold = gold or {}

    @classmethod
    def create_from_arg_string(cls, arg_string, additional_config=None):
        return cls()

    def loglikelihood(self, requests, disable_tqdm=False):
        return [(-30 * draw(r.args) - 0.01, draw("greedy", r.args) < 0.1) for r in requests]

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        return [-500 * draw(r.args) for r in requests]

    def generate_until(self, requests, disable_tqdm=False):
        return [self.say(r) for r in requests]

    def say(self, request):
        gold = str(request.doc.get("answer", request.doc.get("target", "")))
        kind = draw("kind", request.args[0])
        number = int(draw("number", request.args[0]) * 5000)
        if kind < 0.3:
            return " " + gold
        if kind < 0.4:
            return " So the answer is " + gold.split("#### ")[-1] + "."
        if kind < 0.5:
            return f" First ${number:,}.50, then {number * 7}.\nThe answer is {number:,}.\n#### {number:,}."
        if kind < 0.6:
            return f"\n{number} {{eggs}}, é 'and' \"quotes\" \\ \t #### -{number}\n"
        return ["", "lol", " I do not know; -3 or $4,00.", "((A) or (B)): A"][int(kind * 1000) % 4]

    def apply_chat_template(self, chat_history, add_generation_prompt=True):
        return "".join(f"<{m['role']}>{m['content']}</{m['role']}>" for m in chat_history)

    def chat_template(self, chat_template=False):
        return "{{ messages }}"


def rows(path, records):
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


def mmlu(data, out, subject, split):
    with open(data / "mmlu" / split / f"{subject}_{split}.csv", newline="", encoding="utf-8") as file:
        table = list(csv.reader(file))
    if table[0][:2] == ["question", "choice0"]:
        table = table[1:]
    rows(out / f"mmlu_{subject}_{split}.jsonl", [
        {"question": row[0], "subject": subject, "choices": row[1:5], "answer": int(row[5])} for row in table
    ])


def convert(data, out):
    """Writes the copies in the shape of the datasets that the harness's own task files expect."""
    for subject in SUBJECTS:
        mmlu(data, out, subject, "dev")
        mmlu(data, out, subject, "test")
    for split in ["train", "test"]:
        rows(out / f"gsm8k_{split}.jsonl", map(json.loads, open(data / "gsm8k" / f"{split}.jsonl", encoding="utf-8")))
    arc = [json.loads(line) for line in open(data / "arc" / "arc_challenge.jsonl", encoding="utf-8")]
    rows(out / "arc.jsonl", [
        {
            "id": f"q{idx}",
            "question": row["query"].removeprefix("Question: "),
            "choices": {"text": row["choices"], "label": list("ABCDE")[: len(row["choices"])]},
            "answerKey": "ABCDE"[row["gold"]],
        }
        for idx, row in enumerate(arc)
    ])
    lines = bz2.open(data / "hellaswag" / "hellaswag_val_full.txt.bz2", "rt", encoding="utf-8").read().split("\n")
    rows(out / "hellaswag.jsonl", [
        {
            "ind": at // 6,
            "activity_label": lines[at].split(": ")[0],
            "ctx_a": lines[at].split(": ", 1)[1],
            "ctx_b": "",
            "endings": lines[at + 2 : at + 6],
            "label": lines[at + 1],
        }
        for at in range(0, len(lines) - 5, 6)
    ])
    truthful = json.load(open(data / "truthfulqa" / "data" / "v1" / "mc_task.json", encoding="utf-8"))
    for row in truthful:
        row.pop("mc0_targets", None)
        for key in ["mc1_targets", "mc2_targets"]:
            row[key] = {"choices": list(row[key]), "labels": list(row[key].values())}
    rows(out / "truthfulqa.jsonl", truthful)
    for name in BBH:
        rows(out / f"bbh_{name}.jsonl", json.load(open(data / "bbh" / "bbh" / f"{name}.json"))["examples"])


def task(out, name, include, told=None, **splits):
    """A task of the harness; `told` are templates of its own, which it declares, in a folder of their own."""
    files = {split: str(out / file) for split, file in splits.items()}
    own = pathlib.Path(lm_eval.__file__).parent / "tasks" / include
    # JSON is YAML.
    override = {
        "include": str(own), "task": name, "dataset_path": "json", "dataset_name": None, "tag": [],
        "dataset_kwargs": {"data_files": files}, **(told or {}),
    }
    folder = out.parent / "told-tasks" if told else out
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(json.dumps(override))


def tasks(out):
    for subject in SUBJECTS:
        task(out, f"mmlu_{subject}", f"mmlu/default/mmlu_{subject}.yaml",
             test=f"mmlu_{subject}_test.jsonl", dev=f"mmlu_{subject}_dev.jsonl")
    (out / "group.yaml").write_text(json.dumps({
        "group": "mmlu", "task": [f"mmlu_{subject}" for subject in SUBJECTS],
        "aggregate_metric_list": [{"metric": "acc", "weight_by_size": True}], "metadata": {"version": 2},
    }))
    for name in ["gsm8k", "gsm8k-cot", "gsm8k-cot-zeroshot"]:
        task(out, name.replace("-", "_"), f"gsm8k/{name}.yaml", train="gsm8k_train.jsonl", test="gsm8k_test.jsonl")
    task(out, "arc_challenge", "arc/arc_challenge.yaml", train="arc.jsonl", validation="arc.jsonl", test="arc.jsonl")
    task(out, "hellaswag", "hellaswag/hellaswag.yaml", train="hellaswag.jsonl", validation="hellaswag.jsonl")
    for name in ["truthfulqa_mc1", "truthfulqa_mc2"]:
        task(out, name, f"truthfulqa/{name}.yaml", validation="truthfulqa.jsonl")
    for name in BBH:
        task(out, f"bbh_cot_fewshot_{name}", f"bbh/cot_fewshot/{name}.yaml", test=f"bbh_{name}.jsonl")
        task(out, f"bbh_zeroshot_{name}", f"bbh/zeroshot/{name}.yaml", test=f"bbh_{name}.jsonl")
    told(out)


def told(out):
    """Tasks that declare other templates than the harness's own."""
    listed = "".join(f"\n({letter}) {{{{choices[{idx}]}}}}" for idx, letter in enumerate("ABCD"))
    task(out, "mmlu_anatomy", "mmlu/default/mmlu_anatomy.yaml", test="mmlu_anatomy_test.jsonl",
         dev="mmlu_anatomy_dev.jsonl", told={
             "description": "A student asks; answer with A, B, C or D.\n\n",
             "doc_to_text": "Q: {{question.strip()}}" + listed + "\nA:",
         })
    task(out, "mmlu_philosophy", "mmlu/default/mmlu_philosophy.yaml", test="mmlu_philosophy_test.jsonl",
         dev="mmlu_philosophy_dev.jsonl", told={"gen_prefix": "The letter is"})
    task(out, "mmlu_abstract_algebra", "mmlu/default/mmlu_abstract_algebra.yaml",
         test="mmlu_abstract_algebra_test.jsonl", dev="mmlu_abstract_algebra_dev.jsonl",
         told={"description": "", "num_fewshot": 3, "fewshot_config": {"sampler": "default"}})
    task(out, "gsm8k", "gsm8k/gsm8k.yaml", train="gsm8k_train.jsonl", test="gsm8k_test.jsonl", told={
        "description": "Solve it.\n\n", "gen_prefix": "Let us think.", "num_fewshot": 2,
    })
    task(out, "arc_challenge", "arc/arc_challenge.yaml", train="arc.jsonl", validation="arc.jsonl", test="arc.jsonl",
         told={"doc_to_text": "{{question}}{% for choice in choices.text %}\n- {{choice}}{% endfor %}\nIt is:"})


MMLU = ",".join(f"mmlu_{subject}" for subject in SUBJECTS)
FEW = f"{MMLU},gsm8k,arc_challenge,hellaswag,truthfulqa_mc1,truthfulqa_mc2"
GENERATE = ",".join(f"bbh_{kind}_{name}" for kind in ["cot_fewshot", "zeroshot"] for name in BBH)
VARIANTS = {
    "dummy": ["--model", "dummy", "--tasks", FEW, "--limit", "40"],
    "full": ["--tasks", f"mmlu,arc_challenge,truthfulqa_mc1,truthfulqa_mc2"],
    "generated": ["--tasks", f"gsm8k,gsm8k_cot,gsm8k_cot_zeroshot,{GENERATE}", "--limit", "60"],
    "shots": ["--tasks", "mmlu,hellaswag,arc_challenge", "--num_fewshot", "5", "--limit", "30"],
    "chat": ["--tasks", f"gsm8k,{MMLU}", "--limit", "20", "--apply_chat_template", "--system_instruction", "Be brief."],
    "multiturn": ["--tasks", "gsm8k,arc_challenge", "--limit", "20", "--apply_chat_template", "--fewshot_as_multiturn",
                  "--num_fewshot", "3"],
    "told": ["--tasks", f"{MMLU},gsm8k,arc_challenge", "--system_instruction", "Answer 1 A question, then B brief."],
    "predict": ["--tasks", "gsm8k", "--limit", "10", "--predict_only"],
}


def main():
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    prepared = out / "tasks"
    prepared.mkdir(parents=True, exist_ok=True)
    convert(data, prepared)
    tasks(prepared)
    for name in sys.argv[3:] or VARIANTS:
        model = [] if "--model" in VARIANTS[name] else ["--model", "seeded"]
        folder = out / "told-tasks" if name == "told" else prepared
        sys.argv = ["lm_eval", *model, *VARIANTS[name], "--include_path", str(folder), "--log_samples",
                    "--output_path", str(out / name)]
        cli_evaluate()


if __name__ == "__main__":
    main()
