//! The right answers, told beside the items.
//!
//! Where prompts cannot be derived anew, because the log declares templates of its own or a chat template, what stands around the items
//! is held against itself: where it differs between rows, it must not say what is right more often than chance has it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use stillmark_stats::tail;

use super::Class;
use super::findings::{Contrast, Findings};
use super::frames::{self, Frame, differing, holds};
use crate::log::Sample;
use crate::record::{Answer, Record};

mod keys;

use keys::Keys;

/// Fewer rows tell nothing.
const FEWEST: usize = 3;
/// Of the rows that say something is right, so many must say it truly.
const TRUE_SHARE: f64 = 0.75;
/// How improbable it must be by chance. A log of 60 tasks makes some 1500 comparisons.
const LEVEL: f64 = 1e-6;
/// What is added to the chance of naming the right answer blindly, for what the estimate of it lacks.
const MARGIN: f64 = 0.05;
/// With the right answers of so many other rows each text is compared, to learn how often it would fit blindly.
const SHIFTS: usize = 8;
/// More rows are not kept.
const MOST_ROWS: usize = 50_000;

/// What a row's right answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    /// Some of several choices.
    Choices { choices: Vec<String>, right: Vec<bool> },
    /// A text: what it comes down to, and the whole.
    Open { short: String, whole: String },
}

#[derive(Debug)]
struct Row {
    line: u64,
    id: String,
    frame: Frame,
    key: Key,
    /// The only choice that was asked for after another prompt than the others.
    odd: Option<usize>,
}

/// What gathers over the rows of a task.
#[derive(Debug, Default)]
pub(super) struct Leaks {
    filter: Option<String>,
    rows: Vec<Row>,
    keys: Keys,
    unlocated: u64,
}

/// Rows that say what is right, in one way of reading them.
struct Told {
    what: &'static str,
    /// How many rows say something.
    said: usize,
    /// Those that say it truly.
    truly: Vec<usize>,
    /// How often they would blindly.
    chance: f64,
}

impl Told {
    fn ln_p(&self) -> f64 {
        tail::binomial(self.truly.len() as u64, self.said as u64, self.chance).ln()
    }

    fn is_a_leak(&self) -> bool {
        self.truly.len() >= FEWEST
            && self.truly.len() as f64 >= TRUE_SHARE * self.said as f64
            && self.ln_p() <= LEVEL.ln()
    }
}

impl Leaks {
    /// Takes one row's prompt apart; its item must be the benchmark's own.
    pub(super) fn row(&mut self, sample: &Sample<'_>, prompt: &str, record: &Record) {
        let is_first = self.filter.get_or_insert_with(|| sample.filter.to_string()) == sample.filter.as_ref();
        if !is_first || self.rows.len() >= MOST_ROWS {
            return;
        }
        let prompt = frames::spoken(prompt);
        let Some(frame) = frames::cut(&prompt, &record.question, record.choices()) else {
            self.unlocated += 1;
            return;
        };
        let key = key(record);
        self.keys.row(&key, &prompt);
        let odd = odd(sample, record.choices().len());
        self.rows.push(Row { line: sample.line, id: sample.id.to_string(), frame, key, odd });
    }

    /// Says where right answers are told; `declared` are the texts that the log itself says stand in its prompts.
    pub(super) fn close(mut self, declared: &[String], findings: &mut Findings<'_, '_>) {
        if self.unlocated > 0 {
            let why = format!(
                "{} rows show their question in other words: whether their prompts tell the answer is not looked for",
                self.unlocated
            );
            findings.unchecked(Class::KeyLeaked, why);
        }
        self.keys.close(declared, findings);
        if self.rows.len() < FEWEST {
            return;
        }
        straighten(&mut self.rows);
        let mut told = BTreeSet::new();
        for (place, texts) in slots(&self.rows) {
            let usual = usual(texts.iter().map(|(_, text)| *text));
            let differ: Vec<(usize, &str)> = texts
                .iter()
                .filter(|(_, text)| *text != usual)
                .map(|(row, text)| (*row, differing(usual, text)))
                .filter(|(_, text)| !text.trim().is_empty())
                .collect();
            self.tell(place, readings(&self.rows, &differ), &mut told, findings);
        }
        self.tell("around one choice", places(&self.rows), &mut told, findings);
        self.tell("before one choice alone", vec![odd_ones(&self.rows)], &mut told, findings);
        if told.is_empty() {
            self.strays(findings);
        }
    }

    /// Tells of the rows that the clearest reading finds, where it is no chance.
    fn tell(&self, place: &str, all: Vec<Told>, told: &mut BTreeSet<usize>, findings: &mut Findings<'_, '_>) {
        let clearest =
            all.into_iter().filter(Told::is_a_leak).min_by(|one, other| one.ln_p().total_cmp(&other.ln_p()));
        let Some(clearest) = clearest else { return };
        for row in &clearest.truly {
            if !told.insert(*row) {
                continue;
            }
            let Row { line, id, frame, .. } = &self.rows[*row];
            let detail = format!(
                "the prompt tells the answer: what stands {place} {} in {} of the {} rows that say any (p = 1e{:.0} by chance)",
                clearest.what,
                clearest.truly.len(),
                clearest.said,
                (clearest.ln_p() / std::f64::consts::LN_10).ceil()
            );
            let found = Some(super::findings::short(&format!("{}…{}", frame.near, frame.rest)));
            findings.at(Class::KeyLeaked, Some((*line, id)), detail, Contrast { expected: None, found });
        }
    }

    /// A few rows that are framed otherwise than all the others; no finding, as a declared template may have its reasons.
    fn strays(&self, findings: &mut Findings<'_, '_>) {
        const USUAL_SHARE: f64 = 0.9;
        let tails: Vec<&str> = self.rows.iter().map(|row| row.frame.tail.as_str()).collect();
        let usual = usual(tails.iter().copied());
        let strays: Vec<&Row> = self.rows.iter().filter(|row| row.frame.tail != usual).collect();
        let is_usual = (tails.len() - strays.len()) as f64 >= USUAL_SHARE * tails.len() as f64;
        if let Some(first) = strays.first().filter(|_| is_usual) {
            let detail = format!(
                "what follows the question is another text in {} rows than in the other {}: the first is item {}",
                strays.len(),
                tails.len() - strays.len(),
                first.id
            );
            findings.departs(detail, Contrast::of(usual, &first.frame.tail));
        }
    }
}

fn key(record: &Record) -> Key {
    match &record.answer {
        Answer::Choice { choices, .. } | Answer::Labels { choices, .. } => Key::Choices {
            choices: choices.clone(),
            right: (0..choices.len()).map(|idx| record.is_right(idx)).collect(),
        },
        Answer::Open { gold } | Answer::Code { gold, .. } => {
            let short = gold.rsplit("####").next().unwrap_or(gold);
            let short = short.trim().trim_matches(['(', ')']).to_owned();
            Key::Open { short, whole: gold.trim().to_owned() }
        }
    }
}

/// The only request that was put otherwise than the others.
fn odd(sample: &Sample<'_>, choices: usize) -> Option<usize> {
    let prompts: Vec<_> = sample.requests.iter().take(choices).map(|request| request.prompt.get()).collect();
    let differs = |idx: &usize| {
        let mut others = prompts.iter().enumerate().filter(|(other, _)| other != idx);
        let first = others.next().map(|(_, text)| text);
        first.is_some_and(|first| prompts[*idx] != *first && others.all(|(_, text)| text == first))
    };
    (prompts.len() > 2).then(|| (0..prompts.len()).find(differs)).flatten()
}

/// The text that most rows have; the empty one where no two have the same.
fn usual<'t>(texts: impl Iterator<Item = &'t str>) -> &'t str {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    counts
        .into_iter()
        .filter(|(_, count)| *count > 1)
        .max_by_key(|(_, count)| *count)
        .map_or("", |(text, _)| text)
}

/// Choices that hold each other's words are not always found where they stand: where the row is framed as the others are, it is no
/// exception.
fn straighten(rows: &mut [Row]) {
    let listed: Vec<&Frame> =
        rows.iter().map(|row| &row.frame).filter(|frame| !frame.gaps.is_empty()).collect();
    let Some(count) = listed.iter().map(|frame| frame.gaps.len()).max() else { return };
    let usual: Vec<String> = (0..count)
        .map(|at| usual(listed.iter().filter_map(|frame| frame.gaps.get(at)).map(String::as_str)).to_owned())
        .collect();
    let last = self::usual(listed.iter().map(|frame| frame.tail.as_str())).to_owned();
    for Row { frame, key, .. } in rows {
        let Key::Choices { choices, .. } = key else { continue };
        let Some(usual) = usual.get(..choices.len()) else { continue };
        let mut expected: String =
            usual.iter().zip(choices.iter()).flat_map(|(gap, choice)| [gap.as_str(), choice]).collect();
        expected.push_str(&last);
        if frame.rest == expected {
            frame.gaps = usual.to_vec();
            frame.tail.clone_from(&last);
        }
    }
}

/// The places where something may be told, with the rows that have them.
fn slots(rows: &[Row]) -> Vec<(&'static str, Vec<(usize, &str)>)> {
    let of = |text: fn(&Frame) -> Option<&str>| {
        rows.iter().enumerate().filter_map(|(idx, row)| Some((idx, text(&row.frame)?))).collect::<Vec<_>>()
    };
    vec![
        ("after the question", of(|frame| Some(&frame.tail))),
        ("just before the question", of(|frame| Some(&frame.near))),
        ("before the question", of(|frame| Some(&frame.head))),
        ("after the same question, shown before,", of(|frame| frame.before.as_deref())),
    ]
}

/// What the texts of some rows say is right.
fn readings(rows: &[Row], differ: &[(usize, &str)]) -> Vec<Told> {
    let mut all = vec![open(rows, differ)];
    let choices = |read: fn(&str, &[String]) -> Option<usize>| -> Vec<(usize, usize)> {
        let said = differ.iter().filter_map(|(row, text)| match &rows[*row].key {
            Key::Choices { choices, .. } => Some((*row, read(text, choices)?)),
            Key::Open { .. } => None,
        });
        said.collect()
    };
    all.push(by_place(rows, "names the right choice's letter", &choices(letter)));
    all.push(by_place(
        rows,
        "names the right choice's number, from 0,",
        &choices(|text, all| number(text, all, 0)),
    ));
    all.push(by_place(
        rows,
        "names the right choice's number, from 1,",
        &choices(|text, all| number(text, all, 1)),
    ));
    let by_words = by_place(rows, "names the right choice's words", &choices(words));
    // What a choice says does not depend on its place: where the first is always right, naming it is no chance.
    let blind = share_right(rows);
    all.push(Told { chance: blind + MARGIN, ..by_words });
    all
}

fn open(rows: &[Row], differ: &[(usize, &str)]) -> Told {
    let tells = |text: &str, key: &Key| match key {
        Key::Open { short, whole } => holds(text, short) || whole.len() > 20 && text.contains(whole.as_str()),
        Key::Choices { .. } => false,
    };
    let open: Vec<&(usize, &str)> =
        differ.iter().filter(|(row, _)| matches!(rows[*row].key, Key::Open { .. })).collect();
    let truly = open.iter().filter(|(row, text)| tells(text, &rows[*row].key)).map(|(row, _)| *row).collect();
    let shifts = shifts(rows);
    let blindly = |(row, text): &&(usize, &str)| {
        shifts.clone().filter(|shift| tells(text, &rows[(row + shift) % rows.len()].key)).count()
    };
    let blind =
        open.iter().map(blindly).sum::<usize>() as f64 / (open.len() * shifts.clone().count()).max(1) as f64;
    Told { what: "names the right answer", said: open.len(), truly, chance: blind + MARGIN }
}

/// Rows that name a choice by its place.
fn by_place(rows: &[Row], what: &'static str, said: &[(usize, usize)]) -> Told {
    let is_right = |row: usize, idx: usize| match &rows[row % rows.len()].key {
        Key::Choices { right, .. } => right.get(idx).copied().unwrap_or_default(),
        Key::Open { .. } => false,
    };
    let truly = said.iter().filter(|(row, idx)| is_right(*row, *idx)).map(|(row, _)| *row).collect();
    let shifts = shifts(rows);
    let blindly =
        |(row, idx): &(usize, usize)| shifts.clone().filter(|shift| is_right(row + shift, *idx)).count();
    let blind =
        said.iter().map(blindly).sum::<usize>() as f64 / (said.len() * shifts.clone().count()).max(1) as f64;
    Told { what, said: said.len(), truly, chance: blind.max(share_right(rows)) + MARGIN }
}

/// To which other rows each is compared; never to itself.
fn shifts(rows: &[Row]) -> RangeInclusive<usize> {
    1..=SHIFTS.min(rows.len().saturating_sub(1))
}

/// How many of all choices are right.
fn share_right(rows: &[Row]) -> f64 {
    let (mut right_ones, mut all) = (0, 0);
    for row in rows {
        if let Key::Choices { right, .. } = &row.key {
            right_ones += right.iter().filter(|right| **right).count();
            all += right.len();
        }
    }
    right_ones as f64 / all.max(1) as f64
}

/// The only one of some.
fn only(found: impl Iterator<Item = usize>) -> Option<usize> {
    let found: BTreeSet<usize> = found.collect();
    found.first().copied().filter(|_| found.len() == 1)
}

/// The only letter of a choice that stands in a text; a text that is hardly more may have it small.
fn letter(text: &str, choices: &[String]) -> Option<usize> {
    const HARDLY_MORE: usize = 4;
    let is_bare = text.trim().len() <= HARDLY_MORE;
    only(frames::words(text).filter_map(|word| {
        let mut letters = word.chars();
        let letter = letters.next().filter(|_| letters.next().is_none())?;
        let letter = if is_bare { letter.to_ascii_uppercase() } else { letter };
        let idx = (letter as usize).checked_sub('A' as usize)?;
        (idx < choices.len()).then_some(idx)
    }))
}

fn number(text: &str, choices: &[String], first: usize) -> Option<usize> {
    only(frames::words(text).filter_map(|word| {
        let idx = word.parse::<usize>().ok()?.checked_sub(first)?;
        (idx < choices.len()).then_some(idx)
    }))
}

/// The only choice whose words stand in a text, as far as they are not within those of another.
fn words(text: &str, choices: &[String]) -> Option<usize> {
    let found: Vec<usize> = (0..choices.len()).filter(|idx| holds(text, &choices[*idx])).collect();
    let is_within = |idx: &usize| {
        found.iter().any(|other| {
            choices[*other].len() > choices[*idx].len() && choices[*other].contains(choices[*idx].trim())
        })
    };
    only(found.iter().copied().filter(|idx| !is_within(idx)))
}

/// Rows that mark one of the listed choices.
fn places(rows: &[Row]) -> Vec<Told> {
    let listed = || rows.iter().enumerate().filter(|(_, row)| !row.frame.gaps.is_empty());
    let Some(count) = listed().map(|(_, row)| row.frame.gaps.len()).max() else { return Vec::new() };
    let piece = |frame: &'_ Frame, at: usize| -> Option<String> {
        if at == frame.gaps.len() { Some(frame.tail.clone()) } else { frame.gaps.get(at).cloned() }
    };
    let same: Vec<(usize, &Frame)> =
        listed().map(|(idx, row)| (idx, &row.frame)).filter(|(_, frame)| frame.gaps.len() == count).collect();
    let mut odd: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..=count {
        let pieces: Vec<(usize, String)> =
            same.iter().filter_map(|(idx, frame)| Some((*idx, piece(frame, at)?))).collect();
        let usual = usual(pieces.iter().map(|(_, piece)| piece.as_str()));
        for (idx, _) in pieces.iter().filter(|(_, piece)| piece != usual) {
            odd.entry(*idx).or_default().push(at);
        }
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (row, at) in odd {
        match at.as_slice() {
            [one] => {
                before.extend((*one < count).then_some((row, *one)));
                after.extend(one.checked_sub(1).map(|idx| (row, idx)));
            }
            [one, other] if one + 1 == *other => {
                before.push((row, *one));
                after.push((row, *one));
            }
            _ => {}
        }
    }
    vec![
        by_place(rows, "is another before the right choice", &before),
        by_place(rows, "is another behind the right choice", &after),
    ]
}

fn odd_ones(rows: &[Row]) -> Told {
    let said: Vec<(usize, usize)> =
        rows.iter().enumerate().filter_map(|(idx, row)| Some((idx, row.odd?))).collect();
    by_place(rows, "is another prompt for the right choice", &said)
}
