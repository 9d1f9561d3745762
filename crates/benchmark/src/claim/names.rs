//! Which benchmark a claim names, and which part of it.
//!
//! A name with something joined to it (`GSM8K-hard`, `MMLU-Pro`, `M-MMLU`, `HumanEval+`) is another benchmark, unless what is joined is known to
//! say only how the same items were asked.

use crate::registry;

/// What a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// A pinned benchmark, or one subset of it.
    Pinned {
        /// Its name in the registry.
        benchmark: &'static str,
        /// The subset: a subject of MMLU, a task of BBH.
        subset: Option<&'static str>,
    },
    /// Another one, whose name holds that of a pinned one.
    Other {
        /// What it is called in the text.
        name: String,
        /// The one that it is not.
        pinned: &'static str,
    },
}

/// Benchmarks by what they are called, letters and digits only; the longest that is found counts.
const NAMES: [(&str, &str); 18] = [
    ("massivemultitasklanguageunderstanding", "mmlu"),
    ("mmlu", "mmlu"),
    ("hendryckstest", "mmlu"),
    ("mmludev", "mmlu-dev"),
    ("gsm8k", "gsm8k"),
    ("gradeschoolmath", "gsm8k"),
    ("gsm8ktrain", "gsm8k-train"),
    ("arcchallenge", "arc_challenge"),
    ("arcc", "arc_challenge"),
    ("aichallenge", "arc_challenge"),
    ("arceasy", "arc_easy"),
    ("arce", "arc_easy"),
    ("hellaswag", "hellaswag"),
    ("truthfulqa", "truthfulqa"),
    ("tqa", "truthfulqa"),
    ("humaneval", "humaneval"),
    ("bbh", "bbh"),
    ("bigbenchhard", "bbh"),
];

/// What may be joined to a name behind it without making it another benchmark.
const SAME_BEHIND: [&str; 30] = [
    "acc",
    "chat",
    "continuation",
    "cot",
    "em",
    "exact",
    "few",
    "fewshot",
    "flan",
    "flexible",
    "gen",
    "generative",
    "greedy",
    "instruct",
    "llama",
    "main",
    "match",
    "mc",
    "mc1",
    "mc2",
    "norm",
    "pass",
    "python",
    "self",
    "shot",
    "shots",
    "strict",
    "test",
    "zero",
    "zeroshot",
];

/// What may be joined to a name before it.
const SAME_BEFORE: [&str; 8] = ["ai2", "cais", "cot", "hendrycks", "openai", "shot", "shots", "the"];

/// What makes another benchmark of a name even where it is set apart: other items, or a part of them.
const OTHER_APART: [&str; 30] = [
    "arabic",
    "chinese",
    "dev",
    "french",
    "german",
    "global",
    "hard",
    "humanities",
    "japanese",
    "korean",
    "lite",
    "mini",
    "mobile",
    "multilingual",
    "other",
    "platinum",
    "plus",
    "pro",
    "redux",
    "russian",
    "social",
    "spanish",
    "stem",
    "subset",
    "symbolic",
    "tiny",
    "train",
    "translated",
    "val",
    "validation",
];

/// Words between a benchmark's name and that of its subset.
const BETWEEN: [&str; 9] = ["from", "in", "of", "on", "s", "subject", "subset", "task", "the"];

/// A run of letters and digits, or a `+`.
struct Unit<'a> {
    text: &'a str,
    start: usize,
    /// Whether a hyphen, an underscore or nothing at all stands between it and the unit before.
    is_joined: bool,
}

/// What a text, in lower case, names; the part of a harness's table that holds only a task may name a subset alone.
pub(super) fn find(lower: &str) -> Option<Named> {
    let units = units(lower);
    let (from, to, benchmark) = (0..units.len())
        .flat_map(|from| NAMES.iter().map(move |&(name, benchmark)| (from, name, benchmark)))
        .filter_map(|(from, name, benchmark)| {
            Some((from, from + spelled(&units[from..], name)?, name, benchmark))
        })
        .max_by_key(|&(from, _, name, _)| (name.len(), std::cmp::Reverse(from)))
        .map(|(from, to, _, benchmark)| (from, to, benchmark))?;
    let subset = subset(&units, from, to, benchmark);
    let (from_known, to_known) = subset.map_or((from, to), |(_, start, end)| (from.min(start), to.max(end)));
    if let Some((first, last)) = other(&units, from_known, to_known) {
        let end = units[last].start + units[last].text.len();
        return Some(Named::Other { name: lower[units[first].start..end].to_owned(), pinned: benchmark });
    }
    Some(Named::Pinned { benchmark, subset: subset.map(|(name, ..)| name) })
}

/// The subset of that name, whichever benchmark it is of.
pub(super) fn subset_alone(lower: &str) -> Option<Named> {
    let units = units(lower);
    let of = |benchmark: &'static str| {
        let name = subsets(benchmark).find(|name| spelled(&units, &letters(name)) == Some(units.len()))?;
        Some(Named::Pinned { benchmark, subset: Some(name) })
    };
    of("mmlu").or_else(|| of("bbh"))
}

/// How many units, put together, spell a name.
fn spelled(units: &[Unit<'_>], name: &str) -> Option<usize> {
    let mut rest = name;
    for (idx, unit) in units.iter().enumerate() {
        rest = rest.strip_prefix(unit.text)?;
        if rest.is_empty() {
            return Some(idx + 1);
        }
    }
    None
}

/// The subset that is named beside the units of a benchmark's name, and its own units.
fn subset(
    units: &[Unit<'_>],
    from: usize,
    to: usize,
    benchmark: &str,
) -> Option<(&'static str, usize, usize)> {
    let is_between = |unit: &Unit<'_>| BETWEEN.contains(&unit.text);
    let behind = to + units[to..].iter().take_while(|unit| is_between(unit)).count();
    let before = from - units[..from].iter().rev().take_while(|unit| is_between(unit)).count();
    let found = subsets(benchmark).filter_map(|name| {
        let spelling = letters(name);
        let at_end =
            (0..before).find(|&start| spelled(&units[start..before], &spelling) == Some(before - start));
        let place = spelled(&units[behind..], &spelling).map(|n| (behind, behind + n));
        let (start, end) = place.or_else(|| at_end.map(|start| (start, before)))?;
        Some((name, start, end))
    });
    found.max_by_key(|(name, ..)| name.len())
}

fn subsets(benchmark: &str) -> impl Iterator<Item = &'static str> {
    let pinned = registry::find(benchmark).filter(|pinned| pinned.subsets().len() > 2);
    pinned.into_iter().flat_map(registry::Pinned::subsets).map(|subset| subset.name.as_str())
}

fn letters(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// The units of a longer name that is another benchmark's.
fn other(units: &[Unit<'_>], from: usize, to: usize) -> Option<(usize, usize)> {
    let is_shots = |at: usize| {
        let text = units[at].text.trim_start_matches(|letter: char| letter.is_ascii_digit());
        let is_number = text.len() < units[at].text.len();
        let next = units.get(at + 1).filter(|next| next.is_joined).map(|next| next.text);
        is_number
            && (text.starts_with("shot")
                || (text.is_empty() && next.is_some_and(|next| next.starts_with("shot"))))
    };
    let n_joined = units[to..].iter().take_while(|unit| unit.is_joined).count();
    if let Some(at) = (to..to + n_joined).find(|&at| !SAME_BEHIND.contains(&units[at].text) && !is_shots(at))
    {
        return Some((from, at));
    }
    let behind = to + n_joined;
    if units.get(behind).is_some_and(|unit| OTHER_APART.contains(&unit.text)) {
        return Some((from, behind));
    }
    let before = from.checked_sub(1)?;
    let word = units[before].text;
    let is_other =
        if units[from].is_joined { !SAME_BEFORE.contains(&word) } else { OTHER_APART.contains(&word) };
    is_other.then(|| (before, to - 1))
}

fn units(lower: &str) -> Vec<Unit<'_>> {
    let mut units: Vec<Unit<'_>> = Vec::new();
    let mut end = 0;
    let mut letters = lower.char_indices().peekable();
    while let Some((start, letter)) = letters.next() {
        if !letter.is_alphanumeric() && letter != '+' {
            continue;
        }
        let mut stop = start + letter.len_utf8();
        while let Some(&(at, next)) =
            letters.peek().filter(|(_, next)| letter != '+' && next.is_alphanumeric())
        {
            stop = at + next.len_utf8();
            letters.next();
        }
        let is_joined = !units.is_empty() && matches!(&lower[end..start], "" | "-" | "_" | "‐" | "‑" | "–");
        units.push(Unit { text: &lower[start..stop], start, is_joined });
        end = stop;
    }
    units
}
