//! `stillmark benchmark pack mlperf|about|check`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use stillmark_benchmark::mlperf::golds::Rule;
use stillmark_benchmark::mlperf::rules::MIN_DURATION_MS;
use stillmark_benchmark::mlperf::{About, Inputs, Label, Packed, Run, pack};
use stillmark_evidence::audit::Verdict;
use stillmark_kernels::map::FileMap;

use super::mlperf::{self, Directory, Given};
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::output;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;

/// What `benchmark pack` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Lay two LoadGen runs out as an MLPerf Inference v6.1 submission to the open division
    Mlperf(MlperfArgs),
    /// Print a description of this machine to fill in: what `pack mlperf --about` reads
    About,
    /// Audit an MLPerf directory beyond the official checker
    Check(CheckArgs),
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark pack check packed\n  stillmark benchmark pack check submission --untruncated backup --golds golds.jsonl --rule letter\n\n\
                        DIR holds `open/` or `closed/`, or is what `pack mlperf` wrote. Exit codes: 0 nothing found; 1 something does not hold;\n\
                        3 the accuracy could not be taken anew, for want of the untruncated log or of golds."
)]
struct CheckArgs {
    /// The submission, or what `pack mlperf` wrote
    dir: PathBuf,
    #[command(flatten)]
    given: Given,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark benchmark pack about > about.toml\n  stillmark benchmark pack mlperf --about about.toml --accuracy logs/accuracy --performance logs/performance \\\n      --golds golds.jsonl --rule letter --out packed\n\n\
                        The logs come from bench/mlperf/sut.py. OUT/submission is what the official checker reads; OUT/untruncated keeps the\n\
                        whole accuracy log, without which nobody can take the accuracy anew. Exit 1: the directory is written, but its own\n\
                        audit finds something (a run under 600 s is too short to be submitted). Nothing here certifies anything."
)]
struct MlperfArgs {
    /// What LoadGen does not say: submitter, system, weights
    #[arg(long, value_name = "TOML")]
    about: PathBuf,
    /// The folder of LoadGen's logs of the accuracy run
    #[arg(long, value_name = "DIR")]
    accuracy: PathBuf,
    /// The folder of LoadGen's logs of the performance run
    #[arg(long, value_name = "DIR")]
    performance: PathBuf,
    /// What is right: JSON Lines of {index, gold}
    #[arg(long, value_name = "FILE")]
    golds: PathBuf,
    /// How answers are held against it: letter, number or exact
    #[arg(long, value_parser = mlperf::rule)]
    rule: Rule,
    /// Where the directory goes; it must not be there yet
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The file that `--about` names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AboutFile {
    submitter: String,
    system_id: String,
    benchmark: String,
    name: Option<String>,
    #[serde(default = "yes")]
    synthetic: bool,
    system: Map<String, Value>,
    measurements: Map<String, Value>,
}

fn yes() -> bool {
    true
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    submission: PathBuf,
    untruncated: PathBuf,
    files: usize,
    synthetic: bool,
    verdict: Verdict,
    audit: stillmark_evidence::audit::Audit,
}

/// Packs, or prints a description.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    match &args.what {
        What::Mlperf(args) => mlperf(args, session),
        What::About => {
            output::bytes(super::machine::about().as_bytes())?;
            Ok(ExitStatus::Done)
        }
        What::Check(args) => check(args, session),
    }
}

fn check(args: &CheckArgs, session: &Session) -> Outcome {
    if !mlperf::is_directory(&args.dir) {
        return Err(Problem::new(format!("{} is no MLPerf submission", args.dir.display()))
            .hint("name the folder that holds `open/SUBMITTER/results` or `closed/…`")
            .into());
    }
    let audit = Directory::open(&args.dir, args.given.untruncated.as_deref())?.audit(Some(&args.given))?;
    session.answer(&audit, || mlperf::told(&audit))?;
    Ok(mlperf::status(audit.verdict))
}

fn mlperf(args: &MlperfArgs, session: &Session) -> Outcome {
    if args.out.exists() {
        return Err(Problem::new(format!("{} is already there", args.out.display()))
            .hint("nothing was overwritten: move it away, or name another place")
            .into());
    }
    let about = about(&args.about)?;
    let accuracy = Logs::open(&args.accuracy)?;
    let performance = Logs::open(&args.performance)?;
    let golds = files::map(&args.golds)?;
    let user_conf = accuracy.user_conf.as_deref().or(performance.user_conf.as_deref()).ok_or_else(|| {
        Problem::new(format!("{} holds no user.conf", args.accuracy.display()))
            .hint("put the user.conf that LoadGen read beside its logs; bench/mlperf/sut.py does")
    })?;
    let synthetic = about.label == Label::Synthetic;
    let inputs = Inputs {
        about,
        accuracy: accuracy.run(),
        performance: performance.run(),
        user_conf,
        golds: &golds,
        rule: args.rule,
    };
    let packed = pack(&inputs)
        .map_err(|err| Problem::from_error(&err).while_doing("the directory cannot be laid out"))?;
    let (submission, untruncated) = (args.out.join("submission"), args.out.join("untruncated"));
    write(&packed, &submission, &untruncated)?;
    let audit = Directory::open(&args.out, None)?.audit(None)?;
    let answer = Answer {
        schema: "stillmark/benchmark-pack-mlperf/v1",
        submission,
        untruncated,
        files: packed.files.len(),
        synthetic,
        verdict: audit.verdict,
        audit,
    };
    session.answer(&answer, || told(&answer))?;
    Ok(mlperf::status(answer.verdict))
}

fn about(path: &Path) -> Result<About, Problem> {
    let text = files::read_text(path)?;
    let read: AboutFile = toml::from_str(&text).map_err(|err| {
        Problem::new(format!("{} cannot be read", path.display()))
            .cause(err.to_string())
            .hint("`stillmark benchmark pack about` prints one to fill in")
    })?;
    let label = if read.synthetic { Label::Synthetic } else { Label::Submission };
    Ok(About {
        submitter: read.submitter,
        system: read.system_id,
        name: read.name.unwrap_or_else(|| read.benchmark.clone()),
        benchmark: read.benchmark,
        label,
        description: as_words(read.system),
        measurements: as_words(read.measurements),
    })
}

/// Numbers as words: the official checker takes the number 0 for an empty field.
fn as_words(fields: Map<String, Value>) -> Map<String, Value> {
    let word = |value: Value| match value {
        Value::Number(number) => Value::String(number.to_string()),
        other => other,
    };
    fields.into_iter().map(|(name, value)| (name, word(value))).collect()
}

/// The logs of one run.
struct Logs {
    detail: FileMap,
    summary: FileMap,
    accuracy: FileMap,
    user_conf: Option<Vec<u8>>,
}

impl Logs {
    fn open(folder: &Path) -> Result<Self, Problem> {
        let open = |name: &str| {
            files::map(&folder.join(name)).map_err(|problem| {
                problem.hint("name the folder that LoadGen wrote its mlperf_log_* files into")
            })
        };
        Ok(Self {
            detail: open("mlperf_log_detail.txt")?,
            summary: open("mlperf_log_summary.txt")?,
            accuracy: open("mlperf_log_accuracy.json")?,
            user_conf: std::fs::read(folder.join("user.conf")).ok(),
        })
    }

    fn run(&self) -> Run<'_> {
        Run { detail: &self.detail, summary: &self.summary, accuracy: &self.accuracy }
    }
}

fn write(packed: &Packed<'_>, submission: &Path, untruncated: &Path) -> Result<(), Stop> {
    for (root, some) in [(submission, &packed.files), (untruncated, &packed.untruncated)] {
        for (name, bytes) in some {
            let path = root.join(name);
            if let Some(folder) = path.parent() {
                files::make_folder(folder)?;
            }
            files::write(&path, bytes, Secrecy::Public)?;
        }
    }
    Ok(())
}

fn told(answer: &Answer) -> String {
    let label = if answer.synthetic { ", labeled SYNTHETIC" } else { "" };
    let mut text = format!(
        "{}: {} files{label}\n{}: the accuracy log before it was truncated; keep it\n",
        answer.submission.display(),
        answer.files,
        answer.untruncated.display()
    );
    text += &mlperf::told(&answer.audit);
    if answer.audit.findings.iter().any(|found| found.class == "mlperf-too-short") {
        let least = MIN_DURATION_MS / 1000;
        text = [text, format!("not submittable: a performance run lasts {least} s or more")].join("\n");
    }
    text
}
