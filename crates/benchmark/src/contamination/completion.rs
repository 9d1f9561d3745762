//! Does the model go on with an item word for word? (Golchin and Surdeanu 2024, arXiv:2308.08493, against withheld items.)
//!
//! An item is cut in the middle; its ending is withheld and the beginning continued. What can be guessed of an ending from its
//! beginning can be guessed of a withheld item's, too: the share of endings reproduced is compared with theirs.

use stillmark_evidence::contamination::{Check, ContaminationFinding, Kind, Part};
use stillmark_stats::draws::Draws;
use stillmark_stats::{PValue, hypergeometric};

use super::asking::{Answers, Ask, Question, digest};
use super::verdict::{Computed, conclude, least_effect, lines};
use super::{exchange, min_k, rendering};
use crate::Error;
use crate::record::{Answer, Record, Subset};

/// The test's name.
pub const TEST: &str = "completion";

/// Ways to mix up the endings that are tried.
const DRAWS: u32 = 9_999;

/// How the items are asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// So many words must be reproduced; shorter endings are left out.
    pub words: usize,
    /// What stands before the beginning.
    pub guide: Guide,
    /// Behind the draws.
    pub seed: u64,
    /// The rate of false alarms.
    pub level: f64,
}

/// What stands before an item's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guide {
    /// Nothing.
    General,
    /// The names of the dataset's part.
    Named,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Plan {
    settings: Settings,
    items: Vec<Item>,
    control: Vec<Item>,
    left_out: usize,
    checks: Vec<Check>,
}

#[derive(Debug, Clone)]
struct Item {
    id: String,
    prompt: String,
    ending: String,
}

/// Cuts the items in the middle.
pub fn plan(subsets: &[Subset], control: &[Subset], settings: &Settings) -> Plan {
    let mut left_out = 0;
    let mut of = |subsets: &[Subset], word: &str| {
        let mut items = Vec::new();
        for subset in subsets {
            for (idx, record) in subset.records.iter().enumerate() {
                let id = format!("{word}/{}", rendering::id(subset, idx));
                match item(subset, record, id, settings) {
                    Some(item) => items.push(item),
                    None => left_out += 1,
                }
            }
        }
        items
    };
    let (items, control) = (of(subsets, "item"), of(control, "control"));
    let texts =
        |all: &[Item]| all.iter().map(|item| format!("{}{}", item.prompt, item.ending)).collect::<Vec<_>>();
    let checks = if control.is_empty() {
        Vec::new()
    } else {
        exchange::one_kind(&texts(&items), &texts(&control), settings.seed)
    };
    Plan { settings: *settings, items, control, left_out, checks }
}

impl Plan {
    /// What to ask.
    pub fn questions(&self) -> Vec<Question> {
        // A word takes some tokens; a tokenizer of bytes takes as many as the words have letters.
        let wanted = |item: &Item| {
            first_words(&item.ending, self.settings.words).iter().map(|word| word.len() + 1).sum::<usize>()
        };
        let all = self.items.iter().chain(&self.control);
        all.map(|item| {
            let max_tokens = wanted(item) as u32 + 2;
            Question {
                id: item.id.clone(),
                ask: Ask::Continuation { prompt: item.prompt.clone(), max_tokens },
            }
        })
        .collect()
    }
}

/// Judges the answers.
pub fn judge(plan: &Plan, answers: &Answers) -> Result<ContaminationFinding, Error> {
    let questions = digest(&plan.questions())?;
    answers.must_answer(TEST, questions)?;
    let words = plan.settings.words;
    let said = |items: &[Item]| -> Result<Vec<String>, Error> {
        items.iter().map(|item| answers.text(&item.id).map(str::to_owned)).collect()
    };
    let (said_items, said_control) = (said(&plan.items)?, said(&plan.control)?);
    let reproduced = |items: &[Item], said: &[String]| {
        items.iter().zip(said).filter(|(item, said)| goes_on(said, &item.ending, words)).count() as u64
    };
    let (hits, control_hits) =
        (reproduced(&plan.items, &said_items), reproduced(&plan.control, &said_control));
    let (n, m) = (plan.items.len() as u64, plan.control.len() as u64);
    let p = hypergeometric::Draw { population: n + m, marked: hits + control_hits, drawn: n }.at_least(hits);
    let has_control = m > 0 && n > 0;
    let computed = Computed {
        test: TEST,
        level: plan.settings.level,
        p: has_control.then_some(p),
        least_p: min_k::least_p(n as usize, m as usize),
        kind: Kind::Exact,
        why: if has_control {
            "Fisher's exact test of endings reproduced, against withheld items"
        } else {
            "no control: an ending may follow from its beginning, and how often is not known without items that are known to be unseen"
        },
        checks: plan.checks.clone(),
    };
    let mut finding = conclude(computed, ("share of endings reproduced word for word", share(hits, n)));
    finding.parts = parts(plan, &said_items, (hits, control_hits));
    let spread = (0.25 * (1.0 / n as f64 + 1.0 / m as f64)).sqrt();
    let effect = "share reproduced, over the control's, where half of all are";
    finding.power = least_effect(&finding, plan.settings.level, (spread, 1.0), effect);
    (finding.items, finding.units) = (n, n + m);
    finding.questions = Some(questions.to_string());
    finding.model = Some(answers.head.model.clone());
    finding.assumptions = lines(&[
        "items and control were split by lot, or by nothing that a model could feel",
        "the model has not seen the control",
    ]);
    finding.assumptions.push(format!("{} items too short to be cut are left out", plan.left_out));
    let marks = "calculator marks show that a model knows the form of GSM8K's training answers, not that it saw the test";
    finding.cannot_show.push(marks.to_owned());
    Ok(finding)
}

/// What is told beside the test, and proves nothing alone.
fn parts(plan: &Plan, said: &[String], (hits, control_hits): (u64, u64)) -> Vec<Part> {
    let (n, m) = (plan.items.len() as u64, plan.control.len() as u64);
    let endings: Vec<&str> = plan.items.iter().map(|item| item.ending.as_str()).collect();
    let mixed = mixed_up(said, &endings, plan.settings.words, plan.settings.seed);
    let marks = said.iter().filter(|text| has_calculator_mark(text)).count() as u64;
    let part = |name: &str, units: u64, value: Option<f64>, ln_p: Option<f64>| Part {
        name: name.to_owned(),
        units,
        value,
        ln_p,
        left_out: None,
    };
    let mixed = (n > 0).then(|| mixed.ln());
    vec![
        part("share of the control's endings reproduced", m, share(control_hits, m), None),
        part("endings belong to their beginnings (mixed-up endings)", n, share(hits, n), mixed),
        part("share of continuations with a calculator mark <<…=…>>", n, share(marks, n), None),
    ]
}

fn share(hits: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| hits as f64 / of as f64)
}

/// The chance that mixed-up endings are reproduced as often as each beginning's own.
fn mixed_up(said: &[String], endings: &[&str], words: usize, seed: u64) -> PValue {
    let fits: Vec<Vec<usize>> = said
        .iter()
        .map(|said| (0..endings.len()).filter(|idx| goes_on(said, endings[*idx], words)).collect())
        .collect();
    let count = |order: &[usize]| {
        fits.iter().zip(order).filter(|(fits, ending)| fits.binary_search(ending).is_ok()).count()
    };
    let mut draws = Draws::new(seed);
    let own: Vec<usize> = (0..endings.len()).collect();
    let observed = count(&own);
    let reached = (0..DRAWS).filter(|_| count(&draws.permutation(endings.len())) >= observed).count();
    PValue::new((reached as f64 + 1.0) / (f64::from(DRAWS) + 1.0))
}

/// Whether what was said begins with the ending's first words.
fn goes_on(said: &str, ending: &str, words: usize) -> bool {
    let expected = first_words(ending, words);
    !expected.is_empty() && first_words(said, expected.len()) == expected
}

fn first_words(text: &str, words: usize) -> Vec<&str> {
    text.split_whitespace().take(words).collect()
}

/// `<<48/2=24>>`, as GSM8K's training answers carry them.
pub fn has_calculator_mark(text: &str) -> bool {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("<<") {
        let Some((inside, _)) = after.split_once(">>") else { return false };
        let plain = |letter: char| letter.is_ascii_digit() || "+-*/.=()$% ".contains(letter);
        if inside.contains('=') && !inside.is_empty() && inside.chars().all(plain) {
            return true;
        }
        rest = after;
    }
    false
}

fn item(subset: &Subset, record: &Record, id: String, settings: &Settings) -> Option<Item> {
    let text = match &record.answer {
        Answer::Code { .. } => format!("{}{}", rendering::question(record), rendering::item(record)),
        _ => rendering::item(record),
    };
    let text = text.trim_end();
    let starts: Vec<usize> = text
        .char_indices()
        .zip(std::iter::once(' ').chain(text.chars()))
        .filter(|((_, letter), before)| !letter.is_whitespace() && before.is_whitespace())
        .map(|((at, _), _)| at)
        .collect();
    let middle = starts.len() / 2;
    if middle == 0 || starts.len() - middle < settings.words {
        return None;
    }
    // The white space before the ending is left to the model.
    let (beginning, ending) = text.split_at(starts[middle]);
    let guide = match settings.guide {
        Guide::General => String::new(),
        Guide::Named => format!("From the {} part of the benchmark {}:\n\n", subset.split, subset.name),
    };
    Some(Item { id, prompt: format!("{guide}{}", beginning.trim_end()), ending: ending.to_owned() })
}
