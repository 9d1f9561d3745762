//! A plan or a provenance file, put before the terms pack.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use stillmark_agreement::{Accepted, Consent, Kind, Pack, Provenance, Ruling, evaluate};
use stillmark_distill::{Plan, TEACHER};
use stillmark_evidence::Date;

use crate::advice;
use crate::clock;
use crate::consent;
use crate::files;
use crate::problem::Problem;
use crate::session::Session;

/// What was asked, and what the terms say to it.
#[derive(Debug)]
pub(crate) struct Case {
    /// The answer.
    pub(crate) ruling: Ruling,
    /// The answers that the plan's `[[accepted]]` gives to the asks.
    pub(crate) accepted: Vec<Accepted>,
}

/// Judges a plan, a provenance file, or the `plan.toml` or `provenance.toml` of a folder.
pub(crate) fn judge_file(path: &Path, on: Option<&Date>, session: &Session) -> Result<Case, Problem> {
    let path = file_of(path)?;
    let text = files::read_text(&path)?;
    let base = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    if !is_provenance(&text) {
        let plan = Plan::parse(&text)
            .map_err(|err| advice::distill_problem(&err).while_doing(unreadable(&path, "plan")))?;
        return judge_plan(&plan, &base, on, session);
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
    judge(&provenance.with_consents(consents), Vec::new(), on)
}

/// Judges a plan, whose files lie in `base`.
pub(crate) fn judge_plan(
    plan: &Plan,
    base: &Path,
    on: Option<&Date>,
    session: &Session,
) -> Result<Case, Problem> {
    let granted = consent::of_plan(plan, base, session)?;
    judge_under(plan, granted, on)
}

/// Judges a plan under a grant.
pub(crate) fn judge_under(plan: &Plan, granted: Option<Consent>, on: Option<&Date>) -> Result<Case, Problem> {
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
    judge(&provenance, accepted.collect::<Result<_, Problem>>()?, on)
}

fn judge(provenance: &Provenance, accepted: Vec<Accepted>, on: Option<&Date>) -> Result<Case, Problem> {
    let today: Date = clock::today().parse().map_err(|err| Problem::from_error(&err))?;
    let on = on.or(provenance.on()).cloned().unwrap_or(today);
    let pack = Pack::shipped().map_err(|err| Problem::from_error(&err))?;
    let ruling = evaluate(&pack, provenance, &on).map_err(|err| {
        Problem::from_error(&err).hint("`stillmark agreement terms list` shows the ids of all known terms")
    })?;
    Ok(Case { ruling, accepted })
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
