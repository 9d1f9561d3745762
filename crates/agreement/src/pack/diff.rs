//! What two texts say differently, action by action.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::entry::{Breach, Duty, Entry, Exception, Limit, Met, Rule, Test};
use crate::words::{Action, Effect, Word as _};

/// What a difference is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Whether the action is allowed.
    Effect,
    /// What has to be done in return.
    Duty,
    /// A bound on a declared fact.
    Limit,
    /// A case that is taken out.
    Exception,
    /// A question that only a person can answer.
    Ask,
    /// How far the rule follows what is made.
    Reach,
}

impl Aspect {
    /// The word as it is spelled in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Effect => "effect",
            Self::Duty => "duty",
            Self::Limit => "limit",
            Self::Exception => "exception",
            Self::Ask => "ask",
            Self::Reach => "reach",
        }
    }
}

/// One thing that only one of two texts says, or that they say differently.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// What it is about.
    pub aspect: Aspect,
    /// The actions for which it holds.
    pub actions: Vec<Action>,
    /// What the one text says, if anything.
    pub left: Option<String>,
    /// What the other says, if anything.
    pub right: Option<String>,
    /// Where the one says it.
    pub left_clause: Option<String>,
    /// Where the other says it.
    pub right_clause: Option<String>,
}

/// A saying with its clause, or nothing.
type Side = Option<(String, String)>;

/// What two texts say differently; nothing where they come to the same.
pub fn diff(left: &Entry, right: &Entry) -> Vec<Difference> {
    let mut found: BTreeMap<(Aspect, Side, Side), Vec<Action>> = BTreeMap::new();
    for (_, action) in Action::ALL {
        let (ours, theirs) = (effect(left, *action), effect(right, *action));
        if ours.as_ref().map(|side| &side.0) != theirs.as_ref().map(|side| &side.0) {
            found.entry((Aspect::Effect, ours, theirs)).or_default().push(*action);
        }
        let (ours, theirs) = (sayings(left, *action), sayings(right, *action));
        let said = |list: &BTreeSet<(Aspect, String, String)>| {
            list.iter().map(|(aspect, text, _)| (*aspect, text.clone())).collect::<BTreeSet<_>>()
        };
        let (our_said, their_said) = (said(&ours), said(&theirs));
        for (aspect, text, clause) in ours {
            if !their_said.contains(&(aspect, text.clone())) {
                found.entry((aspect, Some((text, clause)), None)).or_default().push(*action);
            }
        }
        for (aspect, text, clause) in theirs {
            if !our_said.contains(&(aspect, text.clone())) {
                found.entry((aspect, None, Some((text, clause)))).or_default().push(*action);
            }
        }
    }
    // What only the second text says sorts first: it comes last, to be found as a partner.
    let mut found: Vec<((Aspect, Side, Side), Vec<Action>)> = found.into_iter().collect();
    found.sort_by_key(|((aspect, left, _), _)| (*aspect, left.is_none()));
    let difference = |((aspect, left, right), actions): ((Aspect, Side, Side), Vec<Action>)| {
        let (left, left_clause) = left.unzip();
        let (right, right_clause) = right.unzip();
        Difference { aspect, actions, left, right, left_clause, right_clause }
    };
    paired(found.into_iter().map(difference).collect())
}

/// Puts what one text says beside what the other says of the same kind about the same actions.
fn paired(mut all: Vec<Difference>) -> Vec<Difference> {
    let kind = |text: &str| text.split([',', ' ']).next().unwrap_or_default().to_owned();
    let mut found: Vec<Difference> = Vec::new();
    while !all.is_empty() {
        let mut first = all.remove(0);
        let fits = |other: &Difference| {
            let other_kind = other.right.as_deref().map(kind);
            let alike = first.aspect == other.aspect && first.actions == other.actions;
            alike && other.left.is_none() && other_kind == first.left.as_deref().map(kind)
        };
        if first.right.is_none()
            && let Some(position) = all.iter().position(fits)
        {
            let other = all.remove(position);
            (first.right, first.right_clause) = (other.right, other.right_clause);
        }
        found.push(first);
    }
    found
}

fn rules(entry: &Entry, action: Action) -> impl DoubleEndedIterator<Item = &Rule> {
    entry.rules.iter().filter(move |rule| rule.on.contains(&action))
}

/// The strictest effect of all rules about an action.
fn effect(entry: &Entry, action: Action) -> Side {
    let rank = |effect: Effect| match effect {
        Effect::Permit => 0,
        Effect::Unknown => 1,
        Effect::Forbid => 2,
    };
    // The last of equals is taken, so that reversed it is the first.
    let strictest = rules(entry, action).rev().max_by_key(|rule| rank(rule.effect))?;
    let silent = rules(entry, action).all(|rule| rule.silent);
    let word = strictest.effect.as_str();
    Some((if silent { format!("{word}, silent") } else { word.to_owned() }, strictest.clause.clone()))
}

fn sayings(entry: &Entry, action: Action) -> BTreeSet<(Aspect, String, String)> {
    let mut all = BTreeSet::new();
    for rule in rules(entry, action) {
        let mut add = |aspect: Aspect, text: String| all.insert((aspect, text, rule.clause.clone()));
        for text in &rule.duties {
            add(Aspect::Duty, duty(text));
        }
        for bound in &rule.limits {
            add(Aspect::Limit, limit(bound));
        }
        for case in &rule.unless {
            add(Aspect::Exception, exception(case));
        }
        for question in &rule.ask {
            add(Aspect::Ask, question.clone());
        }
        if !rule.carry.is_empty() {
            let over: Vec<&str> = rule.carry.iter().map(|action| action.as_str()).collect();
            add(Aspect::Reach, format!("{}, over {}", rule.hops, over.join(" ")));
        }
    }
    all
}

fn duty(duty: &Duty) -> String {
    format!("{}, {}: {}", duty.kind, duty.due, duty.text)
}

fn limit(limit: &Limit) -> String {
    let test = match &limit.test {
        Test::Is(value) => format!("is {value}"),
        Test::AtMost(most) => format!("at most {most}"),
        Test::In(allowed) => {
            format!("in {}", allowed.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" "))
        }
    };
    let breach = match &limit.breach {
        Breach::Forbid => "forbid".to_owned(),
        Breach::Review => "review".to_owned(),
        Breach::Duties(duties) => duties.iter().map(duty).collect::<Vec<_>>().join("; "),
    };
    let met = if limit.met == Met::Review { "; a person stands for it" } else { "" };
    format!("{} {test}, else {breach}{met}", limit.fact)
}

fn exception(exception: &Exception) -> String {
    match exception {
        Exception::Family(families) => format!("family {}", families.join(" or ")),
        Exception::Declared { fact, audience } if audience.is_empty() => format!("{fact} is declared"),
        Exception::Declared { fact, audience } => {
            let within: Vec<&str> = audience.iter().map(|word| word.as_str()).collect();
            format!("{fact} is declared, audience {}", within.join(" or "))
        }
    }
}
