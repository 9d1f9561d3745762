//! What the signed statements of a run say together.

use super::beside::{Beside, Evaluation};
use crate::card::Claims;
use crate::consent::Consent;
use crate::disclosure::Disclosure;
use crate::manifest::{DatasetManifest, Source, SourceKind};
use crate::provenance::{Provenance, name};
use crate::{Digest, Statement, model_signing};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The statements of one run, all of which are needed to tell where its student comes from.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// How the student was made.
    pub run: &'a Statement<Provenance>,
    /// What it was made from.
    pub data: &'a Statement<DatasetManifest>,
    /// Its files.
    pub model: &'a Statement<model_signing::Manifest>,
    /// What lies beside the statements.
    pub beside: &'a Beside,
    /// The grants that it rests on.
    pub consents: Vec<&'a Consent>,
    /// What its maker claims; where nothing was disclosed, what follows from run and data.
    pub claims: Claims,
}

/// A teacher, all of its sources together.
#[derive(Debug, Clone, PartialEq)]
pub struct TeacherFacts {
    /// The name it is published under.
    pub name: String,
    /// Tokens of its sources.
    pub tokens: u64,
    /// Their part of all tokens.
    pub share: f64,
    /// The digest of its weights, where they were at hand.
    pub weights: Option<Digest>,
    /// The API it was reached by, where it was remote.
    pub api: Option<String>,
    /// The digest of the offer of its API.
    pub offer: Option<Digest>,
    /// The terms that its sources were used under, each with the digest of its entry in the terms pack.
    pub terms: BTreeMap<String, Digest>,
    /// What it gave.
    pub signal: BTreeSet<&'static str>,
}

/// The statements of a run, as far as they are sound: provenance, dataset manifest, model signature.
pub(crate) type Statements<'a> = (
    Option<&'a Statement<Provenance>>,
    Option<&'a Statement<DatasetManifest>>,
    Option<&'a Statement<model_signing::Manifest>>,
);

impl<'a> Record<'a> {
    /// The record of these statements, where all that are needed are sound.
    pub(crate) fn new(
        (run, data, model): Statements<'a>,
        disclosure: Option<&Statement<Disclosure>>,
        (beside, consents): (&'a Beside, Vec<&'a Consent>),
    ) -> Option<Self> {
        let (run, data, model, digest) = (run?, data?, model?, beside.record?);
        let base = run.predicate.base().map(str::to_owned).into_iter().collect();
        let license = text(&run.predicate, "/student/license").unwrap_or("other");
        let claims = match disclosure {
            Some(disclosure) => disclosure.predicate.claims.clone(),
            None => Claims::of(&data.predicate, digest, base, license),
        };
        Some(Self { run, data, model, beside, consents, claims })
    }

    /// The plan, as the run's statement has it.
    pub fn plan(&self) -> &'a Value {
        &self.run.predicate.build_definition.external_parameters
    }

    /// A text of the plan, by its JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&'a str> {
        text(&self.run.predicate, pointer)
    }

    /// The student's name.
    pub fn student(&self) -> &'a str {
        self.text("/student/name").unwrap_or("student")
    }

    /// The digest of the student's files.
    pub fn digest(&self) -> Digest {
        self.model.subject[0].digest.sha256
    }

    /// The digest of the base, where there is one.
    pub fn base_digest(&self) -> Option<Digest> {
        self.run.predicate.dependency(name::BASE)
    }

    /// The first and the last evaluation, where there were any.
    pub fn evaluations(&self) -> Option<(Evaluation, Evaluation)> {
        let all = &self.beside.evaluations;
        Some((*all.first()?, *all.last()?))
    }

    /// The teachers, ordered by name.
    pub fn teachers(&self) -> Vec<TeacherFacts> {
        let mut teachers: BTreeMap<&str, TeacherFacts> = BTreeMap::new();
        let manifest = &self.data.predicate;
        let taught = manifest.sources.iter().filter(|source| source.kind == SourceKind::Teacher);
        for source in taught {
            let name = source.teacher.as_ref().map_or(source.id.as_str(), |teacher| &teacher.name);
            let facts = teachers.entry(name).or_insert_with(|| empty(name, source));
            facts.tokens = facts.tokens.saturating_add(source.tokens);
            facts.terms.extend(self.terms_of_teacher(source));
            facts.signal.extend(self.signals(source));
        }
        let finish =
            |facts: TeacherFacts| TeacherFacts { share: manifest.totals.share(facts.tokens), ..facts };
        teachers.into_values().map(finish).collect()
    }

    /// The terms of a source that the plan calls the teacher's; all of them, where it calls none so.
    fn terms_of_teacher(&self, source: &Source) -> Vec<(String, Digest)> {
        let all: Vec<_> = source.terms.iter().map(|terms| (terms.id.clone(), terms.digest)).collect();
        let of_plan = self.plan().pointer("/teacher/terms").and_then(Value::as_array);
        let is_teachers = |id: &str| of_plan.is_some_and(|ids| ids.iter().any(|one| one == id));
        let own: Vec<_> = all.iter().filter(|(id, _)| is_teachers(id)).cloned().collect();
        if own.is_empty() { all } else { own }
    }

    /// What a teacher gave for a source.
    fn signals(&self, source: &Source) -> Vec<&'static str> {
        let mut signals = vec![if source.generation.is_empty() { "scores of texts" } else { "answers" }];
        let top = source.generation.get("topLogprobs").and_then(Value::as_u64);
        signals.extend(top.is_some_and(|top| 0 < top).then_some("likeliest tokens"));
        let losses = self.plan().pointer("/train/losses").and_then(Value::as_array);
        let is_full = |loss: &Value| loss["support"] == "full";
        signals.extend(losses.is_some_and(|all| all.iter().any(is_full)).then_some("whole distributions"));
        signals
    }
}

fn empty(name: &str, source: &Source) -> TeacherFacts {
    let teacher = source.teacher.as_ref();
    TeacherFacts {
        name: name.to_owned(),
        tokens: 0,
        share: 0.0,
        weights: teacher.and_then(|teacher| teacher.weights),
        api: teacher.and_then(|teacher| teacher.api.clone()),
        offer: teacher.and_then(|teacher| teacher.offer),
        terms: BTreeMap::new(),
        signal: BTreeSet::new(),
    }
}

fn text<'a>(run: &'a Provenance, pointer: &str) -> Option<&'a str> {
    run.build_definition.external_parameters.pointer(pointer).and_then(Value::as_str)
}
