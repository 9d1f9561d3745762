//! What does not follow, and what should be said of the rest.

use super::facts::Ancestry;
use super::join::{self, Joined, Lack};
use super::read::{Entry, place};
use crate::checks::{Aspect, Check, CheckVerdict};
use crate::disclosure::Disclosure;
use crate::keys::KeyId;
use crate::layout::path;
use crate::provenance::{Provenance, name};
use crate::verify::signed::Trust;
use crate::verify::{edges, records};
use crate::{Digest, Finding, FindingKind, Statement};
use std::collections::{BTreeMap, BTreeSet};

/// Names that one sentence lists at most.
const MOST_NAMES: usize = 4;

/// Judges each reached model's statements, and those that nothing refers to.
pub(super) fn statements(entries: &[Entry], joined: &Joined, ancestry: &Ancestry, checks: &mut Vec<Check>) {
    for (node, model) in joined.nodes.iter().zip(&ancestry.models) {
        let [run, more @ ..] = &node.runs[..] else { continue };
        let broken = |kind: FindingKind, line: usize, detail: &str| {
            Check::from(Finding::new(kind, place(line), format!("`{}`: {detail}", model.name)))
        };
        if let [second, ..] = more {
            let detail = "its signer signed another run of the same model";
            checks.push(broken(FindingKind::Contradiction, entries[*second].line, detail));
        }
        if let Some(lack) = node.lack {
            let detail = match lack {
                Lack::Absent => "the dataset manifest that its run names is not in the file",
                Lack::OtherSigner => "its dataset manifest is not signed by its signer",
            };
            checks.push(broken(FindingKind::BrokenEdge, entries[*run].line, detail));
        }
        let pair = entries[*run].run().zip(node.data.and_then(|data| entries[data].data()));
        if let Some((run_statement, data)) = pair {
            let mut found = Vec::new();
            edges::check_sources(&run_statement.predicate, data, &mut found);
            records::check_permission(data, &mut found);
            let bad =
                |check: &Check| !matches!(check.verdict, CheckVerdict::Pass | CheckVerdict::NotRecorded);
            checks.extend(found.into_iter().filter(bad).map(|check| Check {
                subject: place(entries[*run].line),
                detail: format!("`{}`: {}: {}", model.name, check.subject, check.detail),
                ..check
            }));
        }
    }
    for (entry, _) in entries.iter().zip(&joined.reached).filter(|(_, reached)| !**reached) {
        let detail = "neither the run nor a statement upstream of it refers to it by its signer";
        checks.push(Finding::new(FindingKind::ExtraStatement, place(entry.line), detail).into());
    }
}

/// Finds a model that is made from itself.
pub(super) fn cycle(
    entries: &[Entry],
    joined: &Joined,
    ancestry: &Ancestry,
    own: (&Provenance, &[Digest]),
    checks: &mut Vec<Check>,
) {
    let Some(way) = join::cycle(entries, joined, own) else { return };
    let named = |node: &usize| ancestry.models.get(*node).map_or("the student", |model| model.name.as_str());
    let names: Vec<&str> = way.iter().map(named).collect();
    let detail = format!("a model is made from itself: {}", list(&names));
    checks.push(Finding::new(FindingKind::Cycle, path::UPSTREAM, detail).into());
}

/// Says where some statement tells of a past that is not there.
pub(super) fn ends(
    entries: &[Entry],
    joined: &Joined,
    ancestry: &Ancestry,
    own: &Statement<Provenance>,
    checks: &mut Vec<Check>,
) {
    let mut ends = |subject: &str, detail: &str| {
        let detail = format!("`{subject}` ends here: {detail}");
        checks.push(Check::not_recorded(Aspect::Upstream, path::UPSTREAM, detail));
    };
    let lacks = |run: &Provenance| {
        run.dependency(name::UPSTREAM).is_some()
            && !join::parents(run).any(|(_, digest)| joined.named.contains_key(&digest))
    };
    let pinned = "its run pins upstream evidence, of which nothing is here";
    for (node, model) in joined.nodes.iter().zip(&ancestry.models) {
        let disclosed = node.disclosure.and_then(|position| entries[position].disclosure());
        let is_student = disclosed.is_some_and(|stated| !stated.claims.teachers.is_empty());
        if node.runs.is_empty() && is_student {
            ends(&model.name, "its maker discloses teachers, and no run tells how it was made");
        }
        if node.runs.iter().filter_map(|run| entries[*run].run()).any(|run| lacks(&run.predicate)) {
            ends(&model.name, pinned);
        }
    }
    if lacks(&own.predicate) {
        ends("the student", pinned);
    }
}

/// Says who signed: the trusted in one check, everyone else by name.
pub(super) fn signers(entries: &[Entry], ancestry: &Ancestry, trust: &Trust, checks: &mut Vec<Check>) {
    let mut signed: BTreeMap<KeyId, usize> = BTreeMap::new();
    for entry in entries {
        *signed.entry(entry.signer).or_default() += 1;
    }
    let mut models: BTreeMap<KeyId, Vec<&str>> = BTreeMap::new();
    for model in &ancestry.models {
        models.entry(model.signer).or_default().push(&model.name);
    }
    let trusted = signed.keys().filter(|signer| trust.contains(**signer)).count();
    if trusted > 0 {
        let detail = format!("{trusted} of {} upstream signers are trusted", signed.len());
        checks.push(Check::pass(Aspect::Signer, path::UPSTREAM, detail));
    }
    for (signer, statements) in signed.iter().filter(|(signer, _)| !trust.contains(**signer)) {
        let of = models.get(signer).map(|names| list(names)).unwrap_or_default();
        let of = if of.is_empty() { "no reached model".to_owned() } else { of };
        let detail = format!("signer of {statements} upstream statements not trusted; models: {of}");
        checks.push(Finding::new(FindingKind::UnknownSigner, signer.to_string(), detail).into());
    }
}

/// Shows the duties of the models upstream, each once.
pub(super) fn duties(ancestry: &Ancestry, own: Option<&Statement<Disclosure>>, checks: &mut Vec<Check>) {
    let disclosed = own.into_iter().flat_map(|own| &own.predicate.duties);
    let disclosed: BTreeSet<(&str, &str)> =
        disclosed.map(|duty| (duty.id.as_str(), duty.terms.as_str())).collect();
    let mut asked = BTreeMap::new();
    for model in &ancestry.models {
        for duty in &model.duties {
            asked.entry(duty).or_insert_with(Vec::new).push(model.name.as_str());
        }
    }
    for (duty, names) in asked {
        let is_met = disclosed.contains(&(duty.id.as_str(), duty.terms.as_str()));
        let (verdict, word) = if is_met {
            (CheckVerdict::Pass, "the student's disclosure names it, too")
        } else {
            (CheckVerdict::NotRecorded, "whether it reaches the student is for the terms to say")
        };
        let detail = format!("{} ({}, {}), of {}: {word}", duty.text, duty.terms, duty.clause, list(&names));
        checks.push(Check::new(Aspect::UpstreamDuty.code(), verdict, duty.id.clone(), detail));
    }
}

/// The first names, and how many there are more.
fn list(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(MOST_NAMES).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
