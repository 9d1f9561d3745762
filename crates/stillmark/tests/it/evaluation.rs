//! `benchmark run` from outside: its folder in the harness's own tools, its scores in a student's documents, and (`cargo xtask test
//! --long`) its answers beside those of the real harness with the same real model.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use stillmark_kernels::gemm::Precision;
use stillmark_model::likelihood::{Encoder, Query, likelihoods};
use stillmark_model::{Checkpoint, Decoder};

use crate::documents::{PLAN, objection, shared};
use crate::place::Place;

/// How far two implementations' log-likelihoods may be apart, and how near the top two must be for scores to differ.
const NEAR: f64 = 1e-3;

/// A copy of one subject, small enough to lie in the tree.
fn small_copy() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli/benchmark-run.in/mmlu");
    folder.to_str().unwrap().to_owned()
}

fn named(variable: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from);
    if found.is_none() {
        println!("skipped: {variable} is not set");
    }
    found
}

#[test]
fn groups_are_averaged_and_the_folder_is_read_by_the_audit_and_by_the_harness() {
    let Some(data) = shared("benchmarks/mmlu") else {
        println!("skipped: ../shared/data/benchmarks is not there");
        return;
    };
    let place = Place::tiny(PLAN, 1);
    let data = data.to_str().unwrap();
    let words = ["benchmark", "run", "mmlu_humanities", "--model", "tiny", "--data", data, "--limit", "4"];
    let run = [&words[..], &["--out", "run", "--log", "log", "--format", "json", "--quiet"]].concat();
    let answer: Value = serde_json::from_str(&place.done(&run)).unwrap();
    let group = &answer["groups"][0];
    assert_eq!((&group["group"], &group["asked"]), (&"mmlu_humanities".into(), &52.into()));
    let scores: Vec<f64> = answer["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["scores"][0]["value"].as_f64().unwrap())
        .collect();
    let mean = scores.iter().sum::<f64>() / 13.0;
    assert_eq!(scores.len(), 13);
    assert!(
        (group["micro"]["value"].as_f64().unwrap() - mean).abs() < 1e-12,
        "equal sizes: both averages are one"
    );
    assert!((group["macro"]["value"].as_f64().unwrap() - mean).abs() < 1e-12);
    place.done(&["verify", "run"]);

    let audit = place.stillmark(&["benchmark", "audit", "run", "--format", "json"]).output().unwrap();
    let audit: Value = serde_json::from_slice(&audit.stdout).unwrap();
    assert_eq!(audit["findings"], Value::Array(Vec::new()));
    let rows = audit["scores"].as_array().unwrap();
    assert_eq!(rows.iter().filter(|row| row["task"] == "mmlu_humanities").count(), 1, "{audit}");
    derived_anew(&audit);
    let told = place.ends(3, &["benchmark", "compare", "run", "run"]);
    assert!(told.contains("over 52 shared items in 13 clusters, of 13 tasks"), "{told}");

    let Some(python) = named("STILLMARK_TEST_HARNESS") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/harness_reads.py");
    let output = Command::new(python).arg(script).arg(place.path("run")).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        told.matches("|humanities").count(),
        2,
        "a row among the tasks, a row among the groups: {told}"
    );
}

/// Every claimed score of an audit was derived anew, and is the same.
fn derived_anew(audit: &Value) -> usize {
    let rows = audit["scores"].as_array().unwrap();
    let mut claims = 0;
    for row in rows {
        let Some(claimed) = row["claimed"].as_f64() else { continue };
        let recomputed = row["recomputed"].as_f64().unwrap_or_else(|| panic!("not derived: {row}"));
        assert!((claimed - recomputed).abs() < 1e-12, "{row}");
        claims += 1;
    }
    assert!(0 < claims);
    claims
}

#[test]
fn scores_are_disclosed_with_their_recipes_and_what_is_edited_is_found() {
    let place = Place::tiny(PLAN, 10);
    place.done(&["--quiet", "distill", "run", "plan.toml", "--out", "run"]);
    let evaluate = |model: &str, out: &str| {
        let copy = small_copy();
        let words = ["--quiet", "benchmark", "run", "mmlu_anatomy", "--num-fewshot", "1", "--log", "log"];
        let places = ["--model", model, "--data", &copy, "--out", out, "--format", "json"];
        let answer: Value = serde_json::from_str(&place.done(&[&words[..], &places].concat())).unwrap();
        answer["tasks"][0]["recipe_sha256"].as_str().unwrap().to_owned()
    };
    let recipe = evaluate("run/model", "scores");
    evaluate("tiny", "of-the-teacher");
    let said = place.ends(1, &["disclose", "run", "--evaluation", "of-the-teacher"]);
    assert!(said.contains("evaluates another model"), "{said}");
    let said = place.ends(1, &["disclose", "run", "--evaluation", "scores", "--evaluation", "scores"]);
    assert!(said.contains("by the same recipe"), "{said}");
    assert!(!place.path("run/disclosure/evaluations").exists());

    place.done(&["--quiet", "disclose", "run", "--evaluation", "scores"]);
    place.done(&["verify", "run"]);
    let read = |file: &str| fs::read_to_string(place.path("run").join(file)).unwrap();
    let files = [
        "modelcard.md",
        "cyclonedx-1.6.json",
        "cyclonedx-1.7.json",
        "spdx-3.0.1.json",
        "model-documentation-form.md",
    ];
    for file in files.map(|file| format!("disclosure/{file}")) {
        let text = read(&file);
        assert!(text.contains(&recipe) && text.contains("mmlu_anatomy"), "{file} holds no recipe");
        let forged = text.replace(&recipe, &recipe.replace(|c: char| c.is_ascii_digit(), "0"));
        fs::write(place.path("run").join(&file), forged).unwrap();
        let said = place.ends(1, &["verify", "run"]);
        assert!(said.contains(&file), "{said}");
        fs::write(place.path("run").join(&file), &text).unwrap();
    }
    judged_by_others(&place);
    // A score of the bill that the signed run does not hold.
    let bill = "disclosure/cyclonedx-1.6.json";
    let text = read(bill);
    let at = text.find("\"benchmark mmlu_anatomy (recipe").unwrap();
    let value = text[at..].find("\"value\": \"0.").unwrap() + at + "\"value\": \"0.".len();
    fs::write(place.path("run").join(bill), format!("{}9{}", &text[..value], &text[value..])).unwrap();
    assert!(place.ends(1, &["verify", "run"]).contains("acc"), "a forged score");
    // Written anew, the bill is sound; without the signed run, what documents say of it is not.
    place.done(&["--quiet", "disclose", "run"]);
    assert_eq!(read(bill), text);
    let bundle =
        fs::read_dir(place.path("run/disclosure/evaluations")).unwrap().next().unwrap().unwrap().path();
    let run = bundle.join("run.sigstore.json");
    fs::write(&run, fs::read_to_string(&run).unwrap().replacen("eyJ", "eyK", 1)).unwrap();
    place.ends(1, &["verify", "run"]);
    assert!(
        place.ends(1, &["disclose", "run"]).contains("disclosure/evaluations"),
        "a broken run is not disclosed"
    );
    fs::remove_dir_all(place.path("run/disclosure/evaluations")).unwrap();
    assert!(place.ends(1, &["verify", "run"]).contains("nothing of that name"));
}

/// Foreign validators take the documents that hold scores, and refuse a twin whose metric is no text.
fn judged_by_others(place: &Place) {
    let Some(python) = named("STILLMARK_TEST_VALIDATORS") else { return };
    for (kind, file) in [
        ("cyclonedx-1.6", "disclosure/cyclonedx-1.6.json"),
        ("cyclonedx-1.7", "disclosure/cyclonedx-1.7.json"),
        ("spdx-model", "disclosure/spdx-3.0.1.json"),
        ("card", "disclosure/modelcard.md"),
    ] {
        let path = place.path("run").join(file);
        assert_eq!(objection(&python, kind, &path, None), None, "{kind}");
        if kind.starts_with("cyclonedx") {
            let sound = fs::read_to_string(&path).unwrap();
            fs::write(&path, sound.replace("\"lowerBound\"", "\"lowest\"")).unwrap();
            assert!(
                objection(&python, kind, &path, None).is_some(),
                "{kind} took an interval without bounds"
            );
            fs::write(&path, sound).unwrap();
        }
    }
}

/// The rows of all samples files below a folder, by task, filter and record.
fn samples(folder: &Path) -> BTreeMap<(String, String, u64), Value> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
        if entry.is_dir() {
            all.extend(samples(&entry));
        } else if let Some(task) =
            name.strip_prefix("samples_").and_then(|name| Some(name.split("_2").next()?.to_owned()))
        {
            for line in fs::read_to_string(&entry).unwrap().lines() {
                let row: Value = serde_json::from_str(line).unwrap();
                let of = (
                    task.clone(),
                    row["filter"].as_str().unwrap().to_owned(),
                    row["doc_id"].as_u64().unwrap(),
                );
                all.insert(of, row);
            }
        }
    }
    all
}

/// The log-likelihoods of a row of choices, and the length of each choice in characters.
fn choices(row: &Value) -> (Vec<f64>, Vec<f64>) {
    let lls = row["filtered_resps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair[0].as_str().unwrap().parse().unwrap());
    let arguments = row["arguments"].as_object().unwrap();
    let text = |idx: usize| arguments[&format!("gen_args_{idx}")]["arg_1"].as_str().unwrap();
    let lengths = (0..arguments.len()).map(|idx| (text(idx).chars().count() - 1) as f64);
    (lls.collect(), lengths.collect())
}

/// How far the greatest is from the next.
fn margin(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() - 1] - sorted[sorted.len() - 2]
}

/// The model, for asking how near two texts were where they part.
struct Oracle {
    checkpoint: Checkpoint,
    decoder: Decoder,
}

impl Oracle {
    /// How far apart the first differing tokens of two answers to a prompt are, in nats.
    fn apart(&self, prompt: &str, texts: [&str; 2]) -> f64 {
        let tokenizer = self.checkpoint.tokenizer().unwrap();
        let encoder = Encoder::new(tokenizer).unwrap();
        let start = encoder.encode(prompt).unwrap();
        // Tokens of the whole: where a text ends, the model's own end stands.
        let eos = *self.checkpoint.config().eos.first().unwrap();
        let [a, b] =
            texts.map(|text| [encoder.encode(&format!("{prompt}{text}")).unwrap(), vec![eos]].concat());
        let shared = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
        assert!(start.len() <= shared && shared < a.len().min(b.len()), "the texts part within the answer");
        let limit = self.checkpoint.config().max_positions - 1;
        let context = a[shared.saturating_sub(limit)..shared].to_vec();
        let ask = |token: u32| Query { context: context.clone(), continuation: vec![token] };
        let mut found = [0.0; 2];
        likelihoods(&self.decoder, &[ask(a[shared]), ask(b[shared])], &mut |batch| {
            for (idx, likelihood) in batch {
                found[*idx] = likelihood.log_prob();
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        (found[0] - found[1]).abs()
    }
}

/// What two runs of the same tasks with the same model say.
#[derive(Debug, Default)]
struct Tally {
    rows: usize,
    worst: f64,
    /// Rows whose scores or texts differ, with how near the decision was.
    close: Vec<String>,
    wrong: Vec<String>,
}

impl Tally {
    fn add(&mut self, of: &str, near: f64) {
        let told = format!("{of} (top two {near:.1e} apart)");
        if near < NEAR { self.close.push(told) } else { self.wrong.push(told) }
    }

    fn row(&mut self, of: &str, ours: &Value, theirs: &Value, oracle: &Oracle) {
        self.rows += 1;
        assert_eq!(ours["prompt_hash"], theirs["prompt_hash"], "{of}");
        let metrics: Vec<&str> =
            ours["metrics"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        let differing = metrics.iter().filter(|metric| ours[**metric].as_f64() != theirs[**metric].as_f64());
        let Some(text) = ours["resps"][0][0].as_str() else {
            let ((mine, lengths), (their, _)) = (choices(ours), choices(theirs));
            assert_eq!(mine.len(), their.len(), "{of}");
            let worst = mine.iter().zip(&their).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            self.worst = self.worst.max(worst);
            for metric in differing {
                let by_length: Vec<f64> =
                    their.iter().zip(&lengths).map(|(ll, length)| ll / length).collect();
                let near = margin(if *metric == "acc_norm" { &by_length } else { &their });
                self.add(&format!("{of} {metric}"), near);
            }
            return;
        };
        let other = theirs["resps"][0][0].as_str().unwrap();
        if text == other {
            assert_eq!(differing.count(), 0, "{of}: the same text, another score");
        } else {
            let prompt = ours["arguments"]["gen_args_0"]["arg_0"].as_str().unwrap();
            self.add(&format!("{of} text"), oracle.apart(prompt, [text, other]));
        }
    }
}

/// The real harness with transformers, 32 bits, and our run: the same model, from the same file, which transformers itself reads.
#[test]
fn long_runs_answer_as_the_harness_does_with_the_same_real_model() {
    let (Some(python), Some(model)) = (named("STILLMARK_TEST_TORCH"), named("STILLMARK_TEST_MODEL")) else {
        return;
    };
    let Some(data) = shared("benchmarks") else {
        println!("skipped: ../shared/data/benchmarks is not there");
        return;
    };
    let place = Place::bare();
    place.done(&["--quiet", "key", "new"]);
    let logs = named("STILLMARK_TEST_REAL_LOGS").unwrap_or_else(|| place.path("real"));
    if !logs.exists() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benchmark/tests/harness/real.py");
        let mut command = Command::new(python);
        command.arg(script).args([&data, &logs, &model]);
        command
            .env("HF_HUB_OFFLINE", "1")
            .env("HF_DATASETS_OFFLINE", "1")
            .env("HF_HOME", place.path("cache"));
        assert!(command.status().unwrap().success(), "the harness did not run");
    }
    for variant in ["audited", "shown", "compared", "written"] {
        let folder = logs.join(variant);
        let output = place
            .stillmark(&["benchmark", "audit", folder.to_str().unwrap(), "--format", "json"])
            .output()
            .unwrap();
        let audit: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(audit["findings"], Value::Array(Vec::new()), "{variant}");
        println!("{variant}: audited, {} scores derived anew, no finding", derived_anew(&audit));
    }
    let checkpoint = Checkpoint::open(&model).unwrap();
    let decoder = Decoder::load(checkpoint.config(), &checkpoint, Precision::F32).unwrap();
    let oracle = Oracle { checkpoint, decoder };
    let copy = |name: &str| data.join(name).to_str().unwrap().to_owned();
    let model = model.to_str().unwrap().to_owned();
    let choices = "mmlu_anatomy,mmlu_abstract_algebra,arc_challenge";
    let (mmlu, arc, gsm8k) = (copy("mmlu"), copy("arc/arc_challenge.jsonl"), copy("gsm8k"));
    let ask = ["--quiet", "benchmark", "run", "--log", "log", "--model", &model];
    place.done(&[&ask[..], &[choices, "--data", &mmlu, "--data", &arc, "--out", "compared"]].concat());
    place.done(&[&ask[..], &["gsm8k", "--data", &gsm8k, "--limit", "100", "--out", "written"]].concat());
    for (variant, rows) in [("compared", 135 + 100 + 1172), ("written", 200)] {
        let (ours, theirs) = (samples(&place.path(variant)), samples(&logs.join(variant)));
        assert_eq!((ours.len(), theirs.len()), (rows, rows), "{variant}");
        let mut tally = Tally::default();
        for (of, row) in &ours {
            tally.row(&format!("{of:?}"), row, &theirs[of], &oracle);
        }
        println!("{variant}: {} rows, log-likelihoods within {:.1e}", tally.rows, tally.worst);
        println!("  decided by less than {NEAR}: {}", if tally.close.is_empty() { "none" } else { "" });
        tally.close.iter().for_each(|one| println!("    {one}"));
        assert!(tally.worst < NEAR, "{variant}: {}", tally.worst);
        assert!(tally.wrong.is_empty(), "{variant}: {:#?}", tally.wrong);
    }
}
