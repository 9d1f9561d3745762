//! `stillmark verify PATH`: every signature, digest, log proof, provenance edge, share and card statement, offline.

use std::path::{Path, PathBuf};

use stillmark_evidence::checks::{Check, CheckVerdict, FolderReport};
use stillmark_evidence::verify::{
    self, AuditFacts, EvaluationFacts, FindingFacts, FolderFacts, Verified, finding, folder,
};
use stillmark_evidence::{audit, evaluation, watermark};

use crate::exit::ExitStatus;
use crate::problem::{Outcome, Problem, one_line};
use crate::rejudge::Rim;
use crate::session::Session;
use crate::trust;

/// What `verify` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark verify out\n  stillmark verify out --trust builder.pub.pem --format json

Exit codes: 0 verified, 1 a check failed, 3 sound but not by a trusted key, 2 PATH cannot be read."
)]
pub(crate) struct Args {
    /// The folder of a run, of a watermark finding, of an evaluation, or of an audit
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Believe this public key alone; may be repeated [default: the keys in ~/.config/stillmark/trusted]
    #[arg(long, value_name = "KEY")]
    trust: Vec<PathBuf>,
}

/// Verifies a folder and prints what was found.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let shown = shown(&args.path, &args.trust, session)?;
    let report = shown.report();
    session.answer(report, || human(&args.path, report))?;
    Ok(status(report.verdict))
}

/// What a folder of any kind shows.
pub(crate) enum Shown {
    /// That of a run.
    Run(Box<Verified<FolderFacts>>),
    /// That of a watermark finding.
    Finding(Box<Verified<FindingFacts>>),
    /// That of an evaluation run.
    Evaluation(Box<Verified<EvaluationFacts>>),
    /// That of an audit of benchmark logs.
    Audit(Box<Verified<AuditFacts>>),
}

impl Shown {
    /// Every check.
    pub(crate) fn report(&self) -> &FolderReport {
        match self {
            Self::Run(facts) => &facts.report,
            Self::Finding(facts) => &facts.report,
            Self::Audit(facts) => &facts.report,
            Self::Evaluation(facts) => &facts.report,
        }
    }
}

/// Verifies a folder of any kind.
pub(crate) fn shown(path: &Path, trusted: &[PathBuf], session: &Session) -> Result<Shown, Problem> {
    let shown = if watermark::is_folder(path) {
        finding(path, &trust::load(trusted, &session.settings.trust)?).map(Box::new).map(Shown::Finding)
    } else if evaluation::is_folder(path) {
        verify::evaluation(path, &trust::load(trusted, &session.settings.trust)?)
            .map(Box::new)
            .map(Shown::Evaluation)
    } else if audit::is_folder(path) {
        verify::audit(path, &trust::load(trusted, &session.settings.trust)?).map(Box::new).map(Shown::Audit)
    } else {
        return facts(path, trusted, session).map(Box::new).map(Shown::Run);
    };
    shown.map_err(|err| {
        Problem::from_error(&err).while_doing(format!("{} cannot be verified", path.display()))
    })
}

/// Verifies a run's folder by the keys named, else by those of the user.
pub(crate) fn facts(
    path: &Path,
    trusted: &[PathBuf],
    session: &Session,
) -> Result<Verified<FolderFacts>, Problem> {
    let trust = trust::load(trusted, &session.settings.trust)?;
    folder(path, &trust, &Rim).map_err(|err| {
        Problem::from_error(&err)
            .while_doing(format!("{} cannot be verified", path.display()))
            .hint("name the folder that `quickstart` or `distill run` left")
    })
}

/// How a verdict ends the program.
pub(crate) fn status(verdict: CheckVerdict) -> ExitStatus {
    match verdict {
        CheckVerdict::Pass => ExitStatus::Done,
        CheckVerdict::Fail => ExitStatus::Negative,
        CheckVerdict::Inconclusive | CheckVerdict::NotRecorded => ExitStatus::Review,
    }
}

/// The answer for people: the verdict first, then what failed, then the rest.
fn human(path: &Path, report: &FolderReport) -> String {
    let failed: Vec<&Check> =
        report.checks.iter().filter(|check| check.verdict != CheckVerdict::Pass).collect();
    let passed: Vec<&Check> =
        report.checks.iter().filter(|check| check.verdict == CheckVerdict::Pass).collect();
    let verdict = match report.verdict {
        CheckVerdict::Pass => "verified",
        CheckVerdict::Fail => "FAILED",
        CheckVerdict::Inconclusive | CheckVerdict::NotRecorded => "inconclusive",
    };
    let mut lines = vec![format!(
        "{}: {verdict}   {} of {} checks hold   assurance: {}",
        path.display(),
        passed.len(),
        report.checks.len(),
        word(&report.assurance)
    )];
    let width = report.checks.iter().map(|check| check.id.len()).max().unwrap_or_default();
    for check in failed.into_iter().chain(passed) {
        lines.push(format!(
            "  {:<12} {:<width$}  {}  {}",
            word(&check.verdict),
            check.id,
            check.subject,
            check.detail
        ));
    }
    for contradiction in &report.contradictions {
        lines.push(format!(
            "  CONTRADICTION {}: it says `{}`, the signed record `{}`",
            contradiction.field,
            one_line(&contradiction.stated),
            one_line(&contradiction.recorded)
        ));
    }
    if report.verdict != CheckVerdict::Pass {
        lines.push("\n`stillmark explain CODE` says what a check means and cannot show.".to_owned());
    }
    lines.join("\n")
}

/// The word that JSON has for a value.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
