"""What the peers take for the same work, in CPU time on one core (`time.process_time`); one JSON object a line.

    python peer.py audit LOGS              json.loads, the digests, scores and means that lm-evaluation-harness 0.4 defines
    python peer.py digest FOLDER           csv, json.dumps and hashlib: four trees over the same records
    python peer.py janitor ITEMS CORPUS    lm-evaluation-harness's own decontamination (lm_eval 0.4.13, its Python mode)
    python peer.py datatrove ITEMS CORPUS  datatrove's n-gram decontamination (datatrove 0.10.1)

No tool audits such logs or digests such copies: for these two the peer is a plain script over Python's own C code (json, csv,
hashlib), which checks less than ours (no items against pins, no prompts derived anew, no settings).
"""

import csv
import hashlib
import json
import pathlib
import resource
import sys
import time

TIMES = 3


def main():
    mode, *words = sys.argv[1:]
    {"audit": audit, "digest": digest, "janitor": janitor, "datatrove": datatrove}[mode](*words)


def say(figure, seconds, size, rows, found):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = {"figure": figure, "seconds": seconds, "bytes": size, "rows": rows, "peak_mb": peak, "found": found}
    print(json.dumps(line), flush=True)


def median(work):
    """Returns the median CPU time of some calls, and what the last one gave."""
    seconds, given = [], None
    for _ in range(TIMES):
        start = time.process_time()
        given = work()
        seconds.append(time.process_time() - start)
    return sorted(seconds)[TIMES // 2], given


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def audit(folder):
    files = sorted(pathlib.Path(folder).rglob("*.jsonl"))
    size = sum(file.stat().st_size for file in files)

    def work():
        wrong = rows = 0
        for file in files:
            scores = []
            data = file.read_bytes()
            hashlib.sha256(data).hexdigest()
            for line in data.splitlines():
                row = json.loads(line)
                wrong += sha(json.dumps(row["doc"], indent=2, ensure_ascii=False)) != row["doc_hash"]
                wrong += sha(row["arguments"]["gen_args_0"]["arg_0"]) != row["prompt_hash"]
                wrong += sha(str(row["target"])) != row["target_hash"]
                numbers = [float(number) for number, _ in row["filtered_resps"]]
                best = numbers.index(max(numbers))
                wrong += (best == int(row["target"])) != row["acc"]
                scores.append(row["acc"])
                rows += 1
            sum(scores) / max(len(scores), 1)
        return wrong, rows

    seconds, (wrong, rows) = median(work)
    say("a Python script: json, hashlib, argmax", seconds, size, rows, f"{wrong} findings")


def digest(folder):
    files = sorted(pathlib.Path(folder).rglob("*.csv"))
    size = sum(file.stat().st_size for file in files)

    def root(leaves):
        if len(leaves) == 1:
            return leaves[0]
        half = 1
        while half * 2 < len(leaves):
            half *= 2
        return hashlib.sha256(b"\1" + root(leaves[:half]) + root(leaves[half:])).digest()

    def canonical(record):
        return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    def work():
        rows, subsets = 0, []
        for file in files:
            leaves, loose, gold_free = [], [], []
            with file.open(newline="") as text:
                for row in list(csv.reader(text))[1:]:
                    question, choices, gold = row[0], row[1:5], row[5]
                    record = {"question": question, "choices": choices, "gold": gold}
                    leaves.append(hashlib.sha256(b"\0" + canonical(record)).digest())
                    plain = {**record, "question": " ".join(question.split()), "choices": [" ".join(c.split()) for c in choices]}
                    loose.append(hashlib.sha256(b"\0" + canonical(plain)).digest())
                    del record["gold"]
                    gold_free.append(hashlib.sha256(b"\0" + canonical(record)).digest())
                    rows += 1
            for all_leaves in (leaves, loose, sorted(leaves), gold_free):
                subsets.append(root(all_leaves))
        return rows

    seconds, rows = median(work)
    say("a Python script: csv, json, hashlib", seconds, size, rows, "")


def documents(corpus):
    with open(corpus) as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return texts, sum(len(text.encode()) for text in texts)


def items(path):
    with open(path) as lines:
        return [json.loads(line) for line in lines]


def janitor(items_path, corpus):
    from lm_eval.decontamination import janitor as module

    assert not module.JANITOR_CPP, "the C++ part is not in the package"
    cleaner = module.Janitor(ngram_n=13, too_dirty_cutoff=1 << 30)
    for item in items(items_path):
        cleaner.register_contaminant_python("\n".join([item["question"], *item["others"]]))
    texts, size = documents(corpus)
    seconds, dirty = median(lambda: sum(len(cleaner.clean_python(text)) != 1 for text in texts))
    say("lm-evaluation-harness's Janitor, the texts alone", seconds, size, len(texts), f"{dirty} documents")


def datatrove(items_path, corpus):
    from datatrove.data import Document
    from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter, NGramsDecontIndexer

    config = NGramsDecontConfig(n_grams=13, find_query_ngrams=True)
    # Its indexer asks for lighteval, which only names tasks; the hashes are made by its own function.
    indexer = object.__new__(NGramsDecontIndexer)
    scanner = NGramsDecontFilter(index_folder=str(pathlib.Path(corpus).parent), config=config)
    indexer.config, indexer.tokenizer, indexer.hash_func = config, scanner.tokenizer, scanner.hash_func
    scanner._index_hashes = {}
    for item in items(items_path):
        for number in indexer.compute_hashes("\n".join(item["others"]), item["question"]):
            scanner._index_hashes[number] = "items"
    texts, size = documents(corpus)

    def work():
        return sum(scanner.filter(Document(text=text, id=str(at))) is not True for at, text in enumerate(texts))

    seconds, dirty = median(work)
    say("datatrove's NGramsDecontFilter, the texts alone", seconds, size, len(texts), f"{dirty} documents")


if __name__ == "__main__":
    main()
