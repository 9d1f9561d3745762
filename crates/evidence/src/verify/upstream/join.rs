//! Joins the statements by digest, beginning with the folder's own run.

use super::read::{Entry, Stated};
use crate::disclosure::Disclosure;
use crate::keys::KeyId;
use crate::manifest::DatasetManifest;
use crate::provenance::{Provenance, name};
use crate::{Digest, Statement};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Where each statement is found by what refers to it.
struct Index {
    models: BTreeMap<Digest, Vec<usize>>,
    runs: BTreeMap<(Digest, KeyId), Vec<usize>>,
    data: BTreeMap<(Digest, KeyId), Vec<usize>>,
    disclosures: BTreeMap<(Digest, KeyId), Vec<usize>>,
    /// Every manifest, whoever signed it.
    manifests: BTreeSet<Digest>,
}

/// A reached model with its statements, as positions among the entries.
pub(super) struct Node {
    pub(super) model: usize,
    /// The digest of the model's subject.
    pub(super) digest: Digest,
    pub(super) runs: Vec<usize>,
    pub(super) data: Option<usize>,
    pub(super) disclosure: Option<usize>,
    /// How a run's manifest is absent, where it is.
    pub(super) lack: Option<Lack>,
}

/// How a run's manifest is absent.
#[derive(Clone, Copy)]
pub(super) enum Lack {
    /// The run names none, or one that is not in the file.
    Absent,
    /// It is in the file, signed by somebody else.
    OtherSigner,
}

/// What is reached from the folder's own run.
pub(super) struct Joined {
    /// The reached models, in the order of the walk: those that the folder names first.
    pub(super) nodes: Vec<Node>,
    /// The node that a digest names.
    pub(super) named: BTreeMap<Digest, usize>,
    /// Whether each entry is reached.
    pub(super) reached: Vec<bool>,
}

/// The models that a run names: role (`base`, `teacher` or `teacher:SOURCE`) and digest.
pub(super) fn parents(run: &Provenance) -> impl Iterator<Item = (&str, Digest)> {
    let is_teacher = |name: &str| {
        name.strip_prefix(name::TEACHER).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    let dependencies = run.build_definition.resolved_dependencies.iter();
    dependencies
        .filter(move |one| one.name == name::BASE || is_teacher(&one.name))
        .filter_map(|one| Some((one.name.as_str(), one.digest?.sha256)))
}

/// Walks from the folder's own run to everything that it refers to.
pub(super) fn join(entries: &[Entry], own: &Provenance) -> Joined {
    let index = Index::of(entries);
    let mut joined =
        Joined { nodes: Vec::new(), named: BTreeMap::new(), reached: vec![false; entries.len()] };
    let mut at: BTreeMap<(Digest, KeyId), usize> = BTreeMap::new();
    let mut seen: BTreeSet<Digest> = parents(own).map(|(_, digest)| digest).collect();
    let mut open: VecDeque<Digest> = parents(own).map(|(_, digest)| digest).collect();
    while let Some(digest) = open.pop_front() {
        for &model in index.models.get(&digest).into_iter().flatten() {
            joined.reached[model] = true;
            let Some(key) = key_of(&entries[model]) else { continue };
            let node = *at.entry(key).or_insert_with(|| {
                joined.nodes.push(index.node(entries, model, key, &mut joined.reached));
                joined.nodes.len() - 1
            });
            let known = joined.named.entry(digest).or_insert(node);
            if joined.nodes[*known].runs.is_empty() && !joined.nodes[node].runs.is_empty() {
                *known = node;
            }
            for run in joined.nodes[node].runs.iter().filter_map(|run| entries[*run].run()) {
                let fresh = parents(&run.predicate).map(|(_, digest)| digest);
                open.extend(fresh.filter(|digest| seen.insert(*digest)));
            }
        }
    }
    joined
}

fn key_of(entry: &Entry) -> Option<(Digest, KeyId)> {
    match &entry.stated {
        Stated::Model { digests, .. } => Some((*digests.first()?, entry.signer)),
        _ => None,
    }
}

impl Index {
    fn of(entries: &[Entry]) -> Self {
        let mut index = Self {
            models: BTreeMap::new(),
            runs: BTreeMap::new(),
            data: BTreeMap::new(),
            disclosures: BTreeMap::new(),
            manifests: BTreeSet::new(),
        };
        for (position, entry) in entries.iter().enumerate() {
            match &entry.stated {
                Stated::Model { digests, .. } => {
                    for digest in digests {
                        index.models.entry(*digest).or_default().push(position);
                    }
                }
                Stated::Run(run) => add(&mut index.runs, run.subject[0].digest.sha256, entry, position),
                Stated::Data(_, digest) => {
                    add(&mut index.data, *digest, entry, position);
                    index.manifests.insert(*digest);
                }
                Stated::Disclosure(stated) => {
                    add(&mut index.disclosures, stated.subject[0].digest.sha256, entry, position);
                }
            }
        }
        index
    }

    /// Marks what belongs to a model as reached.
    fn node(&self, entries: &[Entry], model: usize, key: (Digest, KeyId), reached: &mut [bool]) -> Node {
        let mut node = Node { model, digest: key.0, runs: vec![], data: None, disclosure: None, lack: None };
        let disclosures = self.disclosures.get(&key).into_iter().flatten();
        for &position in disclosures {
            reached[position] = true;
            node.disclosure = Some(position);
        }
        for &position in self.runs.get(&key).into_iter().flatten() {
            reached[position] = true;
            node.runs.push(position);
            let manifest =
                entries[position].run().and_then(|run| run.predicate.dependency(name::DATASET_MANIFEST));
            let found = manifest.and_then(|manifest| self.data.get(&(manifest, key.1)));
            for &data in found.into_iter().flatten() {
                reached[data] = true;
                node.data = Some(data);
            }
            if found.is_none() {
                let is_there = manifest.is_some_and(|manifest| self.manifests.contains(&manifest));
                node.lack = Some(if is_there { Lack::OtherSigner } else { Lack::Absent });
            }
        }
        node
    }
}

fn add(to: &mut BTreeMap<(Digest, KeyId), Vec<usize>>, digest: Digest, entry: &Entry, position: usize) {
    to.entry((digest, entry.signer)).or_default().push(position);
}

impl Entry {
    /// The run, if it is one.
    pub(super) fn run(&self) -> Option<&Statement<Provenance>> {
        match &self.stated {
            Stated::Run(run) => Some(run),
            _ => None,
        }
    }

    /// The manifest, if it is one.
    pub(super) fn data(&self) -> Option<&DatasetManifest> {
        match &self.stated {
            Stated::Data(data, _) => Some(&data.predicate),
            _ => None,
        }
    }

    /// The disclosure, if it is one.
    pub(super) fn disclosure(&self) -> Option<&Disclosure> {
        match &self.stated {
            Stated::Disclosure(disclosure) => Some(&disclosure.predicate),
            _ => None,
        }
    }
}

/// A way from a model back to itself, as nodes; `usize::MAX` stands for the folder's own model.
pub(super) fn cycle(entries: &[Entry], joined: &Joined, own: (&Provenance, &[Digest])) -> Option<Vec<usize>> {
    let mine = joined.nodes.len();
    let mut children: Vec<Vec<usize>> = vec![Vec::new(); mine + 1];
    let mut parents_of: Vec<Vec<usize>> = vec![Vec::new(); mine + 1];
    for (child, parents_of) in parents_of.iter_mut().enumerate() {
        let runs: Vec<&Provenance> = match joined.nodes.get(child) {
            Some(node) => node.runs.iter().filter_map(|run| Some(&entries[*run].run()?.predicate)).collect(),
            None => vec![own.0],
        };
        for (_, digest) in runs.into_iter().flat_map(parents) {
            let parent =
                if own.1.contains(&digest) { Some(mine) } else { joined.named.get(&digest).copied() };
            if let Some(parent) = parent {
                children[parent].push(child);
                parents_of.push(parent);
            }
        }
    }
    let mut waiting: Vec<usize> = children.iter().map(Vec::len).collect();
    let mut ready: Vec<usize> = (0..=mine).filter(|node| waiting[*node] == 0).collect();
    while let Some(node) = ready.pop() {
        for &parent in &parents_of[node] {
            waiting[parent] -= 1;
            if waiting[parent] == 0 {
                ready.push(parent);
            }
        }
    }
    // Whoever still waits has a child that waits, so following such children must come round.
    let waits = |node: &usize| waiting[*node] > 0;
    let mut way = vec![(0..=mine).find(waits)?];
    let mut met: BTreeMap<usize, usize> = BTreeMap::new();
    while let Some(&last) = way.last() {
        if let Some(first) = met.insert(last, way.len() - 1) {
            return Some(way.split_off(first));
        }
        way.push(children[last].iter().copied().find(waits)?);
    }
    None
}
