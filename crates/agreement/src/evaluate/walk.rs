//! Carries one source's terms along the edges of the graph.

use std::collections::{BTreeSet, VecDeque};

use super::{Findings, Place, Trail, judge};
use crate::pack::{Entry, Rule};
use crate::provenance::{Asset, Edge};
use crate::words::{Action, Audience, Hops, Kind};

/// How an asset stands to the source whose terms are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Relation {
    /// It is the source, or holds it: the weights, changed or not, or a copy of the dataset.
    Material,
    /// It is made of the source's outputs.
    Outputs,
    /// It is a model that was trained on the source's outputs or data.
    Student,
}

/// Terms that have arrived at an asset.
#[derive(Debug, Clone)]
struct Arrival<'a> {
    asset: &'a Asset,
    relation: Relation,
    /// How many trainings lie between the source and the outputs or the student.
    generation: u8,
    /// Positions of the rules under which the asset was made.
    made_by: Vec<usize>,
    /// Whether no further student lies between: as far as a grant about the source reaches.
    direct: bool,
    trail: Trail<'a>,
}

/// What stands at the end of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// A model.
    Model,
    /// A dataset or code.
    Text,
}

/// What one edge means to the terms that travel over it.
enum Step {
    /// The rules for an action apply.
    Judge(Action),
    /// Rules under which the earlier model was made apply again.
    Again(Vec<usize>),
    /// It is open whether one rule reaches so far; others apply again.
    Unclear(usize, Vec<usize>),
    /// Nothing is to be judged here, but the terms travel on.
    Pass,
    /// The terms do not reach so far.
    Stop,
}

/// Judges the use of a target that was made from nothing listed.
pub(super) fn judge_use_as_is(findings: &mut Findings<'_>, entry: &Entry, asset: &Asset) {
    let action = match findings.provenance.declared().audience {
        Some(Audience::Private) => Action::Generate,
        Some(Audience::Served) => Action::Serve,
        Some(Audience::Distributed) | None => Action::RedistributeWeights,
    };
    let place = Place { covered: true, ..Place::new(asset, &Trail::default(), entry) };
    judge_action(findings, entry, asset, &place, action);
}

/// Follows the terms of one source to every asset that they reach.
pub(super) fn follow<'a>(
    findings: &mut Findings<'a>,
    ancestry: &BTreeSet<&str>,
    entry: &Entry,
    origin: &'a Asset,
) {
    let provenance = findings.provenance;
    let mut seen = BTreeSet::new();
    let start = Arrival {
        asset: origin,
        relation: Relation::Material,
        generation: 0,
        made_by: vec![],
        direct: true,
        trail: Trail::default(),
    };
    let mut open = VecDeque::from([start]);
    while let Some(arrival) = open.pop_front() {
        let leaving = provenance.edges_from(&arrival.asset.id);
        for edge in leaving.filter(|edge| ancestry.contains(edge.to.as_str())) {
            let Some(to) = provenance.asset(&edge.to) else { continue };
            let Some(next) = cross(findings, entry, origin, &arrival, (edge, to)) else { continue };
            let generation = next.generation.min(2);
            if seen.insert((to.id.as_str(), next.relation, generation, next.made_by.clone())) {
                open.push_back(next);
            }
        }
    }
}

/// Judges one edge and says how the terms arrive at its end.
fn cross<'a>(
    findings: &mut Findings<'a>,
    entry: &Entry,
    origin: &'a Asset,
    arrival: &Arrival<'a>,
    (edge, to): (&'a Edge, &'a Asset),
) -> Option<Arrival<'a>> {
    let trail = arrival.trail.and(edge);
    let direct = arrival.direct && (arrival.generation == 0 || edge.action.keeps_the_model());
    let place = Place { covered: direct, ..Place::new(origin, &trail, entry) };
    let (step, relation, generation) = step(entry, origin, arrival, edge, to);
    let made_by = match step {
        Step::Stop => return None,
        Step::Pass => arrival.made_by.clone(),
        Step::Judge(action) => {
            let mut made_by = judge_action(findings, entry, to, &place, action);
            if action.keeps_the_model() {
                for rule in arrival.made_by.iter().filter(|rule| !made_by.contains(rule)) {
                    judge::rule(findings, &entry.rules[*rule], to, &place);
                }
                made_by = union(&made_by, &arrival.made_by);
            }
            made_by
        }
        Step::Again(rules) => {
            for rule in &rules {
                judge::rule(findings, &entry.rules[*rule], to, &place);
            }
            rules
        }
        Step::Unclear(rule, again) => {
            judge::unclear_reach(findings, &entry.rules[rule], &place);
            for rule in &again {
                judge::rule(findings, &entry.rules[*rule], to, &place);
            }
            arrival.made_by.clone()
        }
    };
    Some(Arrival { asset: to, relation, generation, made_by, direct, trail })
}

fn union(left: &[usize], right: &[usize]) -> Vec<usize> {
    let all: BTreeSet<usize> = left.iter().chain(right).copied().collect();
    all.into_iter().collect()
}

/// Applies every rule that speaks of an action and says which those were.
fn judge_action(
    findings: &mut Findings<'_>,
    entry: &Entry,
    to: &Asset,
    place: &Place<'_>,
    action: Action,
) -> Vec<usize> {
    let speaking: Vec<usize> = (0..entry.rules.len()).filter(|rule| speaks(entry, *rule, action)).collect();
    let place = &Place { covered: place.covered && findings.covers(place, &[action]), ..place.clone() };
    for rule in &speaking {
        judge::rule(findings, &entry.rules[*rule], to, place);
    }
    if speaking.is_empty() {
        judge::unlisted(findings, action, place);
    }
    speaking
}

fn speaks(entry: &Entry, rule: usize, action: Action) -> bool {
    entry.rules.get(rule).is_some_and(|rule: &Rule| rule.on.contains(&action))
}

fn step(
    entry: &Entry,
    origin: &Asset,
    arrival: &Arrival<'_>,
    edge: &Edge,
    to: &Asset,
) -> (Step, Relation, u8) {
    let made = match to.kind {
        Kind::Weights | Kind::Api => Made::Model,
        Kind::Dataset | Kind::Code => Made::Text,
    };
    match arrival.relation {
        Relation::Material if origin.kind == Kind::Dataset => from_dataset(edge.action, made),
        Relation::Material => from_model(edge.action, made),
        Relation::Outputs => from_outputs(entry, arrival, edge.action, made),
        Relation::Student => from_student(entry, arrival, edge.action, made),
    }
}

fn from_dataset(action: Action, made: Made) -> (Step, Relation, u8) {
    if made == Made::Model {
        return (Step::Judge(Action::TrainOnOutputs), Relation::Student, 1);
    }
    let passed_on = matches!(action, Action::RedistributeOutputs | Action::RedistributeWeights);
    let step = if passed_on { Step::Judge(Action::RedistributeWeights) } else { Step::Pass };
    (step, Relation::Material, 0)
}

fn from_model(action: Action, made: Made) -> (Step, Relation, u8) {
    if made == Made::Text {
        return (Step::Judge(Action::Generate), Relation::Outputs, 0);
    }
    if action.holds_weights() {
        return (Step::Judge(action), Relation::Material, 0);
    }
    (Step::Judge(training_by(action)), Relation::Student, 1)
}

/// The action by which outputs make a model.
fn training_by(action: Action) -> Action {
    match action {
        Action::DistillLogits | Action::Label => action,
        _ => Action::TrainOnOutputs,
    }
}

fn from_outputs(entry: &Entry, arrival: &Arrival<'_>, action: Action, made: Made) -> (Step, Relation, u8) {
    if made == Made::Model {
        let training = training_by(action);
        let step = match arrival.generation {
            0 => Step::Judge(training),
            _ => next_generation(entry, &arrival.made_by, training),
        };
        return (step, Relation::Student, arrival.generation.saturating_add(1));
    }
    let passed_on = Action::RedistributeOutputs;
    let listed = (0..entry.rules.len()).any(|rule| speaks(entry, rule, passed_on));
    let step = if action == passed_on && arrival.generation == 0 && listed {
        Step::Judge(passed_on)
    } else {
        Step::Pass
    };
    (step, Relation::Outputs, arrival.generation)
}

fn from_student(entry: &Entry, arrival: &Arrival<'_>, action: Action, made: Made) -> (Step, Relation, u8) {
    if made == Made::Text {
        return (Step::Pass, Relation::Outputs, arrival.generation);
    }
    if action.keeps_the_model() {
        return (Step::Again(arrival.made_by.clone()), Relation::Student, arrival.generation);
    }
    if action.holds_weights() {
        return (next_generation(entry, &arrival.made_by, action), Relation::Student, arrival.generation);
    }
    let step = next_generation(entry, &arrival.made_by, training_by(action));
    (step, Relation::Student, arrival.generation.saturating_add(1))
}

/// Whether the rules under which a model was made reach what is made from it.
fn next_generation(entry: &Entry, made_by: &[usize], action: Action) -> Step {
    let mut again = Vec::new();
    let mut unclear = None;
    for position in made_by {
        let Some(rule) = entry.rules.get(*position).filter(|rule| rule.carry.contains(&action)) else {
            continue;
        };
        match rule.hops {
            Hops::Unclear => unclear = unclear.or(Some(*position)),
            Hops::Closure => again.push(*position),
            Hops::One if action.holds_weights() => again.push(*position),
            Hops::One => {}
        }
    }
    match unclear {
        Some(rule) => Step::Unclear(rule, again),
        None if again.is_empty() => Step::Stop,
        None => Step::Again(again),
    }
}
