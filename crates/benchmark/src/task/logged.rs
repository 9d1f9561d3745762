//! A run in the form in which lm-evaluation-harness logs its own: `samples_*.jsonl` and `results_*.json`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Value, json};
use stillmark_evidence::Digest;

use super::average::Averages;
use super::catalog::HARNESS_VERSION;
use super::recipe::{Output, Task};
use super::score::Score;
use super::setting::{Chat, Setting};
use crate::Error;
use crate::record::{Answer, Record};

/// What a model gave for one record.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// The log-probability of each continuation, and whether it was the most probable text.
    Choices(Vec<(f64, bool)>),
    /// A text.
    Text(String),
}

/// A record that was asked, with all that came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// Its place in the subset.
    pub index: usize,
    /// The record.
    pub record: &'a Record,
    /// The text before the answer.
    pub context: &'a str,
    /// The continuations that were judged.
    pub continuations: &'a [String],
    /// What the model gave.
    pub given: &'a Given,
    /// The scores.
    pub scores: Vec<Score>,
}

/// A document as the dataset on the model hub has it, its fields in that order.
#[derive(Serialize)]
#[serde(untagged)]
enum Doc<'a> {
    Lettered {
        question: &'a str,
        subject: &'a str,
        choices: &'a [String],
        answer: usize,
    },
    Arc {
        id: String,
        question: &'a str,
        choices: Labeled<'a>,
        #[serde(rename = "answerKey")]
        answer_key: String,
    },
    HellaSwag {
        ind: usize,
        query: &'a str,
        choices: &'a [String],
        gold: usize,
        label: String,
    },
    Truthful {
        question: &'a str,
        mc1_targets: Marked<'a>,
        mc2_targets: Marked<'a>,
    },
    Open {
        question: &'a str,
        answer: &'a str,
    },
    Bbh {
        input: &'a str,
        target: &'a str,
    },
    Code {
        task_id: String,
        prompt: &'a str,
        canonical_solution: &'a str,
        test: &'a str,
        entry_point: &'a str,
    },
}

#[derive(Serialize)]
struct Labeled<'a> {
    text: &'a [String],
    label: Vec<String>,
}

#[derive(Serialize)]
struct Marked<'a> {
    choices: &'a [String],
    labels: Vec<u8>,
}

/// One row of a samples file.
struct Row<'a> {
    sample: &'a Sample<'a>,
    doc: Doc<'a>,
    doc_hash: String,
    target: String,
    prompt_hash: String,
    filter: &'static str,
    generation: Option<Value>,
}

/// The lines of a task's samples file, filter by filter, and the hash of all their hashes.
pub fn samples(task: &Task, samples: &[Sample<'_>]) -> Result<(String, String), Error> {
    let generation = match &task.output {
        Output::Choices { .. } => None,
        Output::Text { generation, .. } => Some(generation.as_listed()),
    };
    let (mut lines, mut hashes) = (String::new(), String::new());
    for filter in task.filter_names() {
        for sample in samples {
            let doc = doc(task, sample);
            let target = task.template.target(sample.record)?;
            let row = Row {
                doc_hash: hash(&serde_json::to_string_pretty(&doc).unwrap_or_default()),
                prompt_hash: hash(sample.context),
                generation: generation.clone(),
                sample,
                doc,
                target,
                filter,
            };
            hashes.extend([row.doc_hash.as_str(), &row.prompt_hash, &hash(&row.target)]);
            lines.push_str(&serde_json::to_string(&row).unwrap_or_default());
            lines.push('\n');
        }
    }
    Ok((lines, hash(&hashes)))
}

fn hash(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

fn doc<'a>(task: &'a Task, sample: &Sample<'a>) -> Doc<'a> {
    let record = sample.record;
    let question = record.question.as_str();
    let id = |prefix: &str| format!("{prefix}/{}", sample.index);
    match (&record.answer, task.benchmark) {
        (Answer::Choice { choices, gold }, benchmark) => {
            let answer = gold.first().copied().unwrap_or_default();
            match benchmark {
                "arc_challenge" | "arc_easy" => {
                    let label = labels(choices.len());
                    let answer_key = label.get(answer).cloned().unwrap_or_default();
                    let choices = Labeled { text: choices, label };
                    Doc::Arc { id: id(benchmark), question, choices, answer_key }
                }
                "hellaswag" => Doc::HellaSwag {
                    ind: sample.index,
                    query: question,
                    choices,
                    gold: answer,
                    label: answer.to_string(),
                },
                "truthfulqa" => {
                    let marked = || Marked {
                        choices,
                        labels: (0..choices.len()).map(|idx| u8::from(gold.contains(&idx))).collect(),
                    };
                    Doc::Truthful { question, mc1_targets: marked(), mc2_targets: marked() }
                }
                _ => Doc::Lettered { question, subject: &task.subset, choices, answer },
            }
        }
        (Answer::Labels { choices, labels }, _) => {
            let marked = || Marked { choices, labels: labels.iter().copied().map(u8::from).collect() };
            Doc::Truthful { question, mc1_targets: marked(), mc2_targets: marked() }
        }
        (Answer::Open { gold }, "bbh") => Doc::Bbh { input: question, target: gold },
        (Answer::Open { gold }, _) => Doc::Open { question, answer: gold },
        (Answer::Code { entry_point, gold, test }, _) => Doc::Code {
            task_id: id("HumanEval"),
            prompt: question,
            canonical_solution: gold,
            test,
            entry_point,
        },
    }
}

/// `A`, `B`, and so on.
fn labels(count: usize) -> Vec<String> {
    ('A'..='Z').take(count).map(String::from).collect()
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Sample { context, continuations, given, .. } = self.sample;
        let scores: Vec<&Score> =
            self.sample.scores.iter().filter(|score| score.filter == self.filter).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("doc_id", &self.sample.index)?;
        map.serialize_entry("doc", &self.doc)?;
        map.serialize_entry("target", &self.target)?;
        let mut arguments = BTreeMap::new();
        for (idx, continuation) in continuations.iter().enumerate() {
            arguments.insert(format!("gen_args_{idx}"), json!({"arg_0": context, "arg_1": continuation}));
        }
        if let Some(generation) = &self.generation {
            arguments.insert("gen_args_0".to_owned(), json!({"arg_0": context, "arg_1": generation}));
        }
        map.serialize_entry("arguments", &arguments)?;
        match given {
            Given::Choices(given) => {
                let pairs: Vec<[String; 2]> =
                    given.iter().map(|(ll, greedy)| spelled((*ll, *greedy))).collect();
                let nested: Vec<[&[String; 2]; 1]> = pairs.iter().map(|pair| [pair]).collect();
                map.serialize_entry("resps", &nested)?;
                map.serialize_entry("filtered_resps", &pairs)?;
            }
            Given::Text(text) => {
                map.serialize_entry("resps", &[[text]])?;
                let filtered: Vec<&str> = scores.iter().map(|score| score.filtered.as_str()).collect();
                map.serialize_entry("filtered_resps", &filtered)?;
            }
        }
        map.serialize_entry("filter", self.filter)?;
        map.serialize_entry("metrics", &scores.iter().map(|score| score.metric).collect::<Vec<_>>())?;
        map.serialize_entry("doc_hash", &self.doc_hash)?;
        map.serialize_entry("prompt_hash", &self.prompt_hash)?;
        map.serialize_entry("target_hash", &hash(&self.target))?;
        for score in scores {
            if let Some(value) = score.value {
                map.serialize_entry(score.metric, &value)?;
            }
        }
        map.end()
    }
}

/// A log-probability and a truth value as Python spells them.
fn spelled((log_prob, is_greedy): (f64, bool)) -> [String; 2] {
    let number = if log_prob.is_finite() { format!("{log_prob:?}") } else { format!("{log_prob}") };
    [number, if is_greedy { "True" } else { "False" }.to_owned()]
}

/// A task's part of a results file.
#[derive(Debug, Clone)]
pub struct Finished<'a> {
    /// The task.
    pub task: &'a Task,
    /// How it was asked.
    pub setting: &'a Setting,
    /// Records in the subset, and records asked.
    pub counts: (usize, usize),
    /// Metric, filter, mean and standard error.
    pub scores: Vec<(&'static str, &'static str, f64, Option<f64>)>,
    /// The hash of all hashes of its samples.
    pub hash: String,
}

/// What holds for all tasks of a run.
#[derive(Debug, Clone)]
pub struct About<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The model's arguments, as they were given.
    pub model_args: String,
    /// Seconds since 1970 at the end.
    pub date: f64,
    /// The chat template's text, where one was used.
    pub chat_template: Option<&'a str>,
}

/// A results file. Averages come inner groups first.
pub fn results(about: &About<'_>, finished: &[Finished<'_>], averages: &[Averages]) -> String {
    let by_task = |value: &dyn Fn(&Finished<'_>) -> Value| -> Value {
        finished
            .iter()
            .map(|one| (one.task.name.clone(), value(one)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let setting = finished.first().map(|one| one.setting);
    let (sha, system) = match setting.map(|setting| &setting.chat) {
        Some(Chat::Template { template_sha256, system }) => (json!(template_sha256), json!(system)),
        _ => (Value::Null, Value::Null),
    };
    let system_sha = system.as_str().map(hash);
    let limit = setting.and_then(|setting| setting.limit);
    let seed = setting.map(|setting| setting.seed);
    let mut whole = json!({
        "results": by_task(&scores_of),
        "group_subtasks": {},
        "configs": by_task(&config_of),
        "versions": by_task(&|one| json!(one.task.version.parse::<f64>().ok())),
        "n-shot": by_task(&|one| json!(one.setting.shots)),
        "higher_is_better": by_task(&|one| {
            one.task.metric_names().into_iter().map(|name| (name.to_owned(), json!(true))).collect::<serde_json::Map<_, _>>().into()
        }),
        "n-samples": by_task(&|one| json!({"original": one.counts.0, "effective": one.counts.1})),
        "config": {
            "model": "stillmark", "model_args": about.model_args, "batch_size": 1, "batch_sizes": [],
            "device": "cpu", "use_cache": null, "limit": limit, "bootstrap_iters": 0, "gen_kwargs": null,
            "random_seed": 0, "numpy_seed": 1234, "torch_seed": 1234, "fewshot_seed": seed,
        },
        "git_hash": null,
        "date": about.date,
        "lm_eval_version": HARNESS_VERSION,
        "task_hashes": by_task(&|one| json!(one.hash)),
        "model_source": "stillmark",
        "model_name": about.model,
        "model_name_sanitized": sanitized(about.model),
        "system_instruction": system,
        "system_instruction_sha": system_sha,
        "fewshot_as_multiturn": sha != Value::Null,
        "chat_template": about.chat_template,
        "chat_template_sha": sha,
    });
    for one in averages {
        add_group(&mut whole, one, finished);
    }
    serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
}

/// Adds a group where the harness lists it: among the results, once more on its own, and what holds for all of its own tasks.
fn add_group(whole: &mut Value, one: &Averages, finished: &[Finished<'_>]) {
    let Averages { group, records, micro, pooled_stderr, .. } = one;
    let of_metric = |name: &str| format!("{name},{}", group.filter);
    let (key, stderr_key) = (of_metric(group.metric), of_metric(&format!("{}_stderr", group.metric)));
    let stderr = if pooled_stderr.is_finite() { json!(pooled_stderr) } else { json!("N/A") };
    let scores = json!({
        "alias": group.alias, "name": group.name, "sample_len": records,
        &key: micro.mean, stderr_key: stderr, "sample_count": {key: records},
    });
    whole["results"][&group.name] = scores.clone();
    whole["groups"][&group.name] = scores;
    whole["group_subtasks"][&group.name] = json!(group.members);
    whole["versions"][&group.name] = json!(group.version);
    let mut own = finished.iter().filter(|task| group.members.contains(&task.task.name));
    if let Some(first) = own.next() {
        whole["higher_is_better"][&group.name] = whole["higher_is_better"][&first.task.name].clone();
        if own.all(|task| task.setting.shots == first.setting.shots) {
            whole["n-shot"][&group.name] = json!(first.setting.shots);
        }
    }
}

/// A name as the harness makes a folder of it.
pub fn sanitized(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}

fn scores_of(one: &Finished<'_>) -> Value {
    let mut scores = serde_json::Map::new();
    scores.insert("name".to_owned(), json!(one.task.name));
    scores.insert("alias".to_owned(), json!(one.task.alias));
    scores.insert("sample_len".to_owned(), json!(one.counts.1));
    for (metric, filter, value, stderr) in &one.scores {
        scores.insert(format!("{metric},{filter}"), json!(value));
        let stderr = stderr.map_or_else(|| json!("N/A"), |stderr| json!(stderr));
        scores.insert(format!("{metric}_stderr,{filter}"), stderr);
    }
    scores.into()
}

fn config_of(one: &Finished<'_>) -> Value {
    let recipe = one.setting.recipe(one.task);
    let output_type = match one.task.output {
        Output::Choices { .. } => "multiple_choice",
        Output::Text { .. } => "generate_until",
    };
    let mut config = json!({
        "task": one.task.name,
        "task_alias": one.task.alias,
        "test_split": one.task.split,
        "doc_to_text": recipe["doc_to_text"],
        "description": recipe["description"],
        "target_delimiter": recipe["target_delimiter"],
        "fewshot_delimiter": "\n\n",
        "fewshot_config": {"sampler": recipe["sampler"]},
        "num_fewshot": recipe["num_fewshot"],
        "metric_list": recipe["metric_list"],
        "output_type": output_type,
        "repeats": 1,
        "metadata": {"version": one.task.version.parse::<f64>().ok()},
    });
    match &one.task.output {
        Output::Choices { .. } => {
            let listed =
                serde_json::from_str(one.task.doc_to_choice).unwrap_or(json!(one.task.doc_to_choice));
            config["doc_to_choice"] = listed;
        }
        Output::Text { .. } => {
            config["generation_kwargs"] = recipe["generation_kwargs"].clone();
            config["filter_list"] = recipe["filter_list"].clone();
        }
    }
    config
}
