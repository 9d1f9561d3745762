//! Forgeries, made of genuine logs: naively, or with every digest and total made to fit.

use std::path::Path;

use stillmark_benchmark::audit::Class;
use stillmark_benchmark::json::{self, Value};
use stillmark_evidence::Digest;

/// Whether digests and totals are made to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Naive,
    Consistent,
}

/// What is forged, and in which task's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forgery {
    class: Class,
    task: &'static str,
}

const MMLU: &str = "mmlu_anatomy";
const GSM8K: &str = "gsm8k";
/// A subject that was asked after five worked examples.
const SHOWN: &str = "mmlu_abstract_algebra";

impl Forgery {
    pub(crate) const ALL: [Self; 17] = [
        Self { class: Class::SampleEdited, task: MMLU },
        Self { class: Class::SampleEdited, task: GSM8K },
        Self { class: Class::GoldFlipped, task: MMLU },
        Self { class: Class::SampleDropped, task: MMLU },
        Self { class: Class::SamplePicked, task: MMLU },
        Self { class: Class::SampleDuplicated, task: MMLU },
        Self { class: Class::ScoreForged, task: MMLU },
        Self { class: Class::ScoreForged, task: GSM8K },
        Self { class: Class::AggregateForged, task: MMLU },
        Self { class: Class::AnswerForged, task: GSM8K },
        Self { class: Class::MetricChanged, task: GSM8K },
        Self { class: Class::ShotsChanged, task: GSM8K },
        Self { class: Class::ShotsChanged, task: SHOWN },
        Self { class: Class::KeyLeaked, task: MMLU },
        Self { class: Class::SettingsChanged, task: GSM8K },
        Self { class: Class::OutputForged, task: GSM8K },
        Self { class: Class::LikelihoodForged, task: MMLU },
    ];

    pub(crate) fn class(self) -> Class {
        self.class
    }
}

/// One log: the results and the rows of one task.
pub(crate) struct Log {
    names: [String; 2],
    results: String,
    rows: Vec<String>,
    task: &'static str,
}

pub(crate) fn genuine(logs: &Path, forgery: Forgery) -> Log {
    let variant = match forgery.task {
        MMLU => "full",
        SHOWN => "shots",
        _ => "generated",
    };
    Log::of(logs, variant, forgery.task)
}

fn read(logs: &Path, variant: &str, task: &'static str) -> Log {
    let mut files = Vec::new();
    super::audit::collect(&logs.join(variant), &mut files);
    let find = |start: &str| {
        let is = |name: &String| name.rsplit('/').next().unwrap().starts_with(start);
        let (name, bytes) = files.iter().find(|(name, _)| is(name)).unwrap();
        (name.clone(), String::from_utf8(bytes.clone()).unwrap())
    };
    let (results_name, results) = find("results_");
    let (rows_name, rows) = find(&format!("samples_{task}_2"));
    let rows = rows.lines().map(str::to_owned).collect();
    Log { names: [results_name, rows_name], results: alone(&results, task), rows, task }
}

/// The results of one task, without groups.
fn alone(results: &str, task: &str) -> String {
    let value = json::parse(results).unwrap();
    let one = |key: &str| format!("{{{}: {}}}", quoted(task), value.get(key).unwrap().get(task).unwrap().raw);
    let only = |key: &'static str| (key, one(key));
    let mut changes: Vec<(&str, String)> =
        ["results", "configs", "versions", "n-shot", "n-samples", "task_hashes", "higher_is_better"]
            .map(only)
            .into();
    changes.extend([("groups", "{}".to_owned()), ("group_subtasks", "{}".to_owned())]);
    changes.retain(|(key, _)| value.get(key).is_some());
    with(results, &changes)
}

pub(crate) fn forged(mut log: Log, forgery: Forgery, manner: Manner) -> Vec<(String, Vec<u8>)> {
    change(&mut log, forgery.class, manner);
    if manner == Manner::Consistent {
        log.rehash();
        if forgery.class != Class::AggregateForged {
            log.total();
        }
    }
    if manner == Manner::Naive && !forgery.class.is_decidable() {
        log.total();
    }
    log.into_files()
}

fn change(log: &mut Log, class: Class, manner: Manner) {
    match class {
        Class::SampleEdited => log.each(1, |row| {
            let question = row.get("doc").unwrap().get("question").unwrap().raw.to_owned();
            let start = question[1..question.len() - 1].trim();
            row.raw.replace(start, &format!("{start} Indeed."))
        }),
        Class::GoldFlipped => log.flip(),
        Class::SampleDropped => log.drop_wrong(manner),
        Class::SamplePicked => log.pick_right(),
        Class::SampleDuplicated => log.duplicate(manner),
        Class::ScoreForged => log.each(3, |row| with(row.raw, &[(metric(row), "1.0".to_owned())])),
        Class::AggregateForged => log.inflate(manner),
        Class::AnswerForged => log.each(3, |row| {
            let gold = gold(row);
            with(
                row.raw,
                &[("filtered_resps", format!("[{}]", quoted(&gold))), ("exact_match", "1.0".to_owned())],
            )
        }),
        Class::MetricChanged => log.change_pattern(manner),
        Class::ShotsChanged => log.each(usize::MAX, if log.task == SHOWN { swapped } else { shortened }),
        Class::KeyLeaked => log.each(3, |row| {
            let letter = ["A", "B", "C", "D"][gold(row).parse::<usize>().unwrap()];
            let prompt = prompt(row);
            let at = prompt.rfind("\nAnswer:").unwrap();
            reprompted(row, &format!("{} (Hint: {letter}){}", &prompt[..at], &prompt[at..]))
        }),
        Class::SettingsChanged => {
            log.each(usize::MAX, |row| row.raw.replace("\"temperature\": 0.0", "\"temperature\": 0.7"));
            if manner == Manner::Consistent {
                log.results = log.results.replace("\"temperature\": 0.0", "\"temperature\": 0.7");
            }
        }
        Class::OutputForged => log.each(4, |row| {
            let number = gold(row);
            let text = format!(" So it must be {number}.\n#### {number}");
            let filtered = format!("[{}]", quoted(&number));
            let score = ("exact_match", "1.0".to_owned());
            with(row.raw, &[("resps", format!("[[{}]]", quoted(&text))), ("filtered_resps", filtered), score])
        }),
        Class::LikelihoodForged => log.each(4, |row| {
            let gold: usize = gold(row).parse().unwrap();
            let pair = |idx: usize| {
                format!("[\"{}\", \"False\"]", if idx == gold { -0.75 } else { -3.5 - idx as f64 })
            };
            let said: Vec<String> = (0..4).map(|idx| format!("[{}]", pair(idx))).collect();
            let kept: Vec<String> = (0..4).map(pair).collect();
            let (said, kept) = (format!("[{}]", said.join(", ")), format!("[{}]", kept.join(", ")));
            with(row.raw, &[("resps", said), ("filtered_resps", kept), ("acc", "1.0".to_owned())])
        }),
        other => panic!("{other:?} is no way of tampering"),
    }
}

/// The first two worked examples, the other way round.
fn swapped(row: &Value<'_>) -> String {
    let prompt = prompt(row);
    let mut parts: Vec<&str> = prompt.split("\n\n").collect();
    // The first part is the description.
    parts.swap(1, 2);
    reprompted(row, &parts.join("\n\n"))
}

/// One worked example less.
fn shortened(row: &Value<'_>) -> String {
    let prompt = prompt(row);
    let end = prompt.find("\n\nQuestion: ").unwrap() + 2;
    reprompted(row, &prompt[end..])
}

impl Log {
    /// The log of one task of a variant.
    pub(crate) fn of(logs: &Path, variant: &str, task: &'static str) -> Self {
        read(logs, variant, task)
    }

    /// Changes rows where the change gives another text.
    pub(crate) fn rewrite(&mut self, change: impl Fn(usize, &Value<'_>) -> Option<String>) {
        for (idx, row) in self.rows.iter_mut().enumerate() {
            let changed = change(idx, &json::parse(row).unwrap());
            if let Some(changed) = changed {
                *row = changed;
            }
        }
    }

    /// Leaves rows out.
    pub(crate) fn keep(&mut self, is_kept: impl Fn(usize) -> bool) {
        let mut idx = 0..;
        self.rows.retain(|_| idx.next().is_some_and(&is_kept));
    }

    /// Changes the prompts of all rows.
    pub(crate) fn reprompt(&mut self, change: impl Fn(usize, &Value<'_>, &str) -> String) {
        self.rewrite(|idx, row| Some(reprompted(row, &change(idx, row, &prompt(row)))));
    }

    pub(crate) fn rehash(&mut self) {
        self.rows = self.rows.iter().map(|row| rehashed(row)).collect();
        let all: String = self.rows.iter().flat_map(|row| hashes(row)).collect();
        self.set(&["task_hashes", self.task], &quoted(&sha256(&all)));
    }

    pub(crate) fn into_files(self) -> Vec<(String, Vec<u8>)> {
        let rows = self.rows.join("\n") + "\n";
        let [results_name, rows_name] = self.names;
        vec![(results_name, self.results.into_bytes()), (rows_name, rows.into_bytes())]
    }

    /// The right answers of all rows, as the log has them.
    pub(crate) fn golds(&self) -> Vec<String> {
        self.rows.iter().map(|row| gold(&json::parse(row).unwrap())).collect()
    }

    /// Changes the first rows that score 0.
    fn each(&mut self, most: usize, change: impl Fn(&Value<'_>) -> String) {
        let mut count = 0;
        for row in &mut self.rows {
            let value = json::parse(row).unwrap();
            if (most == usize::MAX || score(&value) == 0.0) && count < most {
                count += 1;
                *row = change(&value);
            }
        }
    }

    fn flip(&mut self) {
        self.each(4, |row| {
            let numbers: Vec<f64> = row
                .get("filtered_resps")
                .unwrap()
                .items()
                .iter()
                .map(|pair| pair.items()[0].string().unwrap().parse().unwrap())
                .collect();
            let best = (0..4).max_by(|one, other| numbers[*one].total_cmp(&numbers[*other])).unwrap();
            let doc = with(row.get("doc").unwrap().raw, &[("answer", best.to_string())]);
            with(row.raw, &[("doc", doc), ("target", quoted(&best.to_string())), ("acc", "1.0".to_owned())])
        });
    }

    fn drop_wrong(&mut self, manner: Manner) {
        let mut left = 10;
        self.rows.retain(|row| {
            let drops = left > 0 && score(&json::parse(row).unwrap()) == 0.0;
            left -= usize::from(drops);
            !drops
        });
        if manner == Manner::Consistent {
            self.count(self.rows.len() + 10, self.rows.len());
        }
    }

    fn pick_right(&mut self) {
        let right: Vec<String> =
            self.rows.iter().filter(|row| score(&json::parse(row).unwrap()) == 1.0).cloned().collect();
        self.rows =
            right.iter().enumerate().map(|(id, row)| with(row, &[("doc_id", id.to_string())])).collect();
        self.count(self.rows.len(), self.rows.len());
    }

    fn duplicate(&mut self, manner: Manner) {
        let scored = |wanted: f64| {
            self.rows.iter().position(|row| score(&json::parse(row).unwrap()) == wanted).unwrap()
        };
        let (wrong, right) = (scored(0.0), scored(1.0));
        match manner {
            Manner::Naive => self.rows.push(self.rows[right].clone()),
            Manner::Consistent => {
                let id = json::parse(&self.rows[wrong]).unwrap().get("doc_id").unwrap().raw.to_owned();
                self.rows[wrong] = with(&self.rows[right], &[("doc_id", id)]);
            }
        }
    }

    fn inflate(&mut self, manner: Manner) {
        let value = json::parse(&self.results).unwrap();
        let own = value.get("results").unwrap().get(self.task).unwrap();
        let claimed = own.get("acc,none").unwrap().number().unwrap() + 5.0 / self.rows.len() as f64;
        self.set(&["results", self.task, "acc,none"], &claimed.to_string());
        if manner == Manner::Consistent {
            let stderr = (claimed * (1.0 - claimed) / (self.rows.len() as f64 - 1.0)).sqrt();
            self.set(&["results", self.task, "acc_stderr,none"], &stderr.to_string());
        }
    }

    /// A pattern that takes any number for the answer; consistently, answers and scores follow from it.
    fn change_pattern(&mut self, manner: Manner) {
        self.results = self.results.replacen(r"#### (\\-?[0-9\\.\\,]+)", r"(\\-?[0-9]+)", 1);
        if manner == Manner::Naive {
            return;
        }
        let number = regex::Regex::new(r"-?[0-9]+").unwrap();
        self.each(usize::MAX, |row| {
            if !row.get("filter").unwrap().text().unwrap().is("strict-match") {
                return row.raw.to_owned();
            }
            let said = row.get("resps").unwrap().items()[0].items()[0].string().unwrap();
            let taken = number.find(&said).map_or("[invalid]", |found| found.as_str());
            let score = if taken == gold(row) { "1.0" } else { "0.0" };
            with(
                row.raw,
                &[("filtered_resps", format!("[{}]", quoted(taken))), ("exact_match", score.to_owned())],
            )
        });
    }

    fn count(&mut self, original: usize, effective: usize) {
        let counts = format!("{{\"original\": {original}, \"effective\": {effective}}}");
        self.set(&["n-samples", self.task], &counts);
        self.set(&["results", self.task, "sample_len"], &effective.to_string());
    }

    /// Makes totals fit the recorded scores.
    pub(crate) fn total(&mut self) {
        let value = json::parse(&self.results).unwrap();
        let own = value.get("results").unwrap().get(self.task).unwrap();
        let mut totals = Vec::new();
        for (key, _) in own.members() {
            let key = key.get().into_owned();
            let Some((metric, filter)) =
                key.split_once(',').filter(|(metric, _)| !metric.ends_with("_stderr"))
            else {
                continue;
            };
            let rows: Vec<Value<'_>> = self.rows.iter().map(|row| json::parse(row).unwrap()).collect();
            let of_filter = rows.iter().filter(|row| row.get("filter").unwrap().text().unwrap().is(filter));
            let scores: Vec<f64> = of_filter.map(|row| row.get(metric).unwrap().number().unwrap()).collect();
            let n = scores.len() as f64;
            let mean = scores.iter().sum::<f64>() / n;
            let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / (n - 1.0);
            totals.push((key.clone(), mean));
            totals.push((format!("{metric}_stderr,{filter}"), variance.sqrt() / n.sqrt()));
        }
        for (key, total) in totals {
            self.set(&["results", self.task, &key], &total.to_string());
        }
    }

    pub(crate) fn set(&mut self, path: &[&str], raw: &str) {
        self.results = set(&self.results, path, raw);
    }
}

fn set(text: &str, path: &[&str], raw: &str) -> String {
    let Some((first, rest)) = path.split_first() else { return raw.to_owned() };
    let inner = json::parse(text).unwrap().get(first).map_or("null", |value| value.raw).to_owned();
    with(text, &[(first, set(&inner, rest, raw))])
}

/// An object with some of its members changed.
pub(crate) fn with(object: &str, changes: &[(&str, String)]) -> String {
    let value = json::parse(object).unwrap();
    let member = |(key, value): &(json::Text<'_>, Value<'_>)| {
        let key = key.get();
        let raw = changes.iter().find(|(name, _)| *name == key).map_or(value.raw, |(_, raw)| raw);
        format!("{}: {raw}", quoted(&key))
    };
    let known = value.members().iter().map(member);
    let new = changes.iter().filter(|(name, _)| value.get(name).is_none());
    let new = new.map(|(name, raw)| format!("{}: {raw}", quoted(name)));
    format!("{{{}}}", known.chain(new).collect::<Vec<_>>().join(", "))
}

pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn metric(row: &Value<'_>) -> &'static str {
    if row.get("acc").is_some() { "acc" } else { "exact_match" }
}

fn score(row: &Value<'_>) -> f64 {
    row.get(metric(row)).unwrap().number().unwrap()
}

pub(crate) fn gold(row: &Value<'_>) -> String {
    let target = row.get("target").unwrap().string().unwrap();
    target.rsplit("#### ").next().unwrap().to_owned()
}

fn prompt(row: &Value<'_>) -> String {
    row.get("arguments")
        .unwrap()
        .get("gen_args_0")
        .unwrap()
        .get("arg_0")
        .unwrap()
        .string()
        .unwrap()
        .into_owned()
}

fn reprompted(row: &Value<'_>, prompt: &str) -> String {
    let arguments = row.get("arguments").unwrap();
    let call = |(key, call): &(json::Text<'_>, Value<'_>)| {
        format!("{}: {}", quoted(&key.get()), with(call.raw, &[("arg_0", quoted(prompt))]))
    };
    let calls = arguments.members().iter().map(call).collect::<Vec<_>>().join(", ");
    with(row.raw, &[("arguments", format!("{{{calls}}}"))])
}

fn rehashed(row: &str) -> String {
    let value = json::parse(row).unwrap();
    let mut doc = String::new();
    value.get("doc").unwrap().write_indented(&mut doc);
    let target = value.get("target").unwrap().string().unwrap();
    let digests = [
        ("doc_hash", sha256(&doc)),
        ("prompt_hash", sha256(&prompt(&value))),
        ("target_hash", sha256(&target)),
    ];
    with(row, &digests.map(|(key, digest)| (key, quoted(&digest))))
}

fn hashes(row: &str) -> Vec<String> {
    let value = json::parse(row).unwrap();
    ["doc_hash", "prompt_hash", "target_hash"]
        .map(|key| value.get(key).unwrap().string().unwrap().into_owned())
        .into()
}

fn sha256(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}
