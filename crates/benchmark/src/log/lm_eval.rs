//! lm-evaluation-harness 0.4: `results_*.json`, and `samples_*.jsonl` beside it.
//!
//! Files belong together by folder and time stamp, else by the task's name; a folder with one results file needs neither.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::file::base;
use super::{About, File, Group, Harness, Log, Run};
use crate::Error;
use crate::json::Value;

mod results;
mod rows;

/// What this reader calls itself in errors.
pub(super) const RESULTS: &str = "lm-eval results";
/// As above, for the samples.
pub(super) const SAMPLES: &str = "lm-eval samples";

/// Whether a file is named like one of the harness's, or reads like one.
pub fn is_ours(file: &File<'_>) -> bool {
    let name = base(file.name);
    let is_named = name.starts_with("samples_") && file.is_json_lines()
        || name.starts_with("results_") && results_stamp(name).is_some();
    is_named || rows::reads_like(file) || results::reads_like(file)
}

/// The runs that lie in some files, one a results file; samples without one are a run each.
pub fn read<'a>(files: &[File<'a>]) -> Result<Vec<Run<'a>>, Error> {
    let mut runs: Vec<(File<'a>, results::Results<'a>)> = Vec::new();
    let mut samples: Vec<File<'a>> = Vec::new();
    for file in files {
        match results::parse(*file)? {
            Some(results) => runs.push((*file, results)),
            None => samples.push(*file),
        }
    }
    let mut taken: Vec<BTreeMap<String, File<'a>>> = runs.iter().map(|_| BTreeMap::new()).collect();
    let mut alone = Vec::new();
    for file in samples {
        match owner(&file, &runs, &taken) {
            Some((idx, task)) => {
                taken[idx].insert(task, file);
            }
            None => alone.push(file),
        }
    }
    let mut all: Vec<Run<'a>> =
        runs.into_iter().zip(taken).map(|((file, run), taken)| joined(file, run, taken)).collect();
    all.extend(alone.into_iter().map(on_its_own));
    Ok(all)
}

/// The results file and the task that a samples file belongs to.
fn owner<'a>(
    file: &File<'a>,
    runs: &[(File<'a>, results::Results<'a>)],
    taken: &[BTreeMap<String, File<'a>>],
) -> Option<(usize, String)> {
    let (task, stamp) = named(file.name);
    let fits = |idx: &usize| {
        runs[*idx].1.abouts.iter().any(|about| about.task == task) && !taken[*idx].contains_key(task)
    };
    let beside = |idx: &usize| folder(runs[*idx].0.name) == folder(file.name);
    let same_run = |idx: &usize| stamp.is_some() && stamp == results_stamp(runs[*idx].0.name);
    let all = || 0..runs.len();
    let found = all()
        .find(|idx| fits(idx) && beside(idx) && same_run(idx))
        .or_else(|| all().find(|idx| fits(idx) && same_run(idx)))
        .or_else(|| only(all().filter(|idx| fits(idx) && beside(idx))))
        .or_else(|| only(all().filter(fits)));
    if let Some(idx) = found {
        return Some((idx, task.to_owned()));
    }
    // The first 0.4 versions put the model's arguments before the task's name.
    let ends_in = |idx: usize| {
        let tasks = runs[idx].1.abouts.iter().map(|about| &about.task);
        let free =
            tasks.filter(|known| task.ends_with(&format!("_{known}")) && !taken[idx].contains_key(*known));
        free.max_by_key(|known| known.len()).cloned()
    };
    let named = all().filter(beside).find_map(|idx| Some((idx, ends_in(idx)?)));
    if named.is_some() {
        return named;
    }
    // A pair that was renamed: one results file, one task.
    match runs {
        [(_, run)] if run.abouts.len() == 1 && taken[0].is_empty() => Some((0, run.abouts[0].task.clone())),
        _ => None,
    }
}

fn only(mut all: impl Iterator<Item = usize>) -> Option<usize> {
    let first = all.next()?;
    all.next().is_none().then_some(first)
}

fn joined<'a>(
    file: File<'a>,
    results: results::Results<'a>,
    mut taken: BTreeMap<String, File<'a>>,
) -> Run<'a> {
    let mut logs: Vec<Log<'a>> = Vec::new();
    for mut about in results.abouts {
        about.results_file = Some(file.name.to_owned());
        let samples = taken.remove(&about.task);
        about.samples_file = samples.map(|samples| samples.name.to_owned());
        let within = results.samples.iter().find(|(task, _)| *task == about.task);
        let rows = match (samples, within) {
            (Some(samples), _) => Some(rows::of_file(samples, filters(&about))),
            (None, Some((_, values))) => {
                about.samples_file = Some(file.name.to_owned());
                Some(rows::of_values(values.clone(), file.name, filters(&about)))
            }
            (None, None) => None,
        };
        logs.push(Log { about, rows });
    }
    logs.sort_by(|one, other| one.about.task.cmp(&other.about.task));
    let groups =
        results.groups.into_iter().map(|group| Group { file: file.name.to_owned(), ..group }).collect();
    Run { logs, groups }
}

fn on_its_own(file: File<'_>) -> Run<'_> {
    let mut about = About::new(Harness::LmEval, named(file.name).0);
    about.samples_file = Some(file.name.to_owned());
    Run { logs: vec![Log { about, rows: Some(rows::of_file(file, Vec::new())) }], groups: Vec::new() }
}

/// The filters that a task's configuration lists, in the order in which the harness applies them.
fn filters(about: &About<'_>) -> Vec<String> {
    let listed = about.setup.config.as_ref().and_then(|config| config.get("filter_list"));
    let name = |filter: &Value<'_>| filter.get("name").and_then(Value::string).map(Cow::into_owned);
    listed.map_or(&[][..], Value::items).iter().filter_map(name).collect()
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The task and the time stamp in the name of a samples file.
fn named(path: &str) -> (&str, Option<&str>) {
    let name = base(path);
    let stem = name.strip_suffix(".jsonl").or_else(|| name.strip_suffix(".json")).unwrap_or(name);
    let rest = stem.strip_prefix("samples_").unwrap_or(stem);
    match rest.rsplit_once('_') {
        Some((task, stamp)) if is_stamp(stamp) => (task, Some(stamp)),
        _ => (rest, None),
    }
}

fn results_stamp(path: &str) -> Option<&str> {
    let stem = base(path).strip_suffix(".json")?;
    stem.rsplit_once('_').map(|(_, stamp)| stamp).filter(|stamp| is_stamp(stamp))
}

/// `2026-11-27T14-33-26.869338`.
fn is_stamp(text: &str) -> bool {
    let sound = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'T' | b':');
    text.len() >= 19 && text.as_bytes()[10] == b'T' && text.as_bytes().iter().all(sound)
}
