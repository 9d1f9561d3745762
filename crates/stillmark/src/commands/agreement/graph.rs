//! A judged provenance graph as `report` draws it.

use std::collections::BTreeMap;

use stillmark_agreement::{Action, Asset, Edge, Provenance, Reason, Ruling, Verdict};
use stillmark_report::graph::{self, Graph, Node, Tone};

/// Reasons that are told of one box or arrow at most.
const MOST_LINES: usize = 8;

/// Every asset and edge with what the ruling says of it.
pub(super) fn of(provenance: &Provenance, ruling: &Ruling) -> Graph {
    let positions: BTreeMap<&str, usize> = provenance
        .assets()
        .iter()
        .enumerate()
        .map(|(position, asset)| (asset.id.as_str(), position))
        .collect();
    let said = Said::of(ruling);
    let nodes = provenance.assets().iter().map(|asset| said.node(asset, ruling)).collect();
    let edges = provenance.edges().iter().filter_map(|edge| {
        let (from, to) = (*positions.get(edge.from.as_str())?, *positions.get(edge.to.as_str())?);
        Some(said.edge(edge, from, to))
    });
    let target = positions.get(provenance.target()).copied().unwrap_or_default();
    Graph { nodes, edges: edges.collect(), target }
}

/// The reasons of a ruling by what they are about.
struct Said<'a> {
    assets: BTreeMap<&'a str, Vec<&'a Reason>>,
    edges: BTreeMap<(&'a str, &'a str), Vec<&'a Reason>>,
    shares: BTreeMap<(&'a str, &'static str, u64), f64>,
}

impl<'a> Said<'a> {
    fn of(ruling: &'a Ruling) -> Self {
        let mut said = Self { assets: BTreeMap::new(), edges: BTreeMap::new(), shares: BTreeMap::new() };
        for reason in &ruling.reasons {
            if let [.., from, to] = &reason.assets[..] {
                said.edges.entry((from, to)).or_default().push(reason);
            }
            if let Some(last) = reason.assets.last() {
                said.assets.entry(last).or_default().push(reason);
            }
        }
        for share in &ruling.shares {
            said.shares.insert((&share.from, word(share.action), share.tokens), share.share);
        }
        said
    }

    fn node(&self, asset: &Asset, ruling: &Ruling) -> Node {
        let reasons = self.assets.get(asset.id.as_str()).map_or(&[][..], Vec::as_slice);
        let is_target = asset.id == ruling.target();
        let tone = if is_target { tone(ruling.verdict) } else { worst(reasons) };
        let mut lines = vec![if asset.terms.is_empty() {
            format!("{}, no terms of its own", asset.id)
        } else {
            format!("{}, under {}", asset.id, asset.terms.join(", "))
        }];
        if is_target {
            let due = ruling.duties.iter().take(MOST_LINES);
            lines.extend(due.map(|duty| format!("duty: {} ({}, {})", duty.text, duty.terms, duty.clause)));
        }
        lines.extend(told(reasons));
        let name = asset.name.as_ref().unwrap_or(&asset.id).clone();
        Node { kind: asset.kind.to_string(), name, tone, title: lines.join("\n") }
    }

    fn edge(&self, edge: &Edge, from: usize, to: usize) -> graph::Edge {
        let end = format!("-[{}]-> {}", edge.action, edge.to);
        let among = self.edges.get(&(edge.from.as_str(), edge.to.as_str()));
        let mut reasons: Vec<&Reason> =
            among.into_iter().flatten().copied().filter(|reason| reason.path.ends_with(&end)).collect();
        if reasons.is_empty() {
            // What is said of the source alone, such as that its terms are unknown, holds for its use.
            let of_source = self.assets.get(edge.from.as_str()).into_iter().flatten().copied();
            reasons.extend(of_source.filter(|reason| reason.assets.len() == 1));
        }
        let share =
            edge.tokens.and_then(|tokens| self.shares.get(&(edge.from.as_str(), word(edge.action), tokens)));
        let label = match share {
            Some(share) => format!("{} {:.1} %", edge.action, share * 100.0),
            None => edge.action.to_string(),
        };
        graph::Edge { from, to, label, tone: worst(&reasons), title: told(&reasons).join("\n") }
    }
}

fn word(action: Action) -> &'static str {
    action.as_str()
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Permit => Tone::Permit,
        Verdict::PermitWithDuties => Tone::Duties,
        Verdict::Review => Tone::Review,
        Verdict::Forbid => Tone::Forbid,
    }
}

fn worst(reasons: &[&Reason]) -> Tone {
    reasons.iter().map(|reason| tone(reason.effect)).max().unwrap_or_default()
}

/// A line for each reason, the worst first, as the ruling has them.
fn told(reasons: &[&Reason]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for reason in reasons {
        let terms = reason.terms.as_deref().unwrap_or("no terms");
        let line = format!("{}: {terms}, {}: {}", reason.effect.as_str(), reason.clause, reason.says);
        if !lines.contains(&line) {
            lines.push(line);
        }
        if lines.len() > MOST_LINES {
            lines.truncate(MOST_LINES);
            lines.push("…".to_owned());
            break;
        }
    }
    lines
}
