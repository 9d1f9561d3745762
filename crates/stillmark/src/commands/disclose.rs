//! `stillmark disclose DIR`: documents for others, from recorded facts only.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_evidence::checks::{CheckVerdict, FolderReport};
use stillmark_evidence::documents::{EVALUATIONS, Kind};
use stillmark_evidence::layout::path;
use stillmark_evidence::verify::{FolderFacts, Verified};
use stillmark_report::documents::{Completeness, Document, Facts, Format};

use super::{evaluations, verify};
use crate::exit::ExitStatus;
use crate::files::{self, Secrecy};
use crate::problem::{Outcome, Problem, one_line};
use crate::session::Session;

/// Where documents lie in a run folder.
const FOLDER: &str = "disclosure/";

/// What `disclose` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark disclose out --formats hf,cyclonedx

Fills out/disclosure and proposes a card; out/model is left alone, since it is signed.
Exit codes: 0 written, 1 the folder does not verify, 2 it cannot be read.")]
pub(crate) struct Args {
    /// The folder of a run
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Which families of documents, separated by commas: hf, cyclonedx, spdx, croissant, eu [default: all]
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', value_parser = format)]
    formats: Vec<Format>,
    /// A folder of `benchmark run` on this model: its scores are disclosed with their recipes; may be repeated
    #[arg(long, value_name = "DIR")]
    evaluation: Vec<PathBuf>,
    /// Believe this public key alone; may be repeated
    #[arg(long, value_name = "KEY")]
    trust: Vec<PathBuf>,
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: &'static str,
    folder: &'a Path,
    written: Vec<String>,
    recorded: &'a [&'static str],
    not_recorded: &'a [&'static str],
    card: Vec<String>,
}

/// Verifies the folder and writes its documents.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let sound = || -> Result<_, Problem> {
        let facts = verify::facts(&args.folder, &args.trust, session)?;
        unsound(&args.folder, &facts.report).map_or(Ok(facts), Err)
    };
    let mut facts = sound()?;
    let mut formats: Vec<Format> =
        if args.formats.is_empty() { Format::EVERY.into() } else { args.formats.clone() };
    let evaluations = evaluations::read(&args.evaluation, &args.folder, &args.trust, session)?;
    let mut written: Vec<String> = Vec::new();
    if !evaluations.is_empty() {
        written = evaluations::copy(&evaluations, &args.folder)?;
        facts = sound()?;
        // What was written before says nothing of these scores yet, which `verify` would call a contradiction.
        let is_there =
            |format: &Format| format.kinds().iter().any(|kind| args.folder.join(kind.path()).exists());
        formats.extend(Format::EVERY.into_iter().filter(is_there));
    }
    let filled = fill(&facts, &args.folder, &formats)?;
    written.splice(0..0, filled.written.iter().map(|kind| kind.path().to_owned()));
    for left in &filled.stale {
        let file = left.path();
        session.talk.warn(&format!("{file} was left as it is, and says something else than the record"));
    }
    let answer = Answer {
        schema: "stillmark/disclose/v1",
        folder: &args.folder,
        written,
        recorded: &filled.completeness.recorded,
        not_recorded: &filled.completeness.not_recorded,
        card: filled.card,
    };
    session.answer(&answer, || told(&answer))?;
    Ok(ExitStatus::Done)
}

/// What was written into a folder's `disclosure/`.
pub(crate) struct Filled {
    written: Vec<Kind>,
    /// Documents that were not written anew, and that say something else than they would now.
    stale: Vec<Kind>,
    completeness: Completeness,
    /// How the proposed card differs from the one in the model's folder.
    card: Vec<String>,
}

/// Writes the documents of some formats.
pub(crate) fn fill(
    facts: &Verified<FolderFacts>,
    folder: &Path,
    formats: &[Format],
) -> Result<Filled, Problem> {
    let facts = Facts::of(facts).ok_or_else(|| {
        Problem::new(format!("{} holds no signed run, data and model together", folder.display()))
            .hint("`stillmark verify` says which statement is missing")
    })?;
    let mut filled = Filled {
        written: Vec::new(),
        stale: Vec::new(),
        completeness: facts.completeness(),
        card: Vec::new(),
    };
    files::make_folder(&folder.join(FOLDER))?;
    for kind in Kind::ALL {
        let wanted = kind == Kind::Notice || formats.iter().any(|format| format.kinds().contains(&kind));
        let place = folder.join(kind.path());
        let Some(document) = facts.write(kind) else {
            filled.stale.extend(place.exists().then_some(kind));
            continue;
        };
        if wanted {
            write(&place, &document)?;
            filled.written.push(kind);
        } else if std::fs::read_to_string(&place).is_ok_and(|old| old != document.text) {
            filled.stale.push(kind);
        }
        if kind == Kind::ModelCard && wanted {
            let card = std::fs::read_to_string(folder.join(path::CARD)).unwrap_or_default();
            filled.card = differences(&card, &document.text);
        }
    }
    Ok(filled)
}

fn write(place: &Path, document: &Document) -> Result<(), Problem> {
    if let Some(folder) = place.parent() {
        files::make_folder(folder)?;
    }
    files::write(place, document.text.as_bytes(), Secrecy::Public)
}

/// Why a folder must not be disclosed: what fails in it, but for documents that are about to be written anew.
fn unsound(folder: &Path, report: &FolderReport) -> Option<Problem> {
    let failed = report.checks.iter().filter(|check| check.verdict == CheckVerdict::Fail);
    let checks = failed
        .filter(|check| !check.subject.starts_with(FOLDER) || check.subject.starts_with(EVALUATIONS))
        .map(|check| format!("{}: {}: {}", check.id, check.subject, check.detail));
    let contradictions =
        report.contradictions.iter().filter(|one| !one.field.starts_with(FOLDER)).map(|one| {
            let (stated, recorded) = (one_line(&one.stated), one_line(&one.recorded));
            format!("contradiction: {}: it says `{stated}`, the signed record `{recorded}`", one.field)
        });
    let causes: Vec<String> = checks.chain(contradictions).collect();
    if causes.is_empty() {
        return None;
    }
    let mut problem = Problem::new(format!("{} does not verify, and is not disclosed", folder.display()))
        .status(ExitStatus::Negative)
        .hint("`stillmark explain CODE` says what a finding means; nothing was written");
    for cause in causes {
        problem = problem.cause(cause);
    }
    Some(problem)
}

/// The lines that one text has and the other has not, in their order.
fn differences(old: &str, new: &str) -> Vec<String> {
    let missing = |from: &str, of: &str, sign: char| -> Vec<String> {
        let has: std::collections::BTreeSet<&str> = of.lines().collect();
        from.lines().filter(|line| !has.contains(line)).map(|line| format!("{sign} {line}")).collect()
    };
    [missing(old, new, '-'), missing(new, old, '+')].concat()
}

fn told(answer: &Answer<'_>) -> String {
    let folder = answer.folder.display();
    let mut lines: Vec<String> = answer.written.iter().map(|file| format!("{folder}/{file}")).collect();
    let (recorded, missing) = (answer.recorded.len(), answer.not_recorded.len());
    let names = answer.not_recorded.join(", ");
    lines.push(format!("\n{recorded} of {} facts recorded; not recorded: {names}", recorded + missing));
    if !answer.written.iter().any(|file| file == Kind::ModelCard.path()) {
        return lines.join("\n");
    }
    if answer.card.is_empty() {
        lines.push(format!("The proposed card is {folder}/{}, line for line.", path::CARD));
    } else {
        lines.push(format!("The proposed card differs from {folder}/{}:", path::CARD));
        lines.extend(answer.card.iter().map(|line| format!("  {line}")));
    }
    lines.join("\n")
}

fn format(word: &str) -> Result<Format, String> {
    let known = Format::NAMES.iter().find(|(name, _)| *name == word).map(|(_, format)| *format);
    known.ok_or_else(|| {
        let names = Format::NAMES.map(|(name, _)| name).join(", ");
        format!("there is no format `{word}`; the formats are {names}")
    })
}
