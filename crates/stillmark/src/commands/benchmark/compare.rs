//! `stillmark benchmark compare A B`.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_benchmark::comparison::{self, Compared, Scores};
use stillmark_benchmark::log::{File, lm_eval};
use stillmark_kernels::map::FileMap;

use crate::exit::ExitStatus;
use crate::files;
use crate::output::of_logarithm;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `benchmark compare` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark benchmark compare teacher-run student-run\n\n\
                  A and B: folders of `benchmark run`, or of lm-evaluation-harness's logs. Exit codes: 0 compared, 3 too few items differ\n\
                  for any test to decide, 2 nothing to compare.")]
pub(crate) struct Args {
    /// A run
    #[arg(value_name = "A")]
    first: PathBuf,
    /// A run over the same items
    #[arg(value_name = "B")]
    second: PathBuf,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    task: String,
    tasks: Option<u64>,
    tasks_of_group: Option<u64>,
    filter: String,
    metric: String,
    items: u64,
    unpaired: u64,
    first: f64,
    second: f64,
    difference: f64,
    low: f64,
    high: f64,
    confidence: f64,
    first_only: Option<u64>,
    second_only: Option<u64>,
    p: Option<f64>,
    ln_p: Option<f64>,
    needed: Option<u64>,
}

/// Compares two runs.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let (first, second) = (scores(&args.first)?, scores(&args.second)?);
    let compared = comparison::compare(&first, &second);
    if compared.is_empty() {
        return Err(Problem::new(format!(
            "{} and {} have no scored item in common",
            args.first.display(),
            args.second.display()
        ))
        .hint(
            "both must hold samples of the same tasks and documents; runs over other data cannot be compared",
        )
        .into());
    }
    let decides = |compared: &Compared| compared.test.is_none_or(|test| test.needed.is_some());
    let status = if compared.iter().any(decides) { ExitStatus::Done } else { ExitStatus::Review };
    let rows: Vec<Row> = compared.into_iter().map(Row::from).collect();
    let answer = Answer { schema: "stillmark/benchmark-compare/v1", rows };
    session.answer(&answer, || human(&answer))?;
    Ok(status)
}

/// The scores in a folder.
fn scores(folder: &Path) -> Result<Scores, Problem> {
    let mut found = Vec::new();
    collect(folder, &mut found)?;
    found.sort();
    if found.is_empty() {
        return Err(Problem::new(format!("{} holds no samples", folder.display()))
            .hint("`benchmark run` leaves `samples_*.jsonl`, and so does lm-evaluation-harness with `--log_samples`"));
    }
    let mut maps = Vec::new();
    for path in &found {
        maps.push(FileMap::open(path).map_err(|err| files::cannot("read", path, &err))?);
    }
    let names: Vec<String> = found.iter().map(|path| path.to_string_lossy().replace('\\', "/")).collect();
    let read: Vec<File<'_>> = names.iter().zip(&maps).map(|(name, map)| File { name, bytes: map }).collect();
    lm_eval::read(&read)
        .and_then(comparison::scores)
        .map_err(|err| Problem::from_error(&err).while_doing(format!("{} cannot be read", folder.display())))
}

/// The samples files of a folder and of the folders in it.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let cannot = |err: std::io::Error| files::cannot("read", folder, &err);
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() {
            collect(&path, found)?;
        } else if name.starts_with("samples_")
            && path.extension().is_some_and(|extension| extension == "jsonl")
            && path.metadata().is_ok_and(|m| 0 < m.len())
        {
            found.push(path);
        }
    }
    Ok(())
}

impl From<Compared> for Row {
    fn from(compared: Compared) -> Self {
        let test = compared.test;
        Self {
            task: compared.task,
            tasks: compared.members.map(|members| members.shared),
            tasks_of_group: compared.members.map(|members| members.all),
            filter: compared.filter,
            metric: compared.metric,
            items: compared.items,
            unpaired: compared.unpaired,
            first: compared.first,
            second: compared.second,
            difference: compared.difference.value,
            low: compared.difference.low,
            high: compared.difference.high,
            confidence: compared.difference.confidence,
            first_only: test.map(|test| test.discordant.first),
            second_only: test.map(|test| test.discordant.second),
            p: test.map(|test| test.p.value()),
            ln_p: test.map(|test| test.p.ln()),
            needed: test.and_then(|test| test.needed),
        }
    }
}

impl Row {
    /// How many clusters a group's interval has.
    fn clusters(&self) -> String {
        match (self.tasks, self.tasks_of_group) {
            (Some(tasks), Some(all)) => format!(" in {tasks} clusters, of {all} tasks"),
            _ => String::new(),
        }
    }
}

fn human(answer: &Answer) -> String {
    let mut lines = Vec::new();
    for row in &answer.rows {
        let of =
            if row.filter == "none" { row.metric.clone() } else { format!("{}, {}", row.metric, row.filter) };
        lines.push(format!(
            "{} ({of}): {:.4} against {:.4}, difference {:+.4} [{:+.4}, {:+.4}] at {:.0} % over {} shared items{}",
            row.task, row.first, row.second, row.difference, row.low, row.high, 100.0 * row.confidence, row.items,
            row.clusters()
        ));
        if let (Some(first), Some(second), Some(ln_p)) = (row.first_only, row.second_only, row.ln_p) {
            lines.push(format!(
                "  {first} items only A has right, {second} only B: p = {} (exact, two-sided)",
                of_logarithm(ln_p)
            ));
            lines.push(match row.needed {
                Some(needed) => format!(
                    "  of these {}, {needed} on one side would give p of at most 0.05",
                    first + second
                ),
                None => "  too few items differ: no split of them would give p of at most 0.05".to_owned(),
            });
        }
        if row.unpaired != 0 {
            lines.push(format!("  {} items without a partner are left out", row.unpaired));
        }
    }
    lines.push(format!(
        "\nEach p is for its own metric; {} were compared, and items were taken as independent{}. It says nothing of other items.",
        answer.rows.len(),
        if answer.rows.iter().any(|row| row.tasks.is_some()) { ", but in the intervals of groups" } else { "" }
    ));
    lines.join("\n")
}
