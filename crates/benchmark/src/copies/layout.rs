//! Which field of a row is what: the layouts that benchmarks are passed on in.

use std::borrow::Cow;

/// Where a row keeps what its record needs; numbers are places among the row's fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    /// `HumanEval`.
    Code { prompt: usize, entry_point: usize, solution: usize, test: usize },
    /// TruthfulQA's multiple choice: targets with labels.
    Targets { question: usize, mc1: Option<usize>, mc2: Option<usize> },
    /// TruthfulQA's answers in words.
    Answers { question: usize, correct: usize, incorrect: usize },
    /// HellaSwag as its authors keep it.
    HellaSwag(HellaSwag),
    /// ARC with a stem: the question holds the choices.
    Stem { question: usize, gold: usize },
    /// A question with choices.
    Choice { question: usize, choices: Choices, gold: usize, context: Option<usize> },
    /// A question that is answered freely.
    Open { question: usize, gold: usize, context: Option<usize> },
}

/// The fields of a HellaSwag row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HellaSwag {
    pub(super) activity: usize,
    pub(super) whole: Option<usize>,
    pub(super) halves: Option<(usize, Option<usize>)>,
    pub(super) endings: usize,
    pub(super) label: usize,
    /// What a harness made of them: the query, the choices and the gold that it uses.
    pub(super) shown: Option<(usize, usize, Option<usize>)>,
}

/// Where the choices are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choices {
    /// In one field, as a list or as lists of texts and labels.
    Field(usize),
    /// Each in a field of its own.
    Fields(Vec<usize>),
}

const QUESTION: [&str; 10] =
    ["question", "query", "input", "problem", "prompt", "stem", "questiontext", "ctx", "sentence", "text"];
const GOLD: [&str; 16] = [
    "answer",
    "gold",
    "label",
    "target",
    "answerkey",
    "answerindex",
    "answeridx",
    "correct",
    "correctanswer",
    "correctindex",
    "correctoption",
    "goldanswer",
    "goldindex",
    "targets",
    "solution",
    "output",
];
const CHOICES: [&str; 6] =
    ["choices", "options", "endings", "answerchoices", "multiplechoicetargets", "answers"];
const CONTEXT: [&str; 3] = ["context", "passage", "article"];
const SUBJECT: [&str; 5] = ["subject", "subset", "subtask", "config", "subjectname"];
const CHOICE_STEMS: [&str; 7] = ["", "choice", "option", "answer", "ending", "choices", "op"];

/// The layout of rows with these fields, if it is one that is known.
pub(super) fn of(keys: &[&str]) -> Option<Layout> {
    let plain: Vec<Cow<'_, str>> = keys.iter().map(|key| plain(key)).collect();
    let at = |name: &str| plain.iter().position(|key| key == name);
    let any = |names: &[&str]| names.iter().find_map(|name| at(name));
    if let (Some(prompt), Some(entry_point), Some(test)) = (at("prompt"), at("entrypoint"), at("test")) {
        return Some(Layout::Code { prompt, entry_point, solution: at("canonicalsolution")?, test });
    }
    let question = any(&QUESTION)?;
    let context = any(&CONTEXT).filter(|idx| *idx != question);
    let (mc1, mc2) = (at("mc1targets"), at("mc2targets"));
    if mc1.is_some() || mc2.is_some() {
        return Some(Layout::Targets { question, mc1, mc2 });
    }
    if let (Some(correct), Some(incorrect)) = (at("correctanswers"), at("incorrectanswers")) {
        return Some(Layout::Answers { question, correct, incorrect });
    }
    if let Some(choices) = choices(&plain, any(&CHOICES)) {
        return Some(Layout::Choice { question, choices, gold: gold(&plain)?, context });
    }
    let gold = gold(&plain).filter(|idx| *idx != question)?;
    if plain[question] == "question" && plain[gold] == "answerkey" {
        return Some(Layout::Stem { question, gold });
    }
    Some(Layout::Open { question, gold, context })
}

/// The layout of HellaSwag's own rows; their context has more than one name.
pub(super) fn hellaswag(keys: &[&str]) -> Option<Layout> {
    let at = |name: &str| keys.iter().position(|key| *key == name);
    let halves = at("ctx_a").map(|first| (first, at("ctx_b")));
    let whole = at("ctx");
    if whole.is_none() && halves.is_none() {
        return None;
    }
    Some(Layout::HellaSwag(HellaSwag {
        activity: at("activity_label")?,
        whole,
        halves,
        endings: at("endings")?,
        label: at("label")?,
        shown: at("query").zip(at("choices")).map(|(query, choices)| (query, choices, at("gold"))),
    }))
}

/// Which field names the part of the benchmark that a row belongs to.
pub(super) fn subject(keys: &[&str]) -> Option<usize> {
    let plain: Vec<Cow<'_, str>> = keys.iter().map(|key| plain(key)).collect();
    SUBJECT.iter().find_map(|name| plain.iter().position(|key| key == name))
}

/// Whether a word may name a column: what a header holds, and a row of data does not.
pub(super) fn is_column_name(word: &str) -> bool {
    let word = plain(word);
    QUESTION.contains(&word.as_ref()) || GOLD.contains(&word.as_ref()) || CHOICES.contains(&word.as_ref())
}

fn gold(plain: &[Cow<'_, str>]) -> Option<usize> {
    GOLD.iter().find_map(|name| plain.iter().position(|key| key == name))
}

fn choices(plain: &[Cow<'_, str>], field: Option<usize>) -> Option<Choices> {
    if let Some(field) = field {
        return Some(Choices::Field(field));
    }
    CHOICE_STEMS.iter().find_map(|stem| numbered(plain, stem)).map(Choices::Fields)
}

/// The fields STEM-A, STEM-B, … or STEM-0, STEM-1, … or from 1, at least two of them.
fn numbered(plain: &[Cow<'_, str>], stem: &str) -> Option<Vec<usize>> {
    let place = |suffix: String| plain.iter().position(|key| key.strip_prefix(stem) == Some(&suffix));
    let letters = || (b'a'..=b'z').map_while(|letter| place(char::from(letter).to_string())).collect();
    let from = |first: usize| (first..first + 64).map_while(|number| place(number.to_string())).collect();
    let found: [Vec<usize>; 3] = [letters(), from(0), from(1)];
    found.into_iter().find(|places| places.len() >= 2)
}

/// A name without case and without what is no letter or digit.
fn plain(key: &str) -> Cow<'_, str> {
    if key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        return Cow::Borrowed(key);
    }
    key.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
