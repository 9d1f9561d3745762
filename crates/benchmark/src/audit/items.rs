//! The items of a log, against those of the benchmark.

use std::borrow::Cow;

use super::Class;
use super::against::{Asked, Meant};
use super::findings::{Contrast, Findings};
use crate::copies::{Json, record_of_doc};
use crate::json::{Kind, Text, Value};
use crate::log::{About, Harness, Sample};
use crate::meaning;
use crate::record::{Answer, Record};
use crate::registry::{Found, Place, Standing};

/// What became of the items, as rows come.
#[derive(Debug)]
pub(super) struct Items<'c> {
    asked: Option<Asked<'c>>,
    /// The filter of the first row: items under others are the same items.
    filter: Option<String>,
    found: Vec<Found>,
    /// Where each row stands, and how the log numbers its item.
    places: Vec<(u64, String)>,
    odd: Vec<Odd>,
    unread: u64,
    reencoded: u64,
    rows: u64,
    /// Rows that hold no item at all.
    bare: u64,
}

/// A row whose item is not the benchmark's.
#[derive(Debug)]
struct Odd {
    class: Class,
    line: u64,
    id: String,
    detail: String,
    contrast: Contrast,
}

/// What is known of one row's item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// It is the benchmark's, or there is nothing to hold it against.
    Sound,
    /// It was changed.
    Changed,
}

impl<'c> Items<'c> {
    pub(super) fn new(asked: Option<Asked<'c>>) -> Self {
        Self {
            asked,
            filter: None,
            found: Vec::new(),
            places: Vec::new(),
            odd: Vec::new(),
            unread: 0,
            reencoded: 0,
            rows: 0,
            bare: 0,
        }
    }

    /// Holds one item against the benchmark; where its gold was changed and the right one is known, the sample gets it.
    pub(super) fn row(&mut self, sample: &mut Sample<'_>, record: Option<&Record>) -> Item {
        self.rows += 1;
        self.bare += u64::from(sample.doc.is_none() && sample.item.is_none());
        let Some(asked) = self.asked else { return Item::Sound };
        let Some(record) = record else {
            self.unread += 1;
            return Item::Sound;
        };
        let found = asked.pinned.classify_in(asked.subset, record);
        let item = self.judge(&asked, sample, record, &found);
        if self.filter.get_or_insert_with(|| sample.filter.to_string()) == sample.filter.as_ref() {
            self.found.push(found);
            self.places.push((sample.line, sample.id.to_string()));
        }
        item
    }

    fn judge(&mut self, asked: &Asked<'_>, sample: &mut Sample<'_>, record: &Record, found: &Found) -> Item {
        let (class, detail, contrast) = match found.standing {
            Standing::Genuine => return Item::Sound,
            Standing::Reencoded if says_the_same(asked, record, found) => {
                self.reencoded += 1;
                return Item::Sound;
            }
            Standing::Reencoded => (
                Class::SampleEdited,
                "a superscript, a fraction or the like stands for another character of the benchmark's item"
                    .to_owned(),
                Self::nearest(asked, sample, record),
            ),
            Standing::ChoicesPermuted => (
                Class::SampleEdited,
                "the choices stand in another order than the benchmark's".to_owned(),
                Contrast::default(),
            ),
            Standing::GoldChanged => {
                let right = found.places.first().and_then(|place| right(asked, *place, record));
                let contrast = match &right {
                    Some(right) => Contrast::of(&gold(right), &gold(record)),
                    None => Contrast { expected: None, found: Some(gold(record)) },
                };
                if let Some(Answer::Choice { gold, .. }) = right.map(|record| record.answer) {
                    sample.target = gold.first().map(|gold| Text::from(gold.to_string()));
                }
                (
                    Class::GoldFlipped,
                    "another answer is called right than the benchmark's".to_owned(),
                    contrast,
                )
            }
            Standing::Unknown => (
                Class::SampleEdited,
                "the item is not the benchmark's".to_owned(),
                Self::nearest(asked, sample, record),
            ),
        };
        self.odd.push(Odd { class, line: sample.line, id: sample.id.to_string(), detail, contrast });
        Item::Changed
    }

    /// The item that should stand there, where the copy holds it.
    fn nearest(asked: &Asked<'_>, sample: &Sample<'_>, record: &Record) -> Contrast {
        let number = sample.id.parse::<usize>().ok();
        let meant = asked.records.zip(number).and_then(|(records, number)| records.get(number));
        let shown = |record: &Record| format!("{} {}", record.question, record.choices().join(" | "));
        match meant {
            Some(meant) => Contrast::of(&shown(meant), &shown(record)),
            None => Contrast { expected: None, found: Some(super::findings::short(&shown(record))) },
        }
    }

    /// Whether no row holds its item: then nothing shows that targets are the items' own.
    pub(super) fn are_bare(&self) -> bool {
        self.rows > 0 && self.bare == self.rows
    }

    /// Tells what was found; `true` where the items were held against a benchmark and are its own.
    pub(super) fn close(self, about: &About<'_>, findings: &mut Findings<'_, '_>) -> bool {
        if 0 < self.bare && self.bare < self.rows {
            let detail = format!("{} of {} rows hold no item, the others do", self.bare, self.rows);
            findings.task(Class::SampleEdited, detail, Contrast::default());
        }
        let Some(asked) = self.asked else {
            findings.unchecked(
                Class::SampleEdited,
                "no benchmark is pinned under this task's name: give a copy with `--against`",
            );
            return false;
        };
        let name = asked.pinned.name();
        if self.unread > 0 {
            let why = format!("{} of {} rows hold no item in a layout that is known", self.unread, self.rows);
            findings.unchecked(Class::SampleEdited, why);
        }
        let strangers = self.found.iter().filter(|found| found.standing == Standing::Unknown).count();
        if asked.meant == Meant::Perhaps && self.found.len() < 2 * strangers {
            let why = format!(
                "{strangers} of {} items are not those of {name}: another version, another benchmark of this name, or most of them were changed: `--against COPY` tells",
                self.found.len()
            );
            findings.departs(why, Contrast::default());
            return false;
        }
        if self.reencoded > 0 {
            let why = format!(
                "{} rows differ from {name} by their encoding only, which is not told as an edit",
                self.reencoded
            );
            findings.unchecked(Class::SampleEdited, why);
        }
        for odd in &self.odd {
            findings.at(odd.class, Some((odd.line, &odd.id)), odd.detail.clone(), odd.contrast.clone());
        }
        if self.unread == 0 && !self.found.is_empty() {
            self.covered(&asked, about, findings);
        }
        true
    }

    /// Which items of the benchmark no row is, and which several rows are.
    fn covered(&self, asked: &Asked<'_>, about: &About<'_>, findings: &mut Findings<'_, '_>) {
        let coverage = asked.pinned.coverage(Some(asked.subset), &self.found);
        if findings.count(Class::SampleDuplicated) == 0 {
            for row in &coverage.repeated {
                let (line, id) = &self.places[*row];
                let detail = "the item stands in the log more often than in the benchmark".to_owned();
                findings.at(Class::SampleDuplicated, Some((*line, id)), detail, Contrast::default());
            }
        }
        let edited: Vec<usize> =
            coverage.unknown.iter().filter_map(|row| self.places[*row].1.parse().ok()).collect();
        let total = asked.pinned.subsets()[asked.subset].marks.len();
        let most = match about.setup.limit {
            Some(limit) if limit < 1.0 => (total as f64 * limit).ceil() as usize,
            Some(limit) => (limit as usize).min(total),
            None => total,
        };
        let missing: Vec<&Place> = coverage
            .missing
            .iter()
            .filter(|place| place.index < most && !edited.contains(&place.index))
            .collect();
        // An item that stands twice took the place of another.
        let told = findings.count(Class::SampleDropped) + findings.count(Class::SamplePicked) > 0
            || missing.len() <= coverage.repeated.len();
        let stated = about.counts.map(|counts| counts.original);
        if let Some(stated) = stated.filter(|stated| *stated != total as u64 && missing.is_empty()) {
            let detail = format!("the log says that the benchmark has {stated} items: it has {total}");
            findings.task(Class::SamplePicked, detail, Contrast::of(&total, &stated));
        }
        let Some(first) = missing.first().filter(|_| !told) else { return };
        // The first items are what a limit leaves. Whoever claims no score of the whole hides nothing by that.
        let is_head = first.index + missing.len() == most;
        let is_own = about.harness != Harness::LmEval && stated == Some(first.index as u64);
        // lm-evaluation-harness before 0.4.3, which states no counts, makes a number of a fraction at its first task and keeps it for all others.
        let is_fraction = about.setup.limit.is_some_and(|limit| limit < 1.0);
        if is_head && (stated.is_none() && (about.results_file.is_none() || is_fraction) || is_own) {
            let detail = format!("only the first {} of the {most} items to ask were asked", first.index);
            findings.departs(detail, Contrast::of(&most, &first.index));
            return;
        }
        let is_picked = about.setup.limit.is_some() || stated.is_some_and(|stated| stated != total as u64);
        let class = if is_picked { Class::SamplePicked } else { Class::SampleDropped };
        let detail = format!(
            "{} of the benchmark's {most} items are not in the log, the first of them {}",
            missing.len(),
            first.index
        );
        findings.task(class, detail, Contrast::of(&most, &self.found.len()));
    }
}

/// Whether a record that differs from the benchmark's by its encoding says the same. Of a pin only the hashes are known: there, folding what
/// may not be folded must not lead to the benchmark's own record.
fn says_the_same(asked: &Asked<'_>, record: &Record, found: &Found) -> bool {
    if let Some(records) = asked.records {
        let mut meant = found.places.iter().filter_map(|place| records.get(place.index));
        return meant.any(|meant| meaning::is_same(meant, record));
    }
    let is_own = |record: &Record| found.places.iter().any(|place| asked.pinned.is_at(*place, record));
    !meaning::folded(record).is_some_and(|folded| folded.iter().any(is_own))
}

/// The record of a sample's item.
pub(crate) fn record(task: &str, sample: &Sample<'_>) -> Option<Record> {
    match (&sample.item, &sample.doc) {
        (Some(item), _) => Some(item.clone()),
        (None, Some(doc)) => record_of_doc(task, &json(doc)).ok(),
        (None, None) => None,
    }
}

/// The benchmark's own version of a record whose gold was changed.
fn right(asked: &Asked<'_>, place: Place, record: &Record) -> Option<Record> {
    if let Some(record) = asked.records.and_then(|records| records.get(place.index)) {
        return Some(record.clone());
    }
    let Answer::Choice { choices, .. } = &record.answer else { return None };
    let with = |gold| Record {
        answer: Answer::Choice { choices: choices.clone(), gold: vec![gold] },
        ..record.clone()
    };
    (0..choices.len()).map(with).find(|record| asked.pinned.is_at(place, record))
}

fn gold(record: &Record) -> String {
    match &record.answer {
        Answer::Choice { choices, gold } => {
            let each =
                gold.iter().map(|idx| format!("{idx}: {}", choices.get(*idx).map_or("", String::as_str)));
            each.collect::<Vec<_>>().join(", ")
        }
        Answer::Labels { labels, .. } => labels.iter().map(|label| if *label { '1' } else { '0' }).collect(),
        Answer::Open { gold } | Answer::Code { gold, .. } => super::findings::short(gold),
    }
}

fn json<'a>(value: &Value<'a>) -> Json<'a> {
    match &value.kind {
        Kind::Null => Json::Null,
        Kind::Bool(truth) => Json::Bool(*truth),
        Kind::Number => match value.raw.parse() {
            Ok(whole) => Json::Whole(whole),
            Err(_) => Json::Real(value.number().unwrap_or(f64::NAN)),
        },
        Kind::Text(text) => Json::Text(text.get()),
        Kind::List(items) => Json::List(items.iter().map(json).collect()),
        Kind::Object(members) => Json::Object(
            members.iter().map(|(key, value)| (key.get(), json(value))).collect::<Vec<(Cow<'a, str>, _)>>(),
        ),
    }
}
