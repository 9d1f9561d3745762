"""Whether lm-evaluation-harness's own tools read the folder of a run: `harness_reads.py FOLDER`; the tables are printed."""

import glob
import json
import sys

from lm_eval.api.metrics import aggregate_subtask_metrics, pooled_sample_stderr
from lm_eval.utils import get_file_task_name, get_latest_filename, get_results_filenames, get_sample_results_filenames, make_table


def leaves(results, name):
    inner = results["group_subtasks"].get(name)
    return [leaf for member in inner for leaf in leaves(results, member)] if inner else [name]


def main(folder):
    names = glob.glob(f"{folder}/*.json*")
    names = [name for name in names if "results_" in name or "samples_" in name]
    assert get_results_filenames(names) == [get_latest_filename(names)], names
    results = json.load(open(get_latest_filename(names)))
    tasks = {get_file_task_name(name.rsplit("/", 1)[1]) for name in get_sample_results_filenames(names)}
    assert tasks == set(results["configs"]), tasks
    for group, stated in results.get("groups", {}).items():
        own = [results["results"][task] for task in leaves(results, group)]
        (key,) = stated["sample_count"]
        metric, name = key.split(",")
        values, sizes = [one[key] for one in own], [one["sample_len"] for one in own]
        stderrs = [one[f"{metric}_stderr,{name}"] for one in own]
        assert abs(stated[key] - aggregate_subtask_metrics(values, sizes)) < 1e-12, group
        assert abs(stated[f"{metric}_stderr,{name}"] - pooled_sample_stderr(stderrs, sizes)) < 1e-12, group
        assert stated == results["results"][group] and stated["sample_len"] == sum(sizes), group
    print(make_table(results))
    if "groups" in results:
        print(make_table(results, "groups"))


main(sys.argv[1])
