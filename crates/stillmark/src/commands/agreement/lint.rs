//! `stillmark agreement lint DIR`.

use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_agreement::{
    Action, Asset, Audience, Beside, Declared, Edge, Kind, Lapse, LapseCode, Lint, Mismatch, Obligation,
    Pack, Parts, Provenance, Recognizer, Ruling, called, evaluate, lint, mismatches,
};
use stillmark_evidence::Date;

use crate::beside;
use crate::clock;
use crate::exit::ExitStatus;
use crate::lawful;
use crate::problem::{Outcome, Problem};
use crate::session::Session;

/// What `agreement lint` takes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  stillmark agreement lint my-run\n\n\
                        Exit codes: 0 nothing is missing, 1 a duty is not met or a license does not fit, 3 no terms are known.")]
pub(crate) struct Args {
    /// A run folder, a folder with plan.toml or provenance.toml, or a model's folder
    folder: PathBuf,
    /// The name it is published under [default: the plan's, else the card's `model_name`, else the folder's]
    #[arg(long)]
    name: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    schema: &'static str,
    folder: String,
    name: String,
    verdict: &'static str,
    terms: Vec<String>,
    lapses: Vec<LapseWire>,
    mismatches: Vec<String>,
    met: Vec<DutyWire>,
    unchecked: Vec<DutyWire>,
}

#[derive(Serialize)]
struct LapseWire {
    code: LapseCode,
    says: String,
    #[serde(flatten)]
    duty: DutyWire,
}

#[derive(Serialize)]
struct DutyWire {
    duty: String,
    terms: String,
    clause: String,
    text: String,
}

/// What is held against the files.
struct Subject {
    ruling: Ruling,
    name: Option<String>,
    mismatches: Vec<Mismatch>,
}

/// Holds a folder's name and files against the duties of its terms.
pub(super) fn run(args: &Args, session: &Session) -> Outcome {
    let folder = lawful::model_folder(&args.folder);
    let beside = beside::read(&folder)?;
    let pack = Pack::shipped().map_err(|err| Problem::from_error(&err))?;
    let recognizer = Recognizer::shipped().map_err(|err| Problem::from_error(&err))?;
    let planned = ["plan.toml", "provenance.toml"].iter().any(|name| args.folder.join(name).is_file());
    let subject =
        if planned { planned_subject(&args.folder, session)? } else { bare(&pack, &recognizer, &beside)? };
    let Some(subject) = subject else {
        return Err(Problem::new(format!("{} names no terms", folder.display()))
            .cause("no plan.toml, no provenance.toml, no license file that is known and no known `license:` in README.md")
            .hint("put a provenance.toml there, or name the license in README.md")
            .status(ExitStatus::Review)
            .into());
    };
    let name = args.name.clone().or(subject.name).or(beside.card().model_name);
    let name = name.unwrap_or_else(|| own_name(&folder));
    let found = lint(&pack, &recognizer, &subject.ruling.duties, &name, &beside);
    let answer = answer(&folder, name, &subject.ruling, &found, &subject.mismatches);
    session.answer(&answer, || told(&answer))?;
    Ok(if answer.verdict == "met" { ExitStatus::Done } else { ExitStatus::Negative })
}

/// The last part of a folder's path.
fn own_name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A folder with a plan or a provenance file, which says what the model was made from.
fn planned_subject(folder: &Path, session: &Session) -> Result<Option<Subject>, Problem> {
    let case = lawful::judge_file(folder, None, session)?;
    let name = case.provenance.asset(case.provenance.target()).and_then(|target| target.name.clone());
    Ok(Some(Subject { ruling: case.ruling, name, mismatches: case.mismatches }))
}

/// A model's folder alone: its license and card say under which terms it came and from what it was made.
fn bare(pack: &Pack, recognizer: &Recognizer, beside: &Beside) -> Result<Option<Subject>, Problem> {
    let card = beside.card();
    let recognized =
        beside.licenses.iter().find_map(|file| recognizer.recognize(&file.text).id().map(str::to_owned));
    let said =
        card.license.as_deref().and_then(|name| called(pack, name).first().map(|entry| entry.id.clone()));
    let Some(terms) = recognized.or(said) else { return Ok(None) };
    let model = |id: &str, terms: Vec<String>| Asset {
        id: id.to_owned(),
        kind: Kind::Weights,
        name: None,
        family: None,
        terms,
        grant: None,
        line: 0,
    };
    let action = if card.base_model.is_some() { Action::FineTune } else { Action::RedistributeWeights };
    let parts = Parts {
        target: "model".to_owned(),
        on: None,
        assets: vec![model("origin", vec![terms.clone()]), model("model", Vec::new())],
        edges: vec![Edge {
            from: "origin".to_owned(),
            to: "model".to_owned(),
            action,
            tokens: None,
            line: 0,
        }],
        declared: Declared { audience: Some(Audience::Distributed), ..Declared::default() },
    };
    let provenance = Provenance::new(parts).map_err(|err| Problem::from_error(&err))?;
    let today: Date = clock::today().parse().map_err(|err| Problem::from_error(&err))?;
    let ruling = evaluate(pack, &provenance, &today).map_err(|err| Problem::from_error(&err))?;
    let mismatches = mismatches(pack, recognizer, "model", &[], beside);
    Ok(Some(Subject { ruling, name: None, mismatches }))
}

fn answer(folder: &Path, name: String, ruling: &Ruling, found: &Lint, mismatches: &[Mismatch]) -> Answer {
    let wire = |duty: &Obligation| DutyWire {
        duty: duty.kind.to_string(),
        terms: duty.terms.clone(),
        clause: duty.clause.clone(),
        text: duty.text.clone(),
    };
    let lapse =
        |lapse: &Lapse| LapseWire { code: lapse.code, says: lapse.says.clone(), duty: wire(&lapse.duty) };
    Answer {
        schema: "stillmark/agreement-lint/v1",
        folder: folder.display().to_string(),
        name,
        verdict: if found.lapses.is_empty() && mismatches.is_empty() { "met" } else { "lapsed" },
        terms: ruling.terms_digests().keys().cloned().collect(),
        lapses: found.lapses.iter().map(lapse).collect(),
        mismatches: mismatches.iter().map(|mismatch| mismatch.says.clone()).collect(),
        met: found.met.iter().map(wire).collect(),
        unchecked: found.unchecked.iter().map(wire).collect(),
    }
}

fn told(answer: &Answer) -> String {
    let mut lines = vec![format!(
        "{}: {} as `{}`, by {}",
        answer.folder,
        answer.verdict,
        answer.name,
        answer.terms.join(", ")
    )];
    for lapse in &answer.lapses {
        lines.push(format!(
            "  {:<15} {} ({}, {})",
            lapse.code.as_str(),
            lapse.says,
            lapse.duty.terms,
            lapse.duty.clause
        ));
    }
    lines.extend(answer.mismatches.iter().map(|says| format!("  {:<15} {says}", "license-mismatch")));
    let listed = |word: &str, duty: &DutyWire| {
        format!("  {word:<15} {}: {} ({}, {})", duty.duty, duty.text, duty.terms, duty.clause)
    };
    lines.extend(answer.met.iter().map(|duty| listed("met", duty)));
    lines.extend(answer.unchecked.iter().map(|duty| listed("unchecked", duty)));
    lines.push("  What no file can show is listed as unchecked; that a duty is met in the files is no legal opinion.".to_owned());
    lines.join("\n")
}
