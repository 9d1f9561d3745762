//! Where a verified student came from, as a graph: its sources, and those of every model upstream that evidence tells of.

use std::collections::BTreeMap;

use stillmark_evidence::manifest::{DatasetManifest, Source, SourceKind, Verdict};
use stillmark_evidence::provenance::name;
use stillmark_evidence::verify::{Ancestor, Ancestry, FolderFacts, Origin, Role, Verified};
use stillmark_evidence::{Digest, manifest};

use crate::graph::{Edge, Graph, Node, Tone};
use crate::number::{grouped, percent};

/// The graph of a verified run folder; nothing, where no manifest is sound.
pub fn provenance(facts: &Verified<FolderFacts>) -> Option<Graph> {
    let record = &facts.data.as_ref()?.predicate;
    let overall = tone(record.verdict);
    let mut making = Making::default();
    if let Some(ancestry) = &facts.ancestry {
        making.upstream(ancestry);
    }
    let tokens = grouped(record.totals.tokens);
    let about = format!("The dataset: {} records, {tokens} tokens", grouped(record.totals.rows));
    let data = making.node("dataset", format!("{tokens} tokens"), overall, about);
    let name = student(facts);
    let about = format!("verdict of the whole plan: {}", overall.as_str());
    let made = making.node("student", name, overall, about);
    for source in &record.sources {
        let (tone, said) = judged(record, source);
        let from = making.source(facts, source, tone);
        making.edge(from, data, percent(source.share), tone, said);
    }
    let whole = format!("verdict of the whole plan: {}", overall.as_str());
    if let Some(base) = making.base(facts) {
        let said = format!("The student's first weights; {whole}");
        making.edge(base, made, "init".to_owned(), overall, said);
    }
    making.edge(data, made, "train".to_owned(), overall, format!("Trained on the dataset; {whole}"));
    making.graph.target = made;
    Some(making.graph)
}

/// The student's name as the signed plan has it.
pub(crate) fn student(facts: &FolderFacts) -> String {
    let plan = facts.run.as_ref().map(|run| &run.predicate.build_definition.external_parameters);
    let named = plan.and_then(|plan| plan.pointer("/student/name")).and_then(|name| name.as_str());
    named.unwrap_or("the student").to_owned()
}

/// A graph that is being put together.
#[derive(Default)]
struct Making {
    graph: Graph,
    /// Nodes by the digest that runs name them by.
    known: BTreeMap<Digest, usize>,
}

impl Making {
    fn node(&mut self, kind: &str, name: String, tone: Tone, title: String) -> usize {
        self.graph.nodes.push(Node { kind: kind.to_owned(), name, tone, title });
        self.graph.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, label: String, tone: Tone, title: String) {
        self.graph.edges.push(Edge { from, to, label, tone, title });
    }

    /// The models upstream and what they were made from.
    fn upstream(&mut self, ancestry: &Ancestry) {
        let nodes: Vec<usize> = ancestry.models.iter().map(|model| self.ancestor(model)).collect();
        let all = ancestry.own.iter().chain(ancestry.models.iter().flat_map(|model| &model.made_from));
        for origin in all {
            if let (Some(digest), Some(node)) = (origin.digest, origin.model.and_then(|at| nodes.get(at))) {
                self.known.insert(digest, *node);
            }
        }
        for (model, node) in ancestry.models.iter().zip(&nodes) {
            for origin in &model.made_from {
                let (said, tone) = (duties(&model.duties, &origin.terms), of_model(model, origin));
                let from = self.origin(origin, tone);
                self.edge(from, *node, label(origin), tone, format!("{}: {said}", tone.as_str()));
            }
        }
    }

    fn ancestor(&mut self, model: &Ancestor) -> usize {
        let (tone, said) = match model.verdict {
            Some(verdict) => (tone(verdict), format!("verdict of its plan: {}", verdict.as_str())),
            None if model.made_from.is_empty() => {
                (Tone::Unjudged, "how it was made is not recorded".to_owned())
            }
            None => (Tone::Unjudged, "no sound manifest".to_owned()),
        };
        let trust = if model.is_trusted { "a trusted key" } else { "an unknown key" };
        let title = format!("{said}\nsigned by {trust}, {}\nsha256 {}", model.signer, model.digest);
        self.node("model", model.name.clone(), tone, title)
    }

    /// The node of something that a model upstream was made from.
    fn origin(&mut self, origin: &Origin, tone: Tone) -> usize {
        if let Some(node) = origin.digest.and_then(|digest| self.known.get(&digest)) {
            return *node;
        }
        let kind = if origin.role == Role::Text { "text" } else { "model" };
        let title = format!("under {}\nno evidence of its own", under(&origin.terms));
        let node = self.node(kind, origin.name.clone(), tone, title);
        self.known.extend(origin.digest.map(|digest| (digest, node)));
        node
    }

    /// The node of one of the student's own sources.
    fn source(&mut self, facts: &FolderFacts, source: &Source, tone: Tone) -> usize {
        let teacher = source.teacher.as_ref();
        let run = facts.run.as_ref().map(|run| &run.predicate);
        let used = run.and_then(|run| run.dependency(&format!("{}:{}", name::TEACHER, source.id)));
        let digest = teacher.and_then(|teacher| teacher.weights).or(used);
        if let Some(node) = digest.and_then(|digest| self.known.get(&digest)) {
            return *node;
        }
        let terms: Vec<String> = source.terms.iter().map(|terms| terms.id.clone()).collect();
        let name = teacher.map_or(&source.id, |teacher| &teacher.name).clone();
        let kind = match source.kind {
            SourceKind::Teacher => "teacher",
            SourceKind::Text => "text",
            SourceKind::Unknown => "source",
        };
        let node = self.node(kind, name, tone, format!("under {}", under(&terms)));
        self.known.extend(digest.map(|digest| (digest, node)));
        node
    }

    /// The base, where the run names one.
    fn base(&mut self, facts: &FolderFacts) -> Option<usize> {
        let run = &facts.run.as_ref()?.predicate;
        let digest = run.dependency(name::BASE);
        let base = run.base()?.to_owned();
        if let Some(node) = digest.and_then(|digest| self.known.get(&digest)) {
            return Some(*node);
        }
        Some(self.node("base", base, Tone::Unjudged, "The student's first weights".to_owned()))
    }
}

/// What was said of one of the student's sources.
fn judged(record: &DatasetManifest, source: &Source) -> (Tone, String) {
    let terms: Vec<String> = source.terms.iter().map(|terms| terms.id.clone()).collect();
    let is_due = record.duties.iter().any(|duty| terms.contains(&duty.terms));
    let answered = |answer: &manifest::Accepted| is_about(&answer.ask, &terms, &source.id);
    let reviewed = terms.is_empty() || record.accepted.iter().any(answered);
    let tone = match record.verdict {
        Verdict::Forbid => Tone::Forbid,
        Verdict::Review if reviewed => Tone::Review,
        _ if is_due => Tone::Duties,
        _ => Tone::Permit,
    };
    (tone, format!("{}: {}", tone.as_str(), duties(&record.duties, &terms)))
}

/// What was said of something that a model upstream was made from.
fn of_model(model: &Ancestor, origin: &Origin) -> Tone {
    let is_due = model.duties.iter().any(|duty| origin.terms.contains(&duty.terms));
    let reviewed = model.accepted.iter().any(|ask| is_about(ask, &origin.terms, &origin.name));
    match model.verdict {
        None => Tone::Unjudged,
        Some(Verdict::Forbid) => Tone::Forbid,
        Some(Verdict::Review | Verdict::Unknown) if reviewed || origin.role == Role::Base => Tone::Review,
        Some(_) if is_due => Tone::Duties,
        Some(_) => Tone::Permit,
    }
}

/// Whether a question is about a source or one of its terms.
fn is_about(ask: &str, terms: &[String], id: &str) -> bool {
    ask.split('/').any(|part| terms.iter().any(|own| own == part) || part == id)
}

fn duties(duties: &[manifest::Duty], terms: &[String]) -> String {
    let due = duties.iter().filter(|duty| terms.contains(&duty.terms));
    let lines: Vec<String> =
        due.map(|duty| format!("{} {}: {}", duty.terms, duty.clause, duty.text)).collect();
    if lines.is_empty() { "no duty recorded".to_owned() } else { lines.join("\n") }
}

fn label(origin: &Origin) -> String {
    match (origin.role, origin.share) {
        (Role::Base, _) => "init".to_owned(),
        (_, Some(share)) => format!("train {}", percent(share)),
        (_, None) => "train".to_owned(),
    }
}

fn under(terms: &[String]) -> String {
    if terms.is_empty() { "no recorded terms".to_owned() } else { terms.join(", ") }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Permit => Tone::Permit,
        Verdict::PermitWithDuties => Tone::Duties,
        Verdict::Review | Verdict::Unknown => Tone::Review,
        Verdict::Forbid => Tone::Forbid,
    }
}
