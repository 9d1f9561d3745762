//! The worked examples of a prompt, held against where the task draws them from: a copy, or a pin where no copy is at hand.

use super::Class;
use super::findings::Findings;
use crate::Error;
use crate::log::Sample;
use crate::record::{Answer, Record};
use crate::registry::{self, Pinned, Standing};
use crate::task::{ShotSource, Shots, Task, Template};

/// Draws a task's examples, row by row.
#[derive(Debug)]
pub(super) struct Examples<'c> {
    shots: Shots<'c>,
    source: Source<'c>,
    /// The item that comes next, under the filter of the first row.
    next: u64,
    filter: Option<String>,
    /// The last draw, what was shown then, and how it stood: many tasks show the same to all.
    last: Option<(Vec<usize>, String, Drawn)>,
}

/// Where examples are drawn from.
#[derive(Debug)]
enum Source<'c> {
    /// Records at hand.
    Copy(&'c [Record]),
    /// A subset of a pinned benchmark: only its hashes.
    Pin(&'static Pinned, usize),
}

/// How shown examples stand to the drawn ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Drawn {
    /// They are those.
    Shown,
    /// They are others; with the text that should stand there, where it is known.
    Others(Option<String>),
    /// It cannot be told.
    Open,
}

impl<'c> Examples<'c> {
    /// Examples from a copy, else from a pin; none where neither is at hand.
    pub(super) fn new(
        task: &Task,
        pool: Option<&'c [Record]>,
        count: usize,
        seed: u64,
    ) -> Option<Result<Self, Error>> {
        let (shots, source) = match (pool, pin(task)) {
            (Some(pool), _) => (Shots::new(task, pool, count, seed), Source::Copy(pool)),
            (None, Some((pinned, subset))) => {
                let size = pinned.subsets()[subset].marks.len();
                (Shots::unseen(task, size, count, seed), Source::Pin(pinned, subset))
            }
            (None, None) => return None,
        };
        Some(shots.map(|shots| Self { shots, source, next: 0, filter: None, last: None }))
    }

    /// Holds what stands between description and question against the draw of this row. Rows must come in the order of their items, as
    /// all draw from one generator: `None` from the first that does not on.
    pub(super) fn check(
        &mut self,
        task: &Task,
        sample: &Sample<'_>,
        record: &Record,
        shown: &str,
    ) -> Option<Drawn> {
        if self.filter.get_or_insert_with(|| sample.filter.to_string()) != sample.filter.as_ref() {
            // Under another filter the same prompts stand again.
            return Some(Drawn::Open);
        }
        if sample.id.parse() != Ok(self.next) {
            return None;
        }
        self.next += 1;
        let places = self.shots.next_for(record);
        if let Some((known, before, drawn)) = &self.last
            && *known == places
            && before == shown
        {
            return Some(drawn.clone());
        }
        let drawn = self.compare(task, &places, shown);
        self.last = Some((places, shown.to_owned(), drawn.clone()));
        Some(drawn)
    }

    fn compare(&self, task: &Task, places: &[usize], shown: &str) -> Drawn {
        match self.source {
            Source::Copy(pool) => match written(task, pool, places) {
                Some(expected) if expected == shown => Drawn::Shown,
                Some(expected) => Drawn::Others(Some(expected)),
                None => Drawn::Open,
            },
            Source::Pin(pinned, subset) => match read(task.template, shown) {
                Some(examples) if examples.len() == places.len() => {
                    let mut pairs = examples.iter().zip(places);
                    let is_drawn = pairs.all(|(example, place)| stands_at(pinned, subset, *place, example));
                    if is_drawn { Drawn::Shown } else { Drawn::Others(None) }
                }
                // Another number of examples, or none that is laid out like one, is told by other means.
                Some(_) | None => Drawn::Open,
            },
        }
    }
}

/// Says that examples are not held against the draw, and why.
pub(super) fn unordered(findings: &mut Findings<'_, '_>) {
    let why = "which worked examples were shown is derived for rows in the order of their items only: these are in another, as several processes leave them";
    findings.unchecked(Class::ShotsChanged, why);
}

/// The pinned subset that a task draws its examples from.
fn pin(task: &Task) -> Option<(&'static Pinned, usize)> {
    let name = match (task.benchmark, &task.shot_source) {
        ("mmlu", ShotSource::Split("dev")) => "mmlu-dev",
        ("gsm8k", ShotSource::Split("train")) => "gsm8k-train",
        _ => return None,
    };
    let pinned = registry::find(name)?;
    Some((pinned, pinned.subset(&task.subset)?))
}

/// The examples as the task writes them.
fn written(task: &Task, pool: &[Record], places: &[usize]) -> Option<String> {
    let examples: Vec<&Record> = places.iter().filter_map(|place| pool.get(*place)).collect();
    task.examples(&examples).ok()
}

/// Whether an example is the pinned record of that place; white space at its ends went when it was written.
fn stands_at(pinned: &Pinned, subset: usize, place: usize, example: &Record) -> bool {
    let found = pinned.classify_in(subset, example);
    matches!(found.standing, Standing::Genuine | Standing::Reencoded)
        && found.places.iter().any(|found| found.index == place)
}

/// Reads examples back from their text.
fn read(template: Template, shown: &str) -> Option<Vec<Record>> {
    let shown = shown.strip_suffix("\n\n")?;
    match template {
        Template::Lettered => lettered(shown),
        Template::Around { before, after, .. } if !before.is_empty() => {
            let (between, answered) = (format!("\n\n{before}"), format!("{after} "));
            let examples = shown.strip_prefix(before)?.split(between.as_str());
            let example = |text: &str| {
                let (question, gold) = text.split_once(answered.as_str())?;
                let answer = Answer::Open { gold: gold.to_owned() };
                Some(Record { context: None, question: question.to_owned(), answer })
            };
            examples.map(example).collect()
        }
        Template::Around { .. } => None,
    }
}

/// Examples with four lettered choices; `None` where a line of theirs looks like a choice's and the parts are not clear.
fn lettered(mut rest: &str) -> Option<Vec<Record>> {
    let mut examples = Vec::new();
    while !rest.is_empty() {
        let mut parts = Vec::new();
        for mark in ["\nA. ", "\nB. ", "\nC. ", "\nD. ", "\nAnswer: "] {
            let (part, after) = rest.split_once(mark)?;
            parts.push(part.to_owned());
            rest = after;
        }
        let (letter, after) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let gold = ["A", "B", "C", "D"].iter().position(|known| *known == letter)?;
        rest = after;
        let choices = parts.split_off(1);
        let question = parts.pop()?;
        examples.push(Record {
            context: None,
            question,
            answer: Answer::Choice { choices, gold: vec![gold] },
        });
    }
    Some(examples)
}
