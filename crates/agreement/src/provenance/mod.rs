//! What is made from what, and what its maker declares: the question put to the engine.

mod canonical;
mod parse;

use std::collections::{BTreeMap, BTreeSet};

use stillmark_evidence::{Date, Digest};

use crate::consent::{Consent, Granted};
use crate::error::Error;
use crate::read::nearest;
use crate::words::{Action, Audience, Fact, Kind};

/// A sound provenance graph: ids are unique, edges name listed assets, nothing is made from itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Provenance {
    parts: Parts,
    positions: BTreeMap<String, usize>,
    /// Positions of the edges that leave each asset.
    leaving: BTreeMap<String, Vec<usize>>,
    /// The grants that were found, by the asset that they are about.
    consents: BTreeMap<String, Consent>,
}

/// What a provenance graph is put together from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The id of the asset whose making and use is asked about.
    pub target: String,
    /// The day whose terms count, where it is stated.
    pub on: Option<Date>,
    /// Every asset.
    pub assets: Vec<Asset>,
    /// What is made from what.
    pub edges: Vec<Edge>,
    /// Facts that no machine can see.
    pub declared: Declared,
}

/// A model, an API, a dataset or code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// Its id in this graph.
    pub id: String,
    /// What sort of thing it is.
    pub kind: Kind,
    /// The name it is published under.
    pub name: Option<String>,
    /// The architecture family of its base.
    pub family: Option<String>,
    /// Ids of the terms pack, all of which have to permit.
    pub terms: Vec<String>,
    /// The file of the grant that its provider gave, where one is named.
    pub grant: Option<String>,
    /// The line of the file it was read from; 0 where it was not read from a file.
    pub line: usize,
}

/// One asset made from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The id of the asset that was used.
    pub from: String,
    /// The id of the asset that was made.
    pub to: String,
    /// How.
    pub action: Action,
    /// How many tokens went over it, where counted.
    pub tokens: Option<u64>,
    /// The line of the file it was read from; 0 where it was not read from a file.
    pub line: usize,
}

/// Facts that a person declares; absent where undeclared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Declared {
    /// Whether the use is commercial.
    pub commercial: Option<bool>,
    /// Who can reach the target.
    pub audience: Option<Audience>,
    /// Whether the target competes with a provider's products.
    pub competes: Option<bool>,
    /// Monthly active users of the maker's products.
    pub monthly_active_users: Option<u64>,
    /// The maker's yearly revenue in US dollars.
    pub revenue_usd_per_year: Option<u64>,
    /// Whether the target is a classifier or embedder that stays with its maker.
    pub private_classifier: Option<bool>,
}

/// The value of a declared fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(untagged)]
pub enum Declaration {
    /// Of a yes-or-no fact.
    Flag(bool),
    /// Of a number.
    Number(u64),
    /// Of the audience.
    Audience(Audience),
}

impl Declared {
    /// The declared value of a fact.
    pub fn get(&self, fact: Fact) -> Option<Declaration> {
        match fact {
            Fact::Commercial => self.commercial.map(Declaration::Flag),
            Fact::Competes => self.competes.map(Declaration::Flag),
            Fact::PrivateClassifier => self.private_classifier.map(Declaration::Flag),
            Fact::Audience => self.audience.map(Declaration::Audience),
            Fact::MonthlyActiveUsers => self.monthly_active_users.map(Declaration::Number),
            Fact::RevenueUsdPerYear => self.revenue_usd_per_year.map(Declaration::Number),
        }
    }
}

impl Provenance {
    /// Reads a provenance file.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::new(parse::parts(text)?)
    }

    /// Checks that the parts fit together.
    pub fn new(parts: Parts) -> Result<Self, Error> {
        let mut positions = BTreeMap::new();
        for (position, asset) in parts.assets.iter().enumerate() {
            if positions.insert(asset.id.clone(), position).is_some() {
                return Err(Error::Duplicate { line: asset.line, id: asset.id.clone() });
            }
        }
        let known = |id: &str, line: usize| {
            if positions.contains_key(id) {
                return Ok(());
            }
            let near = nearest(id, positions.keys().map(String::as_str));
            Err(Error::UnknownAsset { line, id: id.to_owned(), near })
        };
        known(&parts.target, 1)?;
        for edge in &parts.edges {
            known(&edge.from, edge.line)?;
            known(&edge.to, edge.line)?;
        }
        let mut leaving: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (position, edge) in parts.edges.iter().enumerate() {
            leaving.entry(edge.from.clone()).or_default().push(position);
        }
        let provenance = Self { parts, positions, leaving, consents: BTreeMap::new() };
        provenance.refuse_cycle()?;
        Ok(provenance)
    }

    /// The asset whose making and use is asked about.
    pub fn target(&self) -> &str {
        &self.parts.target
    }

    /// The day whose terms count, where the file states it.
    pub fn on(&self) -> Option<&Date> {
        self.parts.on.as_ref()
    }

    /// Every asset, in the file's order.
    pub fn assets(&self) -> &[Asset] {
        &self.parts.assets
    }

    /// Every edge, in the file's order.
    pub fn edges(&self) -> &[Edge] {
        &self.parts.edges
    }

    /// Facts that a person declared.
    pub fn declared(&self) -> &Declared {
        &self.parts.declared
    }

    /// Finds an asset by its id.
    pub fn asset(&self, id: &str) -> Option<&Asset> {
        self.positions.get(id).and_then(|position| self.parts.assets.get(*position))
    }

    /// The same graph with the grants that its assets name.
    #[must_use]
    pub fn with_consents(mut self, consents: BTreeMap<String, Consent>) -> Self {
        self.consents = consents;
        self
    }

    /// The grant about an asset.
    pub fn consent(&self, asset: &str) -> Option<&Consent> {
        self.consents.get(asset)
    }

    /// The edges that leave an asset, in the file's order.
    pub(crate) fn edges_from(&self, id: &str) -> impl Iterator<Item = &Edge> {
        let positions = self.leaving.get(id).map_or(&[][..], Vec::as_slice);
        positions.iter().filter_map(|position| self.parts.edges.get(*position))
    }

    /// The target and everything that it was made from.
    pub(crate) fn ancestry(&self) -> BTreeSet<&str> {
        let mut into: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for edge in &self.parts.edges {
            into.entry(&edge.to).or_default().push(&edge.from);
        }
        let mut seen = BTreeSet::from([self.target()]);
        let mut open = vec![self.target()];
        while let Some(id) = open.pop() {
            for from in into.get(id).into_iter().flatten() {
                if seen.insert(from) {
                    open.push(from);
                }
            }
        }
        seen
    }

    /// The digest of the graph's canonical JSON, under grants that count (docs/spec/provenance-file.md).
    pub fn digest_under(&self, grants: &BTreeMap<String, Granted>) -> Result<Digest, Error> {
        let canonical = serde_json_canonicalizer::to_vec(&canonical::Graph::of(self, grants))
            .map_err(|error| Error::Canonical { message: error.to_string() })?;
        Ok(Digest::of(&canonical))
    }

    fn refuse_cycle(&self) -> Result<(), Error> {
        let mut missing: BTreeMap<&str, usize> =
            self.parts.assets.iter().map(|asset| (asset.id.as_str(), 0)).collect();
        let mut out: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for edge in &self.parts.edges {
            *missing.entry(&edge.to).or_default() += 1;
            out.entry(&edge.from).or_default().push(&edge.to);
        }
        let mut ready: Vec<&str> =
            missing.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
        while let Some(id) = ready.pop() {
            missing.remove(id);
            for to in out.get(id).into_iter().flatten() {
                if let Some(count) = missing.get_mut(to) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(to);
                    }
                }
            }
        }
        let on_circle = self
            .parts
            .edges
            .iter()
            .find(|edge| missing.contains_key(&*edge.from) && missing.contains_key(&*edge.to));
        match on_circle {
            None => Ok(()),
            Some(edge) => Err(Error::Cycle { line: edge.line, id: edge.to.clone() }),
        }
    }
}
