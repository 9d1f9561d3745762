//! The question that a plan puts to the terms: what is made from what.

use stillmark_agreement::{
    Action, Asset, Audience, Declared, Edge, Kind, Parts, Permit, Provenance, Word as _,
};

use crate::plan::{Init, Place, SourceKind, Support};
use crate::{Error, Plan};

/// The teacher's id in the graph.
pub const TEACHER: &str = "teacher";
const BASE: &str = "base";
const ANSWERS: &str = "answers";
const STUDENT: &str = "student";

impl Plan {
    /// What the plan makes from what: teacher, sources, answers and student, with the facts that are declared.
    pub fn provenance(&self) -> Result<Provenance, Error> {
        let parts = Parts {
            target: STUDENT.to_owned(),
            on: None,
            assets: assets(self),
            edges: edges(self),
            declared: declared(self),
        };
        Provenance::new(parts).map_err(|error| Error::Plan { line: 0, detail: error.to_string() })
    }

    /// Refuses a permit that was given for something else than this plan.
    pub fn check_permit(&self, permit: &Permit) -> Result<(), Error> {
        let broken = |error: stillmark_agreement::Error| Error::Plan { line: 0, detail: error.to_string() };
        let found = permit.digest_of(&self.provenance()?).map_err(broken)?;
        if found == permit.provenance_digest() {
            return Ok(());
        }
        Err(Error::Mismatch {
            what: "the provenance that the permit was given for",
            expected: permit.provenance_digest().to_string(),
            found: found.to_string(),
        })
    }
}

fn assets(plan: &Plan) -> Vec<Asset> {
    let asset = |id: &str, kind: Kind, terms: &[String]| Asset {
        id: id.to_owned(),
        kind,
        name: None,
        family: None,
        terms: terms.to_vec(),
        grant: None,
        line: 0,
    };
    let teacher = plan.teacher();
    let (kind, name) = match &teacher.place {
        Place::Embedded { model } => (Kind::Weights, model),
        Place::Remote(remote) => (Kind::Api, &remote.model),
    };
    let mut assets = vec![Asset {
        name: Some(name.clone()),
        grant: teacher.grant.clone(),
        ..asset(TEACHER, kind, &teacher.terms)
    }];
    for source in plan.sources() {
        assets.push(asset(&source_id(&source.id), Kind::Dataset, &source.terms));
    }
    if has_prompts(plan) {
        assets.push(asset(ANSWERS, Kind::Dataset, &[]));
    }
    if let Init::Checkpoint { terms, .. } = &plan.student().init {
        assets.push(asset(BASE, Kind::Weights, terms));
    }
    let license: Vec<String> = plan.student().license.iter().cloned().collect();
    assets.push(Asset {
        name: Some(plan.student().name.clone()),
        family: plan.declared().family.clone(),
        ..asset(STUDENT, Kind::Weights, &license)
    });
    assets
}

fn edges(plan: &Plan) -> Vec<Edge> {
    let edge = |from: &str, to: &str, action: Action| Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        action,
        tokens: None,
        line: 0,
    };
    let mut edges = Vec::new();
    if has_prompts(plan) {
        edges.push(edge(TEACHER, ANSWERS, Action::Generate));
        edges.push(edge(ANSWERS, STUDENT, Action::TrainOnOutputs));
    }
    for source in plan.sources() {
        edges.push(edge(&source_id(&source.id), STUDENT, Action::TrainOnOutputs));
    }
    let beside = plan.train().losses.iter().any(|loss| loss.support == Support::Full);
    if beside || plan.capture().top_logprobs > 0 {
        edges.push(edge(TEACHER, STUDENT, Action::DistillLogits));
    }
    match plan.student().init {
        Init::Teacher { .. } => edges.push(edge(TEACHER, STUDENT, Action::Init)),
        Init::Checkpoint { .. } => edges.push(edge(BASE, STUDENT, Action::Init)),
        Init::Config { .. } => (),
    }
    edges
}

fn declared(plan: &Plan) -> Declared {
    let declared = plan.declared();
    Declared {
        commercial: declared.commercial,
        audience: declared.audience.as_deref().and_then(Audience::from_word),
        competes: declared.competes,
        monthly_active_users: declared.monthly_active_users,
        revenue_usd_per_year: declared.revenue_usd_per_year,
        private_classifier: declared.private_classifier,
    }
}

fn has_prompts(plan: &Plan) -> bool {
    plan.sources().iter().any(|source| source.kind == SourceKind::Prompts)
}

/// A source's id in the graph: apart from those of the graph itself, whatever the plan calls it.
fn source_id(id: &str) -> String {
    format!("source {id}")
}
