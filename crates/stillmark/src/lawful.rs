//! A plan or a provenance file, put before the terms pack.

use std::path::{Path, PathBuf};

use stillmark_agreement::{
    Accepted, Action, Asset, Audience, Declared, Edge, Kind, Pack, Parts, Provenance, Ruling, Word, evaluate,
};
use stillmark_distill::plan::{Init, Place, Plan, Source, SourceKind};
use stillmark_evidence::Date;

use crate::clock;
use crate::files;
use crate::problem::Problem;

/// What was asked, and what the terms say to it.
#[derive(Debug)]
pub(crate) struct Case {
    /// The graph that was judged.
    pub(crate) provenance: Provenance,
    /// The answer.
    pub(crate) ruling: Ruling,
    /// The answers that the plan's `[[accepted]]` gives to the asks.
    pub(crate) accepted: Vec<Accepted>,
}

/// Judges a plan, a provenance file, or the `plan.toml` or `provenance.toml` of a folder.
pub(crate) fn judge_file(path: &Path, on: Option<&Date>) -> Result<Case, Problem> {
    let path = file_of(path)?;
    let text = files::read_text(&path)?;
    if !is_provenance(&text) {
        let plan = Plan::parse(&text)
            .map_err(|err| Problem::from_error(&err).while_doing(unreadable(&path, "plan")))?;
        return judge_plan(&plan, on);
    }
    let provenance = Provenance::parse(&text)
        .map_err(|err| Problem::from_error(&err).while_doing(unreadable(&path, "provenance file")))?;
    judge(provenance, Vec::new(), on)
}

/// Judges a plan.
pub(crate) fn judge_plan(plan: &Plan, on: Option<&Date>) -> Result<Case, Problem> {
    let provenance = Provenance::new(parts_of(plan)?).map_err(|err| Problem::from_error(&err))?;
    let accepted = plan.accepted().iter().map(|answer| {
        Ok(Accepted {
            ask: answer.ask.clone(),
            person: answer.person.clone(),
            date: answer.date.parse().map_err(|err| Problem::from_error(&err))?,
            reason: answer.reason.clone(),
        })
    });
    judge(provenance, accepted.collect::<Result<_, Problem>>()?, on)
}

fn judge(provenance: Provenance, accepted: Vec<Accepted>, on: Option<&Date>) -> Result<Case, Problem> {
    let today: Date = clock::today().parse().map_err(|err| Problem::from_error(&err))?;
    let on = on.or(provenance.on()).cloned().unwrap_or(today);
    let pack = Pack::shipped().map_err(|err| Problem::from_error(&err))?;
    let ruling = evaluate(&pack, &provenance, &on).map_err(|err| {
        Problem::from_error(&err).hint("`stillmark agreement terms list` shows the ids of all known terms")
    })?;
    Ok(Case { provenance, ruling, accepted })
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

/// The graph that a plan describes: the teacher, the sources and the base lead to the student.
fn parts_of(plan: &Plan) -> Result<Parts, Problem> {
    let student = plan.student();
    let target = "student".to_owned();
    let (kind, name) = match &plan.teacher().place {
        Place::Embedded { model } => (Kind::Weights, model.clone()),
        Place::Remote(remote) => (Kind::Api, remote.model.clone()),
    };
    let mut parts = Parts {
        target: target.clone(),
        on: None,
        assets: vec![
            Asset { name: Some(name), ..asset("teacher", kind, &plan.teacher().terms) },
            Asset {
                name: Some(student.name.clone()),
                family: plan.declared().family.clone(),
                terms: student.license.iter().cloned().collect(),
                ..asset(&target, Kind::Weights, &[])
            },
        ],
        edges: Vec::new(),
        declared: declared(plan)?,
    };
    for action in teaching(plan) {
        parts.edges.push(edge("teacher", action));
    }
    if let Init::Checkpoint { terms, .. } = &student.init {
        parts.assets.push(asset("base", Kind::Weights, terms));
        parts.edges.push(edge("base", Action::Init));
    }
    for source in plan.sources() {
        let id = format!("{}/{}", folder(source), source.id);
        parts.assets.push(asset(&id, Kind::Dataset, &source.terms));
        parts.edges.push(edge(&id, Action::TrainOnOutputs));
    }
    Ok(parts)
}

/// What a plan does with its teacher.
fn teaching(plan: &Plan) -> Vec<Action> {
    let mut actions = Vec::new();
    let answers = plan.sources().iter().any(|source| source.kind == SourceKind::Prompts);
    if answers {
        actions.extend([Action::Generate, Action::TrainOnOutputs]);
    }
    if 0 < plan.capture().top_logprobs || !answers {
        actions.push(Action::DistillLogits);
    }
    if matches!(plan.student().init, Init::Teacher { .. }) {
        actions.push(Action::Init);
    }
    actions
}

fn folder(source: &Source) -> &'static str {
    match source.kind {
        SourceKind::Prompts => "prompts",
        SourceKind::Texts => "texts",
    }
}

fn asset(id: &str, kind: Kind, terms: &[String]) -> Asset {
    Asset { id: id.to_owned(), kind, name: None, family: None, terms: terms.to_vec(), line: 0 }
}

fn edge(from: &str, action: Action) -> Edge {
    Edge { from: from.to_owned(), to: "student".to_owned(), action, tokens: None, line: 0 }
}

fn declared(plan: &Plan) -> Result<Declared, Problem> {
    let declared = plan.declared();
    let audience = declared.audience.as_deref().map(|word| {
        Audience::from_word(word).ok_or_else(|| {
            Problem::new(format!("the plan's `audience` has no word `{word}`"))
                .hint("it is `private`, `served` or `distributed`")
        })
    });
    Ok(Declared {
        commercial: declared.commercial,
        audience: audience.transpose()?,
        competes: declared.competes,
        monthly_active_users: declared.monthly_active_users,
        revenue_usd_per_year: declared.revenue_usd_per_year,
        private_classifier: declared.private_classifier,
    })
}
