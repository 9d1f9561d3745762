//! Claims in prose: "76.4% on GSM8K", "acc 0.7642 ± 0.0041 on mmlu 5-shot, 67.1 pass@1 humaneval", "HumanEval 110/164".

use regex::Regex;

use super::grain::Scale;
use super::names;
use super::numbers::{self, Numbers};
use super::stated::{Metric, Stated, metric};
use super::{Unclear, printed_table};

/// What is looked for in a clause.
struct Patterns {
    numbers: Regex,
    any_of: Regex,
    averaged: Regex,
}

impl Patterns {
    fn new() -> Result<Self, regex::Error> {
        Ok(Self {
            numbers: numbers::pattern()?,
            any_of: Regex::new(r"(?i)pass(?:\s*[@^]\s*|[_-]at[_-]|\s+at\s+)(\d+)")?,
            averaged: Regex::new(r"(?i)(?:avg|mean|average)\s*@\s*(\d+)")?,
        })
    }
}

/// Reads all claims of a text: rows of a harness's tables, and else clause by clause. Clauses end at `;`, at a line's end, and outside
/// parentheses at a comma that no digit follows, at `and` and at `vs`. A clause that names a benchmark and holds no number belongs to the next
/// one, if that names none.
pub fn parse(text: &str) -> Result<Vec<Stated>, Unclear> {
    // The patterns are constants: that they are sound is tested.
    let Ok(patterns) = Patterns::new() else { return Ok(Vec::new()) };
    let (mut all, mut task) = (Vec::new(), String::new());
    for line in text.lines() {
        if let Some(row) = printed_table::row(line, &mut task) {
            all.push(row?);
            continue;
        }
        let line = line.replace('|', " ");
        let mut waiting = None;
        for clause in clauses(&line) {
            let named = names::find(&clause.to_lowercase());
            let text = match waiting.take().filter(|_| named.is_none()) {
                Some(before) => format!("{before}, {clause}"),
                None => clause.to_owned(),
            };
            match stated(&text, &patterns)? {
                Some(stated) => all.push(stated),
                None => waiting = named.is_some().then_some(text),
            }
        }
    }
    Ok(all)
}

fn clauses(line: &str) -> Vec<&str> {
    let (mut clauses, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, letter) in line.char_indices() {
        let rest = &line[at..];
        let ends_at = |words: [&str; 3]| {
            let found = words
                .into_iter()
                .find(|word| rest.get(..word.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(word)));
            found.map_or(0, str::len)
        };
        let taken = match letter {
            '(' | '[' => {
                depth += 1;
                0
            }
            ')' | ']' => {
                depth = depth.saturating_sub(1);
                0
            }
            ';' => 1,
            ',' if depth == 0 && !rest[1..].starts_with(|next: char| next.is_ascii_digit()) => 1,
            ' ' if depth == 0 => ends_at([" and ", " vs. ", " vs "]),
            _ => 0,
        };
        if taken > 0 && at >= start {
            clauses.push(line[start..at].trim());
            start = at + taken;
        }
    }
    clauses.push(line[start..].trim());
    clauses
}

fn stated(clause: &str, patterns: &Patterns) -> Result<Option<Stated>, Unclear> {
    let Numbers { value, is_percent, count, stderr, shots } = numbers::read(clause, &patterns.numbers)?;
    if value.is_none() && count.is_none() {
        return Ok(None);
    }
    let is_above = value.is_some_and(|value| value.value() > 1.0);
    let lower = clause.to_lowercase();
    let first = |pattern: &Regex| pattern.captures(clause)?.get(1)?.as_str().parse::<u64>().ok();
    let any_of = first(&patterns.any_of).filter(|answers| *answers > 1).map(Metric::AnyOf);
    Ok(Some(Stated {
        text: clause.to_owned(),
        value,
        count,
        scale: if is_percent || is_above { Scale::Percent } else { Scale::Fraction },
        stderr,
        named: names::find(&lower),
        metric: any_of.unwrap_or_else(|| metric(&lower)),
        runs: first(&patterns.averaged).unwrap_or(1).max(1),
        shots,
    }))
}
