//! The scores of a log, item by item.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stillmark_benchmark::log::{File, Response, Sample, lm_eval};

use crate::problem::Problem;

/// What a log says of one item.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scored {
    pub(super) score: f64,
    pub(super) likelihoods: Vec<f64>,
}

/// An item: its task, and its number in it.
pub(super) type Key = (String, u64);

/// Which score is compared.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Which {
    /// The score that is compared, such as `acc`; the only one if not given
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// The filter whose answers are compared, such as `strict-match`; the only one if not given
    #[arg(long, value_name = "NAME")]
    filter: Option<String>,
}

/// Reads samples of lm-evaluation-harness (ours are written so, too), in the order of tasks and numbers.
pub(super) fn read(paths: &[PathBuf], which: &Which) -> Result<BTreeMap<Key, Scored>, Problem> {
    let mut files = Vec::new();
    for path in paths {
        find(path, &mut files)?;
    }
    let sources: Vec<File<'_>> = files.iter().map(|(name, bytes)| File { name, bytes }).collect();
    let broken = |err: &stillmark_benchmark::Error| {
        Problem::from_error(err).while_doing(format!("{} cannot be read as a log", named(paths)))
    };
    let mut found = BTreeMap::new();
    for run in lm_eval::read(&sources).map_err(|err| broken(&err))? {
        for log in run.logs {
            let task = log.about.task;
            for sample in log.rows.into_iter().flatten() {
                let sample = sample.map_err(|err| broken(&err))?;
                if which.filter.as_deref().is_none_or(|filter| filter == sample.filter) {
                    let (number, scored) = scored(&sample, which).map_err(|problem| {
                        problem.while_doing(format!("task {task}, line {}", sample.line))
                    })?;
                    if found.insert((task.clone(), number), scored).is_some() {
                        return Err(Problem::new(format!("task {task} has item {number} twice"))
                            .hint("name one filter with `--filter`, and one log of each task"));
                    }
                }
            }
        }
    }
    if found.is_empty() {
        return Err(Problem::new(format!("{} holds no samples", named(paths)))
            .hint("name `samples_*.jsonl` of lm-evaluation-harness (`--log_samples`)"));
    }
    Ok(found)
}

fn scored(sample: &Sample<'_>, which: &Which) -> Result<(u64, Scored), Problem> {
    let number = sample.id.parse().map_err(|_| {
        Problem::new(format!("the item `{}` has no number", sample.id))
            .hint("lm-evaluation-harness counts items from 0")
    })?;
    let names: Vec<&str> = sample.scores.iter().map(|(name, _)| name.as_ref()).collect();
    let name = match (&which.metric, names.as_slice()) {
        (Some(name), _) => name.as_str(),
        (None, [name]) => name,
        (None, _) => {
            return Err(Problem::new("there are several scores")
                .hint(format!("name one with `--metric`: {}", names.join(", "))));
        }
    };
    let score = sample.score(name).filter(|score| (0.0..=1.0).contains(score)).ok_or_else(|| {
        Problem::new(format!("there is no score `{name}` from 0 to 1"))
            .hint(format!("scores there: {}", names.join(", ")))
    })?;
    let likelihood = |response: &Response<'_>| match response {
        Response::Likelihood { ln, .. } => Some(*ln),
        Response::Text(_) | Response::Other(_) => None,
    };
    let responses = sample.requests.iter().filter_map(|request| request.responses.first());
    Ok((number, Scored { score, likelihoods: responses.filter_map(likelihood).collect() }))
}

fn find(path: &Path, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), Problem> {
    let cannot = |err: std::io::Error| crate::files::cannot("read", path, &err);
    if path.is_dir() {
        let entries = std::fs::read_dir(path).map_err(cannot)?;
        let mut below: Vec<PathBuf> =
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>().map_err(cannot)?;
        below.sort();
        let is_log = |path: &&PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            path.is_dir() || name.starts_with("samples_") || name.starts_with("results_")
        };
        return below.iter().filter(is_log).try_for_each(|path| find(path, files));
    }
    files.push((path.display().to_string(), std::fs::read(path).map_err(cannot)?));
    Ok(())
}

fn named(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}
