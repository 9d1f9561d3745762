//! The canonical form of a provenance graph, of which its digest is taken.

use std::collections::BTreeMap;

use serde::Serialize;
use stillmark_evidence::Digest;

use super::{Declaration, Provenance};
use crate::consent::Granted;
use crate::words::{Action, Fact, Kind};

/// A provenance graph as it is digested: lines of the file and the order of its tables do not count.
#[derive(Debug, Serialize)]
pub(super) struct Graph<'a> {
    schema: &'static str,
    target: &'a str,
    assets: Vec<AssetWire<'a>>,
    edges: Vec<EdgeWire<'a>>,
    declared: BTreeMap<&'static str, Declaration>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    grants: BTreeMap<&'a str, Digest>,
}

#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct AssetWire<'a> {
    id: &'a str,
    kind: Kind,
    name: Option<&'a str>,
    family: Option<&'a str>,
    terms: Vec<&'a str>,
}

#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct EdgeWire<'a> {
    from: &'a str,
    to: &'a str,
    action: Action,
    tokens: Option<u64>,
}

impl<'a> Graph<'a> {
    pub(super) fn of(provenance: &'a Provenance, grants: &'a BTreeMap<String, Granted>) -> Self {
        let mut assets: Vec<AssetWire<'_>> = provenance.assets().iter().map(AssetWire::of).collect();
        assets.sort();
        let mut edges: Vec<EdgeWire<'_>> = provenance
            .edges()
            .iter()
            .map(|edge| EdgeWire { from: &edge.from, to: &edge.to, action: edge.action, tokens: edge.tokens })
            .collect();
        edges.sort();
        let declared = [
            Fact::Commercial,
            Fact::Audience,
            Fact::Competes,
            Fact::MonthlyActiveUsers,
            Fact::RevenueUsdPerYear,
            Fact::PrivateClassifier,
        ];
        let declared = declared
            .into_iter()
            .filter_map(|fact| provenance.declared().get(fact).map(|value| (fact.as_str(), value)))
            .collect();
        let grants = grants.iter().map(|(asset, granted)| (asset.as_str(), granted.id));
        Self {
            schema: "stillmark/provenance/v1",
            target: provenance.target(),
            assets,
            edges,
            declared,
            grants: grants.collect(),
        }
    }
}

impl<'a> AssetWire<'a> {
    fn of(asset: &'a super::Asset) -> Self {
        let mut terms: Vec<&str> = asset.terms.iter().map(String::as_str).collect();
        terms.sort_unstable();
        Self {
            id: &asset.id,
            kind: asset.kind,
            name: asset.name.as_deref(),
            family: asset.family.as_deref(),
            terms,
        }
    }
}
