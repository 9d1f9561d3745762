//! A plan or a provenance file, put before the terms pack.

use std::path::{Path, PathBuf};

use stillmark_agreement::{Accepted, Mismatch, Pack, Provenance, Recognizer, Ruling, evaluate, mismatches};
use stillmark_distill::Plan;
use stillmark_distill::plan::{Init, Place};
use stillmark_evidence::Date;

use crate::advice;
use crate::beside;
use crate::clock;
use crate::files;
use crate::problem::Problem;

/// What was asked, and what the terms say to it.
#[derive(Debug)]
pub(crate) struct Case {
    /// The answer.
    pub(crate) ruling: Ruling,
    /// The answers that the plan's `[[accepted]]` gives to the asks.
    pub(crate) accepted: Vec<Accepted>,
    /// What was judged.
    pub(crate) provenance: Provenance,
    /// License texts that do not fit the terms; the ruling has them as reasons.
    pub(crate) mismatches: Vec<Mismatch>,
}

/// Judges a plan, a provenance file, or the `plan.toml` or `provenance.toml` of a folder.
pub(crate) fn judge_file(path: &Path, on: Option<&Date>) -> Result<Case, Problem> {
    let folder = path.is_dir().then(|| path.to_owned());
    let path = file_of(path)?;
    let text = files::read_text(&path)?;
    if !is_provenance(&text) {
        let plan = Plan::parse(&text)
            .map_err(|err| advice::distill_problem(&err).while_doing(unreadable(&path, "plan")))?;
        // A plan may lie beside code of another license; the student is what a run left in `model`.
        let student = folder.map(|folder| folder.join("model"));
        return judge_folder(&plan, path.parent().unwrap_or(Path::new("")), student, on);
    }
    let provenance = Provenance::parse(&text)
        .map_err(|err| Problem::from_error(&err).while_doing(unreadable(&path, "provenance file")))?;
    let held: Vec<(String, PathBuf)> =
        folder.iter().map(|folder| (provenance.target().to_owned(), model_folder(folder))).collect();
    judge(&provenance, &held, Vec::new(), on)
}

/// Judges a plan, whose paths start from its folder.
pub(crate) fn judge_plan(plan: &Plan, base: &Path, on: Option<&Date>) -> Result<Case, Problem> {
    judge_folder(plan, base, None, on)
}

/// Judges a plan, and the folder of its student where there is one.
fn judge_folder(
    plan: &Plan,
    base: &Path,
    student: Option<PathBuf>,
    on: Option<&Date>,
) -> Result<Case, Problem> {
    let provenance = plan.provenance().map_err(|err| Problem::from_error(&err))?;
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
        held.push(("teacher".to_owned(), base.join(model)));
    }
    if let Init::Checkpoint { path, .. } = &plan.student().init {
        held.push(("base".to_owned(), base.join(path)));
    }
    judge(&provenance, &held, accepted.collect::<Result<_, Problem>>()?, on)
}

/// Judges a graph; the folders of its assets, as far as they are there, are held against their terms.
fn judge(
    provenance: &Provenance,
    held: &[(String, PathBuf)],
    accepted: Vec<Accepted>,
    on: Option<&Date>,
) -> Result<Case, Problem> {
    let today: Date = clock::today().parse().map_err(|err| Problem::from_error(&err))?;
    let on = on.or(provenance.on()).cloned().unwrap_or(today);
    let pack = Pack::shipped().map_err(|err| Problem::from_error(&err))?;
    let ruling = evaluate(&pack, provenance, &on).map_err(|err| {
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
    Ok(Case { ruling, accepted, provenance: provenance.clone(), mismatches: found })
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
