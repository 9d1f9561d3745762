"""LoadGen drives a Stillmark model: LoadGen -> this script -> `stillmark model answer` over a pipe.

    pip install mlcommons-loadgen
    python bench/mlperf/sut.py --questions questions.jsonl --model smollm2-135m-instruct \
        --benchmark deepseek-r1 --scenario SingleStream --mode accuracy --out logs/accuracy
    python bench/mlperf/sut.py ... --mode performance --out logs/performance

questions.jsonl: one {"id": ..., "prompt": ...} a line, in the order of the sample indices. See README.md beside this file.
"""

import argparse
import array
import json
import pathlib
import re
import subprocess

import mlperf_loadgen as lg

USER_CONF = """# What LoadGen expects of this system; all else is as its own mlperf.conf has it.
*.SingleStream.target_latency = 1000
*.Offline.target_qps = 5
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", required=True, help="JSON Lines of {id, prompt}")
    parser.add_argument("--model", required=True, help="a path, or a name of `stillmark model list`")
    parser.add_argument("--benchmark", required=True, help="the official benchmark whose rules are run under")
    parser.add_argument("--scenario", default="SingleStream", choices=["SingleStream", "Offline"])
    parser.add_argument("--mode", required=True, choices=["accuracy", "performance"])
    parser.add_argument("--out", required=True, help="where LoadGen's logs go")
    parser.add_argument("--stillmark", default="stillmark", help="the program")
    parser.add_argument("--max-tokens", default=1, type=int, help="an answer's greatest length")
    parser.add_argument("--chat", action="store_true", help="ask through the model's chat template")
    parser.add_argument("--user-conf", help="LoadGen's user.conf [default: one is written into --out]")
    parser.add_argument("--min-duration-ms", type=int, help="shorter than the rules ask: such a run is a trial, not submittable")
    return parser.parse_args()


class Model:
    """The model as a child process: a question a line, an answer a line."""

    def __init__(self, args):
        command = [args.stillmark, "model", "answer", args.model, "--max-tokens", str(args.max_tokens)]
        if not args.chat:
            command.append("--raw-prompts")
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def ask(self, question):
        line = json.dumps({"id": question["id"], "prompt": question["prompt"]}, ensure_ascii=False)
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        if not answer:
            raise SystemExit("the model's process ended; see its message above")
        return json.loads(answer)

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def main():
    args = arguments()
    with open(args.questions, encoding="utf-8") as lines:
        questions = [json.loads(line) for line in lines]
    model = Model(args)
    model.ask(questions[0])  # The first answer pays for loading; it is not measured.

    def issue(samples):
        for sample in samples:
            answer = model.ask(questions[sample.index])
            data = array.array("B", answer["response"].encode("utf-8"))
            address, length = data.buffer_info()
            response = lg.QuerySampleResponse(sample.id, address, length, answer["tokens"])
            lg.FirstTokenComplete([response])
            lg.QuerySamplesComplete([response])

    settings = lg.TestSettings()
    # In LoadGen's mlperf.conf names are without dots and without accuracy targets.
    name = re.sub(r"-(95|99|99\.9)$", "", args.benchmark).replace("llama3.1", "llama3_1")
    name = "resnet50" if name == "resnet" else name
    pathlib.Path(args.out).mkdir(parents=True, exist_ok=True)
    user_conf = args.user_conf
    if user_conf is None:
        user_conf = str(pathlib.Path(args.out) / "user.conf")
        pathlib.Path(user_conf).write_text(USER_CONF, encoding="utf-8")
    if settings.FromConfig(user_conf, name, args.scenario) != 0:
        raise SystemExit(f"LoadGen does not take {user_conf}")
    settings.scenario = getattr(lg.TestScenario, args.scenario)
    settings.mode = lg.TestMode.AccuracyOnly if args.mode == "accuracy" else lg.TestMode.PerformanceOnly
    if args.min_duration_ms is not None:
        settings.min_duration_ms = args.min_duration_ms
    output = lg.LogOutputSettings()
    output.outdir = args.out
    output.copy_summary_to_stdout = False
    logs = lg.LogSettings()
    logs.log_output = output
    logs.enable_trace = False
    sut = lg.ConstructSUT(issue, lambda: None)
    qsl = lg.ConstructQSL(len(questions), len(questions), lambda indices: None, lambda indices: None)
    lg.StartTestWithLogSettings(sut, qsl, settings, logs)
    lg.DestroyQSL(qsl)
    lg.DestroySUT(sut)
    model.close()


if __name__ == "__main__":
    main()
