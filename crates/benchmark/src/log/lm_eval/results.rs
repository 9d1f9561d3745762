//! What `results_*.json` states.

use std::borrow::Cow;
use std::collections::BTreeMap;

use memchr::{memchr, memmem};

use super::super::{About, Claim, Contradiction, Counts, File, Group, Harness, Matter, Setup};
use super::RESULTS;
use crate::Error;
use crate::json::Value;

/// One results file.
pub(super) struct Results<'a> {
    /// What it says of each task.
    pub(super) abouts: Vec<About<'a>>,
    /// Averages over tasks; their file is filled in later.
    pub(super) groups: Vec<Group>,
    /// Samples that lie in the results themselves, as the Python interface returns them.
    pub(super) samples: Vec<(String, Vec<Value<'a>>)>,
}

/// Reads a results file; `None` where it is something else.
pub(super) fn parse(file: File<'_>) -> Result<Option<Results<'_>>, Error> {
    if file.first_byte() != Some(b'{') || file.is_json_lines() || is_a_row(file.bytes) {
        return Ok(None);
    }
    let value = file.parsed(RESULTS)?;
    let Some(results) = value.get("results").filter(|results| !results.members().is_empty()) else {
        return Ok(None);
    };
    let mut abouts = Vec::new();
    let mut groups = Vec::new();
    let tables = Tables::of(&value);
    for (name, stated) in results.members() {
        let name = name.get().into_owned();
        let members = strings(tables.get("group_subtasks", &name));
        if is_task(&tables, &name) {
            abouts.push(about(&tables, name, stated));
        } else {
            let stated = claims(stated);
            // The harness prints its table from a second copy.
            let again = tables.get("groups", &name).map(claims);
            if let Some(again) = again.filter(|again| *again != stated && !again.is_empty()) {
                groups.push(Group {
                    name: name.clone(),
                    members: members.clone(),
                    claims: again,
                    file: String::new(),
                });
            }
            groups.push(Group { name, members, claims: stated, file: String::new() });
        }
    }
    for (name, stated) in value.get("groups").map_or(&[][..], Value::members) {
        let name = name.get();
        if tables.get("results", &name).is_none() {
            let members = strings(tables.get("group_subtasks", &name));
            let name = name.into_owned();
            groups.push(Group { name, members, claims: claims(stated), file: String::new() });
        }
    }
    groups.retain(|group| !group.claims.is_empty());
    let samples = value.get("samples").map_or(&[][..], Value::members).iter();
    let samples = samples.map(|(task, rows)| (task.get().into_owned(), rows.items().to_vec())).collect();
    Ok(Some(Results { abouts, groups, samples }))
}

/// Whether the first line names an item: JSON Lines by another name.
fn is_a_row(bytes: &[u8]) -> bool {
    let line = &bytes[..memchr(b'\n', bytes).unwrap_or(bytes.len())];
    memmem::find(line, b"\"doc_id\"").is_some() && memmem::find(line, b"\"results\"").is_none()
}

/// Whether a file states results of tasks.
pub(super) fn reads_like(file: &File<'_>) -> bool {
    let has = |key: &[u8]| memmem::find(file.bytes, key).is_some();
    file.first_byte() == Some(b'{') && has(b"\"results\"") && (has(b"\"configs\"") || has(b"\"versions\""))
}

/// What results state by task, found by name: some results have a hundred thousand.
struct Tables<'v, 'a> {
    whole: &'v Value<'a>,
    tables: BTreeMap<&'static str, BTreeMap<Cow<'v, str>, &'v Value<'a>>>,
}

impl<'v, 'a> Tables<'v, 'a> {
    const NAMES: [&'static str; 9] = [
        "results",
        "groups",
        "group_subtasks",
        "configs",
        "versions",
        "n-shot",
        "n-samples",
        "task_hashes",
        "higher_is_better",
    ];

    fn of(whole: &'v Value<'a>) -> Self {
        let table = |name: &str| {
            let members = whole.get(name).map_or(&[][..], Value::members);
            members.iter().map(|(key, value)| (key.get(), value)).collect()
        };
        Self { whole, tables: Self::NAMES.into_iter().map(|name| (name, table(name))).collect() }
    }

    fn get(&self, table: &str, task: &str) -> Option<&'v Value<'a>> {
        self.tables.get(table)?.get(task).copied()
    }
}

/// Old results list groups among the tasks. What was asked has a configuration, or is known to be a task; what has parts and no kind of
/// output is a group.
fn is_task(tables: &Tables<'_, '_>, name: &str) -> bool {
    let of = |key: &str| tables.get(key, name);
    if of("configs").is_some_and(|config| config.get("output_type").is_some()) {
        return true;
    }
    let has_parts = of("group_subtasks").is_some_and(|parts| !parts.items().is_empty());
    let is_group = has_parts || crate::task::group(name).is_some();
    !is_group
        && (tables.whole.get("configs").is_none()
            || of("configs").is_some()
            || crate::task::find(name).is_some())
}

fn about<'a>(tables: &Tables<'_, 'a>, task: String, stated: &Value<'a>) -> About<'a> {
    let value = tables.whole;
    let of_task = |key: &str| tables.get(key, &task).cloned();
    let string = |key: &str| value.get(key).and_then(Value::string).map(Cow::into_owned);
    let config = value.get("config");
    let in_config = |key: &str| config.and_then(|config| config.get(key));
    let setup = Setup {
        shots: of_task("n-shot").as_ref().and_then(Value::whole_number),
        limit: in_config("limit").and_then(Value::number),
        picked: None,
        shot_seed: in_config("fewshot_seed").and_then(Value::whole_number),
        generation: in_config("gen_kwargs").filter(|settings| !settings.is_null()).cloned(),
        chat_template: string("chat_template").filter(|template| !template.is_empty()),
        system: string("system_instruction").filter(|system| !system.is_empty()),
        multiturn: value.get("fewshot_as_multiturn").and_then(Value::truth),
        config: of_task("configs"),
    };
    let counts = of_task("n-samples").and_then(|counts| {
        let count = |key: &str| counts.get(key).and_then(Value::whole_number);
        Some(Counts { original: count("original")?, effective: count("effective")? })
    });
    let contradictions = contradictions(tables, &task, stated);
    About {
        contradictions,
        version: string("lm_eval_version"),
        model: string("model_name").or_else(|| in_config("model").and_then(Value::string).map(Into::into)),
        claims: claims(stated),
        counts,
        task_hash: of_task("task_hashes").as_ref().and_then(Value::string).map(Into::into),
        setup,
        ..About::new(Harness::LmEval, task)
    }
}

/// What results say twice of a task, and not alike.
fn contradictions(tables: &Tables<'_, '_>, task: &str, stated: &Value<'_>) -> Vec<Contradiction> {
    let Some(config) = tables.get("configs", task) else { return Vec::new() };
    let mut all = Vec::new();
    let mut differ = |of: Matter, one: Option<&Value<'_>>, other: Option<&Value<'_>>| {
        let (Some(one), Some(other)) = (one, other) else { return };
        let differs = match (one.number(), other.number(), one.truth(), other.truth()) {
            (Some(one), Some(other), ..) => one != other,
            (.., Some(one), Some(other)) => one != other,
            // Of what is spelled otherwise nothing is plain.
            _ => false,
        };
        if differs {
            all.push(Contradiction { of, one: one.raw.to_owned(), other: other.raw.to_owned() });
        }
    };
    let metadata = config.get("metadata");
    let of_metadata = |key: &str| metadata.and_then(|metadata| metadata.get(key));
    differ(Matter::Version, tables.get("versions", task), of_metadata("version"));
    if of_metadata("num_fewshot").is_none() {
        // Where a task's prompts hold examples of their own, its metadata say how many.
        differ(Matter::Shots, tables.get("n-shot", task), config.get("num_fewshot"));
    }
    let directions = tables.get("higher_is_better", task);
    for metric in config.get("metric_list").map_or(&[][..], Value::items) {
        let name = metric.get("metric").and_then(Value::string);
        let one = name.and_then(|name| directions?.get(&name));
        differ(Matter::Direction, one, metric.get("higher_is_better"));
    }
    let version = tables.whole.get("lm_eval_version").and_then(Value::text);
    if version.is_some_and(|version| version.is(crate::task::HARNESS_VERSION)) {
        // Other versions count items and metrics in ways of their own.
        let effective = tables.get("n-samples", task).and_then(|counts| counts.get("effective"));
        differ(Matter::Count, effective, stated.get("sample_len"));
        all.extend(without_error(tables, task, stated));
    }
    all
}

/// The first mean that stands without its standard error, where the harness was to state it.
fn without_error(tables: &Tables<'_, '_>, task: &str, stated: &Value<'_>) -> Option<Contradiction> {
    let config = tables.whole.get("config");
    let resamples = config.and_then(|config| config.get("bootstrap_iters")?.whole_number())?;
    let asked = tables.get("n-samples", task)?.get("effective")?.whole_number()?;
    let is_mean = |key: &str| {
        let metrics = tables.get("configs", task).and_then(|config| config.get("metric_list"));
        metrics.map_or(&[][..], Value::items).iter().any(|metric| {
            let has = |field: &str, wanted: &str| {
                metric.get(field).and_then(Value::text).is_some_and(|text| text.is(wanted))
            };
            has("metric", key) && has("aggregation", "mean") && SCORES.contains(&key)
        })
    };
    let lacks = |key: &str| {
        let (metric, filter) = key.split_once(',')?;
        let error = stated.get(&format!("{metric}_stderr,{filter}"));
        let is_left_out = error.is_none_or(|error| error.number().is_none());
        (is_mean(metric) && is_left_out).then(|| error.map_or("nothing", |error| error.raw).to_owned())
    };
    let found = stated.members().iter().find_map(|(key, _)| lacks(&key.get()))?;
    let of = Matter::StandardError;
    (resamples > 0 && asked > 1).then(|| Contradiction { of, one: found, other: "a number".to_owned() })
}

/// Metrics that are read without a filter's name, too, and whose numbers may be spelled as texts: no score is to escape.
const SCORES: [&str; 8] =
    ["acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match", "pass@1", "mc1", "mc2"];

/// `"acc,none": 0.25` and `"acc_stderr,none": 0.01`, joined.
fn claims(stated: &Value<'_>) -> Vec<Claim> {
    let numbers: Vec<(String, String, Option<f64>)> = stated
        .members()
        .iter()
        .filter_map(|(key, value)| {
            let key = key.get();
            let bare = || {
                let of = key.strip_suffix("_stderr").unwrap_or(&key);
                SCORES.contains(&of).then_some((key.as_ref(), "none"))
            };
            let (metric, filter) = key.split_once(',').or_else(bare)?;
            let spelled = value.string().filter(|_| !metric.ends_with("_stderr"));
            let number = value.number().or_else(|| Some(spelled?.trim().parse().unwrap_or(f64::NAN)));
            Some((metric.to_owned(), filter.to_owned(), number))
        })
        .collect();
    let stderr = |metric: &str, filter: &str| {
        let name = format!("{metric}_stderr");
        numbers.iter().find(|(other, by, _)| *other == name && by == filter).and_then(|(_, _, value)| *value)
    };
    let is_stderr = |metric: &str, filter: &str| {
        metric
            .strip_suffix("_stderr")
            .is_some_and(|of| numbers.iter().any(|(other, by, _)| other == of && by == filter))
    };
    numbers
        .iter()
        .filter(|(metric, filter, _)| !is_stderr(metric, filter))
        .filter_map(|(metric, filter, value)| {
            let stderr = stderr(metric, filter);
            Some(Claim { metric: metric.clone(), filter: filter.clone(), value: (*value)?, stderr })
        })
        .collect()
}

fn strings(list: Option<&Value<'_>>) -> Vec<String> {
    list.map_or(&[][..], Value::items).iter().filter_map(|item| item.string().map(Into::into)).collect()
}
