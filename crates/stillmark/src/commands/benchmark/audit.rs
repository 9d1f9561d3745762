//! `stillmark benchmark audit LOG…`.

use std::path::{Path, PathBuf};

use stillmark_benchmark::audit::{self, Class, Part};
use stillmark_benchmark::log;
use stillmark_evidence::audit::{Audit, Verdict};
use stillmark_evidence::signing::seal_audit;
use stillmark_evidence::test_result::Configuration;

use super::mlperf::{self, Directory, Given};
use super::spot_check::{self, Asked, Which};
use super::{logs, told};
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::keys;
use crate::problem::{Outcome, Problem, Stop};
use crate::session::Session;

/// What `benchmark audit` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark benchmark audit results/my-model --sarif audit.sarif\n\n\
                  LOG: `results_*.json` and `samples_*.jsonl` of lm-evaluation-harness, Inspect's `.eval` and JSON, a run folder of HELM, lighteval's details,\n\
                  JSON Lines of answers; or a folder of them. A folder with `open/` or `closed/` in it is audited as an MLPerf directory,\n\
                  LoadGen's `mlperf_log_accuracy.json` with `--golds` and `--rule`.\n\
                  Exit codes: 0 nothing found, or departures that the log itself declares; 1 something does not hold;\n\
                  3 too little could be checked.")]
pub(crate) struct Args {
    /// The logs, or folders of logs
    #[arg(required = true, value_name = "LOG")]
    logs: Vec<PathBuf>,
    /// A copy of the benchmark to hold the items against, instead of the pins that are built in
    #[arg(long, value_name = "BENCH")]
    against: Option<PathBuf>,
    #[command(flatten)]
    given: Given,
    /// Also write the findings as SARIF 2.1.0
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Leave the audit, its SARIF and a signed test result in this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The plan of a spot check of the log: what was run again is judged, and the assurance is L2 where it holds
    #[arg(long, value_name = "PLAN", requires = "rerun")]
    spot_check: Option<PathBuf>,
    /// The re-run of the drawn items
    #[arg(long, value_name = "PATH", requires = "spot_check")]
    rerun: Vec<PathBuf>,
    /// A second re-run, of some of them or all
    #[arg(long, value_name = "PATH", requires = "spot_check")]
    again: Vec<PathBuf>,
    #[command(flatten)]
    which: Which,
}

/// Audits, answers, and signs where asked to.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let audit = any(&args.logs, args.against.as_deref(), &args.given, spot_checked(args)?, session)?;
    let sarif = serde_json::to_vec_pretty(&audit::sarif(&audit, env!("CARGO_PKG_VERSION")))
        .map_err(|err| Problem::new("the findings could not be written as SARIF").cause(err.to_string()))?;
    if let Some(path) = &args.sarif {
        files::write(path, &sarif, Secrecy::Public)?;
    }
    if let Some(folder) = &args.out {
        sign(folder, &audit, &sarif, session)?;
    }
    session.answer(&audit, || told::audit(&audit))?;
    Ok(match audit.verdict {
        Verdict::NothingFound | Verdict::Departs => ExitStatus::Done,
        Verdict::Altered => ExitStatus::Negative,
        Verdict::Inconclusive => ExitStatus::Review,
    })
}

/// Audits what is named, be it an MLPerf directory, an accuracy log of LoadGen or logs of a harness.
pub(super) fn any(
    paths: &[PathBuf],
    against: Option<&Path>,
    given: &Given,
    spot_check: Option<Part>,
    session: &Session,
) -> Result<Audit, Stop> {
    if let [path] = paths {
        if mlperf::is_directory(path) {
            return Directory::open(path, given.untruncated.as_deref())?.audit(Some(given));
        }
        if let Some(file) = mlperf::accuracy_log(path) {
            return mlperf::audit_accuracy_log(&file, given);
        }
    }
    if given.golds.is_some() || given.untruncated.is_some() || given.rule.is_some() {
        return Err(Problem::new("golds and rules are for what LoadGen wrote, and this is no such log")
            .hint("leave `--golds`, `--rule` and `--untruncated` out, or name one MLPerf directory or accuracy log")
            .into());
    }
    audit(paths, against, spot_check, session)
}

/// Reads logs and audits them.
fn audit(
    paths: &[PathBuf],
    against: Option<&Path>,
    spot_check: Option<Part>,
    session: &Session,
) -> Result<Audit, Stop> {
    let logs = logs::open(paths)?;
    let copy = against.map(logs::copy).transpose()?;
    let files = logs.files();
    let broken = |err: stillmark_benchmark::Error| {
        Problem::from_error(&err)
            .while_doing("a log cannot be read")
            .hint("nothing was judged: get the file anew from whoever ran it, as the harness wrote it")
    };
    let runs = log::read(&files).map_err(broken)?;
    let bar = session.talk.steps_bar("logs", runs.len() as u64);
    let mut parts = Vec::new();
    for run in runs {
        parts.push(audit::run(run, copy.as_ref()).map_err(broken)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    parts.extend(spot_check);
    Ok(audit::joined(logs.digests(), parts))
}

/// Judges the re-run, where there is one.
fn spot_checked(args: &Args) -> Result<Option<Part>, Stop> {
    let Some(plan) = &args.spot_check else { return Ok(None) };
    let asked = Asked {
        plan,
        log: &args.logs,
        rerun: &args.rerun,
        again: &args.again,
        tolerance: spot_check::TOLERANCE,
        which: &args.which,
    };
    let judgement = spot_check::judged(&asked)?;
    let record = judgement.record(files::read_text(plan)?.as_bytes())?;
    let file = args.logs[0].file_name().unwrap_or_default().to_string_lossy();
    Ok(Some(audit::spot_check(record, &judgement.judged, &judgement.differing, &file)))
}

fn sign(folder: &Path, audit: &Audit, sarif: &[u8], session: &Session) -> Result<(), Stop> {
    let signer = keys::read_private(&session.settings.key)?;
    files::make_folder(folder)?;
    let program = Configuration { name: format!("stillmark {}", env!("CARGO_PKG_VERSION")), digest: None };
    let is_looked_for = |class: &Class| audit.spot_check.is_some() || !class.needs_rerun();
    let classes: Vec<&str> = Class::ALL.into_iter().filter(is_looked_for).map(Class::code).collect();
    seal_audit(folder, audit, sarif, (vec![program], &classes), &signer).map_err(|err| {
        Problem::from_error(&err)
            .while_doing("the audit could not be signed")
            .hint("name a folder that can be written to")
    })?;
    session.talk.note(&format!("signed into {}: `stillmark report` shows it", folder.display()));
    Ok(())
}
