//! A plan or a provenance file, put before the terms pack.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stillmark_agreement::{
    Accepted, Consent, Kind, Mismatch, Pack, Provenance, Recognizer, Ruling, evaluate, mismatches,
};
use stillmark_distill::plan::{Init, Place};
use stillmark_distill::{Plan, TEACHER};
use stillmark_evidence::layout::Document;
use stillmark_evidence::{Date, bundle};

use crate::advice;
use crate::beside;
use crate::clock;
use crate::consent;
use crate::files;
use crate::problem::Problem;
use crate::session::Session;

/// What was asked, and what the terms say to it.
#[derive(Debug)]
pub(crate) struct Case {
    /// What was asked about.
    pub(crate) provenance: Provenance,
    /// The answer.
    pub(crate) ruling: Ruling,
    /// The answers that the plan's `[[accepted]]` gives to the asks.
    pub(crate) accepted: Vec<Accepted>,
    /// License texts that do not fit the terms; the ruling has them as reasons.
    pub(crate) mismatches: Vec<Mismatch>,
}

/// Judges a plan, a provenance file, or the `plan.toml` or `provenance.toml` of a folder.
pub(crate) fn judge_file(path: &Path, on: Option<&Date>, session: &Session) -> Result<Case, Problem> {
    let folder = path.is_dir().then(|| path.to_owned());
    let day = folder.as_deref().and_then(recorded_day);
    let on = on.or(day.as_ref());
    let path = file_of(path)?;
    let text = files::read_text(&path)?;
    let base = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    if !is_provenance(&text) {
        let plan = Plan::parse(&text)
            .map_err(|err| advice::distill_problem(&err).while_doing(unreadable(&path, "plan")))?;
        let granted = consent::of_plan(&plan, &base, session)?;
        // A plan may lie beside code of another license; the student is what a run left in `model`.
        let student = folder.map(|folder| folder.join("model"));
        return judge_folder(&plan, &base, (granted, student), on);
    }
    let provenance = Provenance::parse(&text)
        .map_err(|err| Problem::from_error(&err).while_doing(unreadable(&path, "provenance file")))?;
    let mut consents = BTreeMap::new();
    for asset in provenance.assets() {
        if let Some(grant) = &asset.grant {
            let name = asset.name.clone().filter(|_| asset.kind == Kind::Api);
            consents.insert(asset.id.clone(), consent::of_asset(&base.join(grant), name, session)?);
        }
    }
    let held: Vec<(String, PathBuf)> =
        folder.iter().map(|folder| (provenance.target().to_owned(), model_folder(folder))).collect();
    judge(provenance.with_consents(consents), &held, Vec::new(), on)
}

/// The day on which the run of a folder began, as its statement tells; nothing is verified here.
pub(crate) fn recorded_day(folder: &Path) -> Option<Date> {
    let bytes = std::fs::read(folder.join(Document::Run.bundle_path())).ok()?;
    let payload = bundle::parse(&bytes).ok()?.envelope().payload().ok()?;
    let statement: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    let started = statement["predicate"]["runDetails"]["metadata"]["startedOn"].as_str()?;
    started.get(..10)?.parse().ok()
}

/// Judges a plan, whose files lie in `base`.
pub(crate) fn judge_plan(
    plan: &Plan,
    base: &Path,
    on: Option<&Date>,
    session: &Session,
) -> Result<Case, Problem> {
    judge_under(plan, base, consent::of_plan(plan, base, session)?, on)
}

/// Judges a plan under a grant.
pub(crate) fn judge_under(
    plan: &Plan,
    base: &Path,
    granted: Option<Consent>,
    on: Option<&Date>,
) -> Result<Case, Problem> {
    judge_folder(plan, base, (granted, None), on)
}

/// Judges a plan under a grant, and the folder of its student where there is one.
fn judge_folder(
    plan: &Plan,
    base: &Path,
    (granted, student): (Option<Consent>, Option<PathBuf>),
    on: Option<&Date>,
) -> Result<Case, Problem> {
    let consents = granted.map(|granted| (TEACHER.to_owned(), granted)).into_iter().collect();
    let provenance = plan.provenance().map_err(|err| Problem::from_error(&err))?.with_consents(consents);
    let accepted = plan.accepted().iter().map(|answer| {
        Ok(Accepted {
            ask: answer.ask.clone(),
            person: answer.person.clone(),
            date: answer.date.parse().map_err(|err| Problem::from_error(&err))?,
            reason: answer.reason.clone(),
        })
    });
    let mut held: Vec<(String, PathBuf)> = Vec::new();
    held.extend(student.map(|folder| (provenance.target().to_owned(), folder)));
    if let Place::Embedded { model } = &plan.teacher().place {
        held.push((TEACHER.to_owned(), base.join(model)));
    }
    if let Init::Checkpoint { path, .. } = &plan.student().init {
        held.push(("base".to_owned(), base.join(path)));
    }
    judge(provenance, &held, accepted.collect::<Result<_, Problem>>()?, on)
}

/// Judges a graph; the folders of its assets, as far as they are there, are held against their terms.
fn judge(
    provenance: Provenance,
    held: &[(String, PathBuf)],
    accepted: Vec<Accepted>,
    on: Option<&Date>,
) -> Result<Case, Problem> {
    let today: Date = clock::today().parse().map_err(|err| Problem::from_error(&err))?;
    let on = on.or(provenance.on()).cloned().unwrap_or(today);
    let pack = Pack::shipped().map_err(|err| Problem::from_error(&err))?;
    let ruling = evaluate(&pack, &provenance, &on).map_err(|err| {
        Problem::from_error(&err).hint("`stillmark agreement terms list` shows the ids of all known terms")
    })?;
    let mut found = Vec::new();
    for (id, folder) in held.iter().filter(|(_, folder)| folder.is_dir()) {
        let beside = beside::read(folder)?;
        let terms = provenance.asset(id).map(|asset| asset.terms.as_slice()).unwrap_or_default();
        let recognizer = Recognizer::shipped().map_err(|err| Problem::from_error(&err))?;
        found.extend(mismatches(&pack, &recognizer, id, terms, &beside));
    }
    let ruling = ruling.with_mismatches(found.clone());
    Ok(Case { provenance, ruling, accepted, mismatches: found })
}

/// Where the model of a folder lies: in `model`, as in a run folder, or in the folder itself.
pub(crate) fn model_folder(folder: &Path) -> PathBuf {
    let inside = folder.join("model");
    if inside.is_dir() { inside } else { folder.to_owned() }
}

fn file_of(path: &Path) -> Result<PathBuf, Problem> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let inside = ["plan.toml", "provenance.toml"].map(|name| path.join(name));
    inside.into_iter().find(|file| file.is_file()).ok_or_else(|| {
        Problem::new(format!("{} holds neither plan.toml nor provenance.toml", path.display()))
            .hint("name the file itself")
    })
}

fn unreadable(path: &Path, what: &str) -> String {
    format!("{} is not a sound {what}", path.display())
}

/// A file with `target` and `[[asset]]` is a provenance file, anything else a plan.
fn is_provenance(text: &str) -> bool {
    let starts = |word: &str| text.lines().any(|line| line.trim_start().starts_with(word));
    starts("target") && starts("[[asset]]")
}
