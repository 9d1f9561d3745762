//! The sources of a run, lined up as a graph and as bars.

use std::collections::BTreeMap;

use stillmark_evidence::manifest::{DatasetManifest, Source, SourceKind, Verdict};
use stillmark_evidence::provenance::name;
use stillmark_evidence::verify::FolderFacts;

use super::facts::student;
use crate::chart::{Bar, bars};
use crate::graph::{Arrow, Node, graph as draw};
use crate::number::{grouped, percent};

/// Draws where the student came from; nothing, where no manifest is sound.
pub(super) fn graph(facts: &FolderFacts) -> Option<String> {
    let record = &facts.data.as_ref()?.predicate;
    let mut nodes: Vec<Node> = Vec::new();
    let mut arrows: Vec<Arrow> = Vec::new();
    for source in &record.sources {
        nodes.push(source_node(source));
    }
    let base = base(facts);
    nodes.extend(base.clone());
    let (data, made) = (nodes.len(), nodes.len() + 1);
    let tokens = grouped(record.totals.tokens);
    nodes.push(Node {
        column: 1,
        kind: "dataset",
        name: format!("{tokens} tokens"),
        title: format!("The dataset: {} records, {tokens} tokens", grouped(record.totals.rows)),
    });
    nodes.push(Node { column: 2, kind: "student", name: student(facts), title: student(facts) });
    for (position, source) in record.sources.iter().enumerate() {
        arrows.push(Arrow { from: position, to: data, ..source_arrow(record, source) });
    }
    let overall = worded(record.verdict);
    if base.is_some() {
        let title = format!("The student's first weights; verdict of the whole plan: {overall}");
        arrows.push(Arrow { from: data - 1, to: made, label: "init".to_owned(), verdict: overall, title });
    }
    let title = format!("Trained on the dataset; verdict of the whole plan: {overall}");
    arrows.push(Arrow { from: data, to: made, label: "train".to_owned(), verdict: overall, title });
    Some(draw(&nodes, &arrows))
}

fn source_node(source: &Source) -> Node {
    let teacher = source.teacher.as_ref();
    let terms: Vec<&str> = source.terms.iter().map(|terms| terms.id.as_str()).collect();
    let name = teacher.map_or(&source.id, |teacher| &teacher.name).clone();
    let under = if terms.is_empty() { "no terms recorded".to_owned() } else { terms.join(", ") };
    let kind = match source.kind {
        SourceKind::Teacher => "teacher",
        SourceKind::Text => "text",
        SourceKind::Unknown => "source",
    };
    Node { column: 0, kind, title: format!("{name}, under {under}"), name }
}

/// The base, where the run names one.
fn base(facts: &FolderFacts) -> Option<Node> {
    let dependencies = &facts.run.as_ref()?.predicate.build_definition.resolved_dependencies;
    let base = dependencies.iter().find(|resource| resource.name == name::BASE)?;
    let title = base.uri.clone().unwrap_or_else(|| "base".to_owned());
    let short = title.rsplit(['/', ':']).next().unwrap_or(&title).to_owned();
    Some(Node { column: 0, kind: "base", name: short, title })
}

fn source_arrow(record: &DatasetManifest, source: &Source) -> Arrow {
    let under = |terms: &str| source.terms.iter().any(|own| own.id == terms);
    let duties: Vec<String> = record
        .duties
        .iter()
        .filter(|duty| under(&duty.terms))
        .map(|duty| format!("{} {}: {}", duty.terms, duty.clause, duty.text))
        .collect();
    let reviewed = source.terms.is_empty()
        || record
            .accepted
            .iter()
            .any(|answer| answer.ask.split('/').any(|part| under(part) || part == source.id));
    let verdict = match record.verdict {
        Verdict::Forbid => "forbid",
        Verdict::Review if reviewed => "review",
        _ if duties.is_empty() => "permit",
        _ => "permit-with-duties",
    };
    let title = if duties.is_empty() { "no duty recorded".to_owned() } else { duties.join("\n") };
    Arrow { from: 0, to: 0, label: percent(source.share), verdict, title: format!("{verdict}: {title}") }
}

fn worded(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unknown => "review",
        known => known.as_str(),
    }
}

/// Draws each teacher's and text's part of the tokens.
pub(super) fn shares(facts: &FolderFacts) -> Option<String> {
    let record = &facts.data.as_ref()?.predicate;
    let mut tokens: BTreeMap<&str, u64> = BTreeMap::new();
    for source in &record.sources {
        let name = source.teacher.as_ref().map_or(source.id.as_str(), |teacher| &teacher.name);
        *tokens.entry(name).or_default() += source.tokens;
    }
    let mut shares: Vec<Bar> = tokens
        .into_iter()
        .map(|(name, tokens)| {
            let part = record.totals.share(tokens);
            let value = format!("{} · {} tokens", percent(part), grouped(tokens));
            Bar { name: name.to_owned(), part, value }
        })
        .collect();
    shares.sort_by(|left, right| right.part.total_cmp(&left.part));
    Some(bars("Shares of all tokens", &shares))
}
