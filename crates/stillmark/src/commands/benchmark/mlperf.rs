//! MLPerf directories, opened and audited.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stillmark_benchmark::mlperf::golds::Rule;
use stillmark_benchmark::mlperf::{Audited, Bare, Tree, audit, bare, is_accuracy_log, is_submission};
use stillmark_evidence::Digest;
use stillmark_evidence::audit::{Audit, Level, ReadFile, SCHEMA, Verdict};
use stillmark_kernels::map::FileMap;

use crate::exit::ExitStatus;
use crate::files;
use crate::problem::{Problem, Stop};

/// A folder with more files is no submission.
const MOST_FILES: usize = 20_000;

/// How deep a submission's folders go at most: with room for sources.
const DEEPEST: usize = 32;

/// Reads the name of a rule.
pub(crate) fn rule(name: &str) -> Result<Rule, String> {
    Rule::find(name).ok_or_else(|| "letter, number or exact".to_owned())
}

/// What of the audit comes from elsewhere than the submission.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Given {
    /// Where the untruncated accuracy logs lie [default: `untruncated` beside the submission]
    #[arg(long, value_name = "DIR")]
    pub(crate) untruncated: Option<PathBuf>,
    /// What is right, instead of what the directory says is right
    #[arg(long, value_name = "FILE", requires = "rule")]
    pub(crate) golds: Option<PathBuf>,
    /// How answers are held against it: letter, number or exact
    #[arg(long, value_parser = rule)]
    pub(crate) rule: Option<Rule>,
}

/// A submission, and what was kept beside it.
pub(crate) struct Directory {
    files: BTreeMap<String, FileMap>,
    untruncated: BTreeMap<String, FileMap>,
}

/// Whether a folder is a submission, or holds one as `pack` lays it out.
pub(crate) fn is_directory(path: &Path) -> bool {
    root(path).is_some()
}

/// The root of a submission: the folder itself, or `submission` within it.
fn root(path: &Path) -> Option<PathBuf> {
    let looks = |folder: &Path| {
        let mut below = Vec::new();
        names(folder, 3, &mut below);
        is_submission(&below)
    };
    [path.to_owned(), path.join("submission")].into_iter().find(|folder| folder.is_dir() && looks(folder))
}

/// Paths below a folder, a few levels deep; what cannot be read is left out.
fn names(folder: &Path, levels: usize, into: &mut Vec<String>) {
    let mut waiting = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten().take(1000) {
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if depth + 1 < levels && entry.path().is_dir() {
                waiting.push((entry.path(), format!("{name}/"), depth + 1));
            }
            into.push(name);
        }
    }
}

impl Directory {
    /// Opens a submission with what was kept untruncated.
    pub(crate) fn open(path: &Path, untruncated: Option<&Path>) -> Result<Self, Stop> {
        let root = root(path).unwrap_or_else(|| path.to_owned());
        let kept = match untruncated {
            Some(given) => Some(given.to_owned()),
            None => root.parent().map(|parent| parent.join("untruncated")).filter(|folder| folder.is_dir()),
        };
        let kept = kept.map(|folder| tree(&folder)).transpose()?;
        Ok(Self { files: tree(&root)?, untruncated: kept.unwrap_or_default() })
    }

    /// Audits it.
    pub(crate) fn audit(&self, given: Option<&Given>) -> Result<Audit, Stop> {
        let golds = given.and_then(|given| given.golds.as_deref()).map(files::map).transpose()?;
        let audited = audit(&Tree {
            files: slices(&self.files),
            untruncated: slices(&self.untruncated),
            golds: golds.as_deref(),
            rule: given.and_then(|given| given.rule),
        });
        let read = self.files.iter().map(|(name, bytes)| shown("mlperf", name, bytes));
        let kept = self.untruncated.iter().map(|(name, bytes)| shown("mlperf-untruncated", name, bytes));
        Ok(told_as_audit(audited, read.chain(kept).collect()))
    }
}

fn shown(format: &str, name: &str, bytes: &[u8]) -> ReadFile {
    ReadFile {
        name: name.to_owned(),
        sha256: Digest::of(bytes),
        bytes: bytes.len() as u64,
        format: format.to_owned(),
    }
}

fn told_as_audit(audited: Audited, files: Vec<ReadFile>) -> Audit {
    let is_whole = audited.verdict == Verdict::NothingFound;
    Audit {
        schema: SCHEMA.to_owned(),
        verdict: audited.verdict,
        assurance: if is_whole { Level::L1 } else { Level::L0 },
        files,
        scores: audited.scores,
        findings: audited.findings,
        findings_left_out: 0,
        departures: Vec::new(),
        undecidable: Vec::new(),
        not_checked: audited.not_checked,
        cannot_show: audited.cannot_show,
        spot_check: None,
    }
}

/// An accuracy log of LoadGen that lies in no submission: the file itself, or in the folder that LoadGen wrote.
pub(super) fn accuracy_log(path: &Path) -> Option<PathBuf> {
    let file = if path.is_dir() { path.join(ACCURACY_LOG) } else { path.to_owned() };
    let is_one = file.is_file() && files::map(&file).is_ok_and(|bytes| is_accuracy_log(&bytes));
    is_one.then_some(file)
}

const ACCURACY_LOG: &str = "mlperf_log_accuracy.json";

/// Audits an accuracy log with what lies beside it.
pub(super) fn audit_accuracy_log(file: &Path, given: &Given) -> Result<Audit, Stop> {
    let (Some(golds), Some(rule)) = (&given.golds, given.rule) else {
        return Err(Problem::new(format!("{} does not say what is right", file.display()))
            .hint("add `--golds FILE`, JSON Lines of {index, gold}, and `--rule letter`, `number` or `exact`")
            .into());
    };
    let beside = |name: &str| {
        let path = file.with_file_name(name);
        path.is_file().then(|| files::map(&path)).transpose()
    };
    let (log, golds) = (files::map(file)?, files::map(golds)?);
    let (claims, detail) = (beside("accuracy.txt")?, beside("mlperf_log_detail.txt")?);
    let task = file.parent().and_then(Path::file_name).unwrap_or(file.as_os_str()).to_string_lossy();
    let audited = bare(&Bare {
        task: &task,
        log: (ACCURACY_LOG, &log),
        claims: claims.as_deref().map(|bytes| ("accuracy.txt", bytes)),
        detail: detail.as_deref().map(|bytes| ("mlperf_log_detail.txt", bytes)),
        golds: &golds,
        rule,
    });
    let audited = audited.map_err(|err| {
        Problem::from_error(&err)
            .while_doing(format!("{} cannot be scored", file.display()))
            .hint("give the log as LoadGen wrote it, not its two ends; golds are JSON Lines of {index, gold}")
    })?;
    let read = [
        Some(shown("mlperf", ACCURACY_LOG, &log)),
        claims.as_deref().map(|bytes| shown("mlperf", "accuracy.txt", bytes)),
        detail.as_deref().map(|bytes| shown("mlperf", "mlperf_log_detail.txt", bytes)),
    ];
    Ok(told_as_audit(audited, read.into_iter().flatten().collect()))
}

fn slices(files: &BTreeMap<String, FileMap>) -> BTreeMap<String, &[u8]> {
    files.iter().map(|(name, bytes)| (name.clone(), &**bytes)).collect()
}

/// Every file below a folder, by path; links are not followed out of it.
fn tree(root: &Path) -> Result<BTreeMap<String, FileMap>, Stop> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = waiting.pop() {
        let listed = std::fs::read_dir(&folder).map_err(|err| files::cannot("list", &folder, &err))?;
        for entry in listed {
            let entry = entry.map_err(|err| files::cannot("list", &folder, &err))?;
            let kind = entry.file_type().map_err(|err| files::cannot("read", &entry.path(), &err))?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if kind.is_dir() && depth < DEEPEST {
                waiting.push((entry.path(), format!("{name}/"), depth + 1));
            } else if kind.is_file() {
                found.insert(name, files::map(&entry.path())?);
            }
            if found.len() > MOST_FILES {
                return Err(Problem::new(format!("{} holds more than {MOST_FILES} files", root.display()))
                    .hint("name the root of one submission")
                    .into());
            }
        }
    }
    Ok(found)
}

/// How the program ends on a verdict.
pub(crate) fn status(verdict: Verdict) -> ExitStatus {
    match verdict {
        Verdict::NothingFound => ExitStatus::Done,
        Verdict::Departs | Verdict::Altered => ExitStatus::Negative,
        Verdict::Inconclusive => ExitStatus::Review,
    }
}

/// The audit for people.
pub(crate) fn told(audit: &Audit) -> String {
    let mut lines: Vec<String> = audit
        .findings
        .iter()
        .map(|found| {
            let differs = match (&found.expected, &found.found) {
                (Some(expected), Some(found)) => format!(": {found}, not {expected}"),
                _ => String::new(),
            };
            format!("{}  {}: {}{differs}", found.class, found.file, found.detail)
        })
        .collect();
    for score in &audit.scores {
        let share = |value: Option<f64>| {
            value.map_or_else(|| "nothing".to_owned(), |value| format!("{:.3} %", value * 100.0))
        };
        let interval = score.interval.map_or_else(String::new, |[low, high]| {
            format!(", 95 % interval {:.2} to {:.2} %", low * 100.0, high * 100.0)
        });
        lines.push(format!(
            "accuracy of {}: claimed {}, recomputed {} of {} samples{interval}",
            score.task,
            share(score.claimed),
            share(score.recomputed),
            score.n
        ));
    }
    lines.extend(audit.not_checked.iter().map(|open| format!("not checked  {}", open.why)));
    lines.push(match audit.verdict {
        Verdict::NothingFound => "nothing found: MLPerf-format evidence whose parts agree".to_owned(),
        Verdict::Departs | Verdict::Altered => {
            format!("{} findings: this directory does not hold", audit.findings.len())
        }
        Verdict::Inconclusive => "inconclusive: nothing found, but not everything was checked".to_owned(),
    });
    lines.extend(audit.cannot_show.iter().map(|line| format!("cannot show  {line}")));
    lines.join("\n")
}
