//! Judges a provenance graph by the terms pack (docs/spec/agreement.md).
//!
//! `walk` carries each source's terms along the edges, `judge` applies one rule to one asset,
//! `conflicts` holds the duties of the target against each other.

mod conflicts;
mod consented;
mod judge;
mod series;
mod shares;
mod walk;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stillmark_evidence::{Date, Digest};

use crate::consent::{Consent, Granted};
use crate::error::Error;
use crate::pack::{Entry, Pack};
use crate::provenance::{Asset, Edge, Provenance};
use crate::ruling::{Ask, Obligation, Reason, RuleCode, Ruling, UsedFact, Verdict};
use crate::words::{Action, Confidence, Fact, Kind};

/// Days after which a reading of terms is called old.
const STALE_AFTER_DAYS: i64 = 180;

/// Judges the making and use of the graph's target by the terms in force on a day.
pub fn evaluate(pack: &Pack, provenance: &Provenance, on: &Date) -> Result<Ruling, Error> {
    let mut findings = Findings::new(provenance, on.clone());
    let ancestry = provenance.ancestry();
    let made: BTreeSet<&str> = provenance.edges().iter().map(|edge| edge.to.as_str()).collect();
    let used_as_is = !made.contains(provenance.target());
    for asset in provenance.assets().iter().filter(|asset| ancestry.contains(asset.id.as_str())) {
        let entries = entries_of(pack, asset)?;
        if made.contains(asset.id.as_str()) {
            continue;
        }
        consented::take(&mut findings, asset, &entries);
        if entries.is_empty() {
            findings.unknown_source(asset);
        }
        for entry in entries {
            series::note_newer(&mut findings, pack, entry);
            findings.apply_entry(entry, asset);
            if asset.kind == Kind::Code {
                findings.code(entry, asset);
            } else if used_as_is {
                walk::judge_use_as_is(&mut findings, entry, asset);
            } else {
                walk::follow(&mut findings, &ancestry, entry, asset);
            }
        }
    }
    conflicts::find(&mut findings);
    findings.into_ruling(shares::count(provenance, &ancestry))
}

fn entries_of<'p>(pack: &'p Pack, asset: &Asset) -> Result<Vec<&'p Entry>, Error> {
    let mut entries = Vec::new();
    for terms in &asset.terms {
        entries.push(pack.get(terms).ok_or_else(|| Error::UnknownTerms {
            line: asset.line,
            asset: asset.id.clone(),
            terms: terms.clone(),
            near: pack.nearest(terms),
        })?);
    }
    Ok(entries)
}

/// What has been found so far.
#[derive(Debug)]
struct Findings<'a> {
    provenance: &'a Provenance,
    on: Date,
    reasons: Vec<Reason>,
    duties: Vec<Obligation>,
    asks: Vec<Ask>,
    declared: BTreeMap<Fact, UsedFact>,
    notes: Vec<String>,
    terms_digests: BTreeMap<String, Digest>,
    /// The grants that count, by the asset that they are about.
    consents: BTreeMap<&'a str, &'a Consent>,
    grants: BTreeMap<String, Granted>,
}

/// Where a reason points: the way, the terms and the clause.
#[derive(Debug, Clone)]
struct Place<'a> {
    path: String,
    assets: Vec<String>,
    entry: &'a Entry,
    clause: &'a str,
    confidence: Confidence,
    /// Whether a grant permits what is judged here.
    covered: bool,
}

/// Edges named at each end of a long path; those between are counted.
const NAMED_EDGES: usize = 6;

/// The way from a source to an asset, of which only both ends are kept.
#[derive(Debug, Clone, Default)]
struct Trail<'a> {
    first: Vec<&'a Edge>,
    last: VecDeque<&'a Edge>,
    between: usize,
}

impl<'a> Trail<'a> {
    /// The same way and one edge more.
    fn and(&self, edge: &'a Edge) -> Self {
        let mut longer = self.clone();
        if longer.first.len() < NAMED_EDGES {
            longer.first.push(edge);
            return longer;
        }
        longer.last.push_back(edge);
        if longer.last.len() > NAMED_EDGES {
            longer.last.pop_front();
            longer.between += 1;
        }
        longer
    }
}

impl<'a> Place<'a> {
    fn new(origin: &Asset, trail: &Trail<'_>, entry: &'a Entry) -> Self {
        let mut path = origin.id.clone();
        let mut assets = vec![origin.id.clone()];
        for (position, edge) in trail.first.iter().chain(&trail.last).enumerate() {
            if position == trail.first.len() && trail.between > 0 {
                path = format!("{path} … {} more …", trail.between);
            }
            path = format!("{path} -[{}]-> {}", edge.action, edge.to);
            assets.push(edge.to.clone());
        }
        Self { path, assets, entry, clause: &entry.source, confidence: Confidence::High, covered: false }
    }

    fn subject(&self) -> &str {
        self.assets.last().map_or("", String::as_str)
    }

    fn reason(&self, effect: Verdict, rule: RuleCode, says: String) -> Reason {
        Reason {
            path: self.path.clone(),
            assets: self.assets.clone(),
            terms: Some(self.entry.id.clone()),
            clause: self.clause.to_owned(),
            effect,
            confidence: self.confidence,
            rule,
            says,
            ask: None,
        }
    }
}

/// A question before it is given its id.
#[derive(Debug)]
struct Question {
    /// The first part of the id.
    topic: &'static str,
    fact: Option<Fact>,
    text: String,
}

impl<'a> Findings<'a> {
    fn new(provenance: &'a Provenance, on: Date) -> Self {
        Self {
            provenance,
            on,
            reasons: Vec::new(),
            duties: Vec::new(),
            asks: Vec::new(),
            declared: BTreeMap::new(),
            notes: Vec::new(),
            terms_digests: BTreeMap::new(),
            consents: BTreeMap::new(),
            grants: BTreeMap::new(),
        }
    }

    /// Notes which text is applied, how old its reading is, and whether it held on the day.
    fn apply_entry(&mut self, entry: &Entry, asset: &Asset) {
        let first_use = self.terms_digests.insert(entry.id.clone(), entry.digest()).is_none();
        let age_days = days_between(&entry.retrieved, &self.on);
        if first_use && age_days > STALE_AFTER_DAYS {
            self.notes.push(format!(
                "The facts about `{}` were read on {}, {age_days} days before {}: look for a newer text.",
                entry.id, entry.retrieved, self.on
            ));
        }
        let Some(in_force) = &entry.in_force else { return };
        if &self.on < in_force {
            let place = Place::new(asset, &Trail::default(), entry);
            let says = format!("The listed text holds from {in_force}; the day asked about is {}.", self.on);
            let text =
                format!("Which terms of `{}` held on {}, and did they permit this?", asset.id, self.on);
            let question = Question { topic: "in-force", fact: None, text };
            self.review(&place, RuleCode::NotYetInForce, says, question);
        }
    }

    fn unknown_source(&mut self, asset: &Asset) {
        let id = format!("unknown-source/{}", asset.id);
        let clause = "rule unknown-source (docs/spec/agreement.md)".to_owned();
        self.reasons.push(Reason {
            path: asset.id.clone(),
            assets: vec![asset.id.clone()],
            terms: None,
            clause: clause.clone(),
            effect: Verdict::Review,
            confidence: Confidence::High,
            rule: RuleCode::UnknownSource,
            says: "A source without terms is unknown, which is not a yes.".to_owned(),
            ask: Some(id.clone()),
        });
        self.asks.push(Ask {
            id,
            question: format!("Under which terms was `{}` obtained, and do they permit this?", asset.id),
            fact: None,
            terms: None,
            asset: asset.id.clone(),
            clause,
        });
    }

    fn code(&mut self, entry: &Entry, asset: &Asset) {
        let place = Place::new(asset, &Trail::default(), entry);
        let says = "A license of code reaches copies of the code, not what was made by running it.";
        self.reasons.push(place.reason(Verdict::Permit, RuleCode::Silent, says.to_owned()));
    }

    /// Whether a grant about the way's source permits one of these actions against a text.
    fn covers(&self, place: &Place<'_>, actions: &[Action]) -> bool {
        let consent = place.assets.first().and_then(|source| self.consents.get(source.as_str()));
        consent.is_some_and(|consent| consent.covers(place.entry, actions))
    }

    /// Adds the permission of a grant in place of what the text would lead to.
    fn granted(&mut self, place: &Place<'_>, says: &str) {
        let consent = place.assets.first().and_then(|source| self.consents.get(source.as_str()));
        let name = consent.map_or_else(String::new, |consent| consent.name());
        let clause = format!("{}; {name}", place.clause);
        let says = format!("{says} The provider's grant permits it.");
        let place = Place { clause: &clause, ..place.clone() };
        self.reasons.push(place.reason(Verdict::Permit, RuleCode::Granted, says));
    }

    fn push(&mut self, place: &Place<'_>, effect: Verdict, rule: RuleCode, says: String) {
        if place.covered && effect != Verdict::Permit {
            self.granted(place, &says);
            return;
        }
        self.reasons.push(place.reason(effect, rule, says));
    }

    /// Adds a review with the question that would settle it.
    fn review(&mut self, place: &Place<'_>, rule: RuleCode, says: String, question: Question) {
        if place.covered && rule != RuleCode::NamePrefix {
            self.granted(place, &says);
            return;
        }
        let id = self.ask_id(place, &question);
        self.asks.push(Ask {
            id: id.clone(),
            question: question.text,
            fact: question.fact,
            terms: Some(place.entry.id.clone()),
            asset: place.subject().to_owned(),
            clause: place.clause.to_owned(),
        });
        let reason = place.reason(Verdict::Review, rule, says);
        self.reasons.push(Reason { ask: Some(id), ..reason });
    }

    /// The id of a question; a second one of the same text about the same asset is numbered.
    fn ask_id(&self, place: &Place<'_>, question: &Question) -> String {
        let first = format!("{}/{}/{}", question.topic, place.entry.id, place.subject());
        let taken = |id: &str| self.asks.iter().any(|ask| ask.id == id && ask.question != question.text);
        if question.topic != "question" || !taken(&first) {
            return first;
        }
        let numbers = 2..self.asks.len() + 2;
        numbers.map(|number| format!("{first}/{number}")).find(|id| !taken(id)).unwrap_or(first)
    }

    fn into_ruling(self, shares: Vec<crate::ruling::Share>) -> Result<Ruling, Error> {
        let provenance_digest = self.provenance.digest_under(&self.grants)?;
        let mut ruling = Ruling {
            verdict: Verdict::Review,
            reasons: self.reasons,
            duties: self.duties,
            asks: self.asks,
            declared: self.declared,
            shares,
            notes: self.notes,
            grants: self.grants,
            target: self.provenance.target().to_owned(),
            on: self.on,
            provenance_digest,
            terms_digests: self.terms_digests,
        };
        ruling.settle();
        Ok(ruling)
    }
}

/// How many days lie between two dates; negative when the second is earlier.
fn days_between(earlier: &Date, later: &Date) -> i64 {
    day_number(later) - day_number(earlier)
}

/// Days since the first of March of the year 0: months counted from March, so that a leap day is last.
fn day_number(date: &Date) -> i64 {
    let mut parts = date.as_str().split('-').map(|part| part.parse::<i64>().unwrap_or(0));
    let [year, month, day] = std::array::from_fn(|_| parts.next().unwrap_or(0));
    let from_march = (month + 9) % 12;
    let year = year - from_march / 10;
    365 * year + year / 4 - year / 100 + year / 400 + (from_march * 306 + 5) / 10 + day
}
