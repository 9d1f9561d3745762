//! What upstream evidence shows: models, and what each was made from.

use super::Own;
use super::join::{Joined, Node};
use super::read::{Entry, Stated};
use crate::Digest;
use crate::keys::KeyId;
use crate::manifest::{DatasetManifest, Duty, SourceKind, Verdict};
use crate::provenance::{Provenance, name};
use crate::verify::signed::Trust;

/// The models that a student was made from, and those that these were made from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ancestry {
    /// What the folder's own student was made from.
    pub own: Vec<Origin>,
    /// Every model upstream that signed statements tell of.
    pub models: Vec<Ancestor>,
}

/// A model upstream.
#[derive(Debug, Clone, PartialEq)]
pub struct Ancestor {
    /// The digest of its signed files.
    pub digest: Digest,
    /// The name that its plan gives it, else the one it is used under.
    pub name: String,
    /// The line of its signature.
    pub line: usize,
    /// Who signed for it.
    pub signer: KeyId,
    /// Whether the signer is trusted.
    pub is_trusted: bool,
    /// What it was made from; empty where nothing is recorded.
    pub made_from: Vec<Origin>,
    /// What the agreement check said of its plan.
    pub verdict: Option<Verdict>,
    /// The questions that a person answered for.
    pub accepted: Vec<String>,
    /// What its terms asked for in return.
    pub duties: Vec<Duty>,
}

/// Something that a model was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// What it was used as.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// The ids of its terms.
    pub terms: Vec<String>,
    /// The digest that the run names it by.
    pub digest: Option<Digest>,
    /// Its part of the tokens, where it has one.
    pub share: Option<f64>,
    /// Its position among the models, where it has evidence of its own.
    pub model: Option<usize>,
}

/// What something was used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The first weights.
    Base,
    /// A model whose answers or scores were learned from.
    Teacher,
    /// Text as it was found.
    Text,
}

pub(super) fn ancestry(entries: &[Entry], joined: &Joined, own: Own<'_>, trust: &Trust) -> Ancestry {
    let mut called: Vec<Option<String>> = vec![None; joined.nodes.len()];
    let mut origins = |run: &Provenance, data: Option<&DatasetManifest>| {
        let origins = origins(run, data, joined);
        for origin in &origins {
            if let Some(model) = origin.model {
                called[model].get_or_insert_with(|| origin.name.clone());
            }
        }
        origins
    };
    let mine = origins(&own.run.predicate, own.data.map(|data| &data.predicate));
    let mut models: Vec<Ancestor> = Vec::with_capacity(joined.nodes.len());
    for node in &joined.nodes {
        let mut model = ancestor(entries, node, trust);
        if let Some(run) = node.runs.first().and_then(|run| entries[*run].run()) {
            model.made_from = origins(&run.predicate, node.data.and_then(|data| entries[data].data()));
        }
        models.push(model);
    }
    for (model, called) in models.iter_mut().zip(called) {
        if let Some(called) = called.filter(|_| model.name.is_empty()) {
            model.name = called;
        }
    }
    Ancestry { own: mine, models }
}

fn ancestor(entries: &[Entry], node: &Node, trust: &Trust) -> Ancestor {
    let entry = &entries[node.model];
    let data = node.data.and_then(|data| entries[data].data());
    let plan = node.runs.first().and_then(|run| entries[*run].run());
    let plan = plan.map(|run| &run.predicate.build_definition.external_parameters);
    let planned = plan.and_then(|plan| plan.pointer("/student/name")).and_then(|name| name.as_str());
    let signed = match &entry.stated {
        Stated::Model { name, .. } if name != "model" => name.as_str(),
        _ => "",
    };
    Ancestor {
        digest: node.digest,
        name: planned.unwrap_or(signed).to_owned(),
        line: entry.line,
        signer: entry.signer,
        is_trusted: trust.contains(entry.signer),
        made_from: Vec::new(),
        verdict: data.map(|data| data.verdict),
        accepted: data
            .map(|data| data.accepted.iter().map(|one| one.ask.clone()).collect())
            .unwrap_or_default(),
        duties: data.map(|data| data.duties.clone()).unwrap_or_default(),
    }
}

fn origins(run: &Provenance, data: Option<&DatasetManifest>, joined: &Joined) -> Vec<Origin> {
    let node = |digest: Option<Digest>| digest.and_then(|digest| joined.named.get(&digest)).copied();
    let mut origins = Vec::new();
    if let Some(base) = run.base() {
        origins.push(Origin {
            role: Role::Base,
            name: base.to_owned(),
            terms: Vec::new(),
            digest: run.dependency(name::BASE),
            share: None,
            model: node(run.dependency(name::BASE)),
        });
    }
    for source in data.into_iter().flat_map(|data| &data.sources) {
        let teacher = source.teacher.as_ref();
        let named = run.dependency(&format!("{}:{}", name::TEACHER, source.id));
        let used = named.or_else(|| run.dependency(name::TEACHER));
        let is_text = source.kind == SourceKind::Text;
        origins.push(Origin {
            role: if is_text { Role::Text } else { Role::Teacher },
            name: teacher.map_or(&source.id, |teacher| &teacher.name).clone(),
            terms: source.terms.iter().map(|terms| terms.id.clone()).collect(),
            digest: if is_text { None } else { used },
            share: Some(source.share),
            model: if is_text { None } else { node(used) },
        });
    }
    origins
}
