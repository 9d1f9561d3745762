//! Lists of right answers: in a system message, a description, or whatever stands in a prompt.

use std::collections::{BTreeMap, BTreeSet};

use super::super::Class;
use super::super::findings::{Contrast, Findings, short};
use super::super::frames::words;
use super::Key;

/// How improbable a run of right answers must be by chance, over every place where it may begin.
const LEVEL: f64 = 1e-9;
/// A shorter run is none.
const SHORTEST: usize = 8;
/// So many prompts are looked at whole: the 1st, 2nd, 4th, 8th and so on.
const MOST_PROMPTS: usize = 14;
/// So many words of a text, and so many comparisons a text.
const MOST_WORDS: usize = 100_000;
const MOST_COMPARED: usize = 200_000_000;
/// Letters or digits without space between them are a list from so many on.
const PACKED: usize = 8;

/// The right answers of a task's rows, in their order, and some of its prompts.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// By letter, by number from 0 and from 1, or as short texts.
    orders: [Vec<String>; 3],
    prompts: BTreeSet<String>,
    rows: usize,
}

/// A run of right answers that a text holds.
struct Run {
    length: usize,
    /// Of how many rows at least.
    needed: usize,
    /// The first of the rows.
    row: usize,
}

impl Keys {
    pub(super) fn row(&mut self, key: &Key, prompt: &str) {
        self.rows += 1;
        if self.rows.is_power_of_two() && self.prompts.len() < MOST_PROMPTS {
            self.prompts.insert(prompt.to_owned());
        }
        match key {
            Key::Choices { right, .. } => {
                let mut places = (0..right.len()).filter(|idx| right[*idx]);
                let only = places.next().filter(|_| places.next().is_none());
                // A row without one right choice fits nothing.
                let name = |idx: Option<usize>| idx.map_or_else(String::new, |idx| idx.to_string());
                let letter = only.and_then(|idx| char::from_u32(u32::from(b'A') + idx as u32));
                self.orders[0].push(letter.map_or_else(String::new, String::from));
                self.orders[1].push(name(only));
                self.orders[2].push(name(only.map(|idx| idx + 1)));
            }
            Key::Open { short, .. } => self.orders[0].push(plain(short)),
        }
    }

    /// Says which text lists right answers.
    pub(super) fn close(&self, declared: &[String], findings: &mut Findings<'_, '_>) {
        let texts = declared.iter().chain(&self.prompts);
        let runs = texts.filter_map(|text| Some((text, self.longest(text)?)));
        let Some((text, run)) = runs.max_by_key(|(_, run)| run.length) else { return };
        let detail = format!(
            "a text that the prompts hold, or that the log declares, lists the right answers of {} items in their order, from row {} on: \
             {} would be chance",
            run.length,
            run.row + 1,
            run.needed - 1
        );
        let contrast = Contrast { expected: None, found: Some(short(text)) };
        findings.task(Class::KeyLeaked, detail, contrast);
    }

    fn longest(&self, text: &str) -> Option<Run> {
        let orders = self.orders.iter().filter(|order| !order.is_empty());
        orders
            .flat_map(|order| streams(text, order).into_iter().filter_map(|stream| longest(&stream, order)))
            .max_by_key(|run| run.length)
    }
}

/// A short answer as one word, without what numbers are adorned with.
fn plain(text: &str) -> String {
    text.trim_end_matches('.').chars().filter(|c| !matches!(c, ',' | '$' | ' ')).collect()
}

/// The words of a text in which right answers may be listed: those that are answers at all, and all words or numbers, each or every other.
fn streams(text: &str, order: &[String]) -> Vec<Vec<String>> {
    let known: BTreeSet<&str> = order.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    let is_packed = |word: &&str| {
        word.len() >= PACKED
            && word.char_indices().all(|(at, c)| known.contains(&word[at..at + c.len_utf8()]))
    };
    let text: String =
        text.chars().filter(|c| *c != ',' && *c != '$' || known.iter().all(|word| word.len() == 1)).collect();
    let all: Vec<&str> = words(&text).take(MOST_WORDS).collect();
    let answers: Vec<String> = all
        .iter()
        .flat_map(|word| {
            if is_packed(word) { word.chars().map(String::from).collect() } else { vec![(*word).to_owned()] }
        })
        .filter(|word| known.contains(word.as_str()))
        .collect();
    let mut streams = vec![answers];
    // Numbers of items stand between numbers of choices.
    let numbers: Vec<&str> = all.iter().filter(|word| word.parse::<f64>().is_ok()).copied().collect();
    for phase in 0..2 {
        streams.push(numbers.iter().skip(phase).step_by(2).map(|word| (*word).to_owned()).collect());
    }
    streams
}

/// The longest run of the order within the stream, where it is none that chance brings.
fn longest(stream: &[String], order: &[String]) -> Option<Run> {
    let compared = stream.len() * order.len();
    if stream.len() < SHORTEST || compared > MOST_COMPARED {
        return None;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for word in order.iter().filter(|word| !word.is_empty()) {
        *counts.entry(word).or_default() += 1;
    }
    let most = *counts.values().max()? as f64 / order.len() as f64;
    let needed = ((compared as f64 / LEVEL).ln() / -most.ln()).ceil().max(SHORTEST as f64);
    if !needed.is_finite() {
        return None;
    }
    // As numbers, which compare fast; a word that is no answer, and a row without one, are like nothing.
    let numbers: BTreeMap<&str, u32> = counts.keys().zip(1..).map(|(word, number)| (*word, number)).collect();
    let numbered = |word: &String| numbers.get(word.as_str()).copied();
    let places: Vec<u32> = order.iter().map(|word| numbered(word).unwrap_or_default()).collect();
    // How long the run is that ends at each place of the order.
    let mut runs = vec![0_usize; order.len() + 1];
    let (mut length, mut ends_at) = (0, 0);
    for word in stream.iter().map(|word| numbered(word).unwrap_or(u32::MAX)) {
        for at in (0..places.len()).rev() {
            runs[at + 1] = if places[at] == word { runs[at] + 1 } else { 0 };
            if runs[at + 1] > length {
                (length, ends_at) = (runs[at + 1], at + 1);
            }
        }
    }
    let row = ends_at - length;
    let values: BTreeSet<&String> = order[row..ends_at].iter().collect();
    let is_list = length >= needed as usize && values.len() > 1;
    is_list.then_some(Run { length, needed: needed as usize, row })
}
