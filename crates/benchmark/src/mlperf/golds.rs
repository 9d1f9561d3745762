//! What is right for each sample, and how an answer is held against it.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;

use crate::Error;

/// How an answer is held against what is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The first capital A to J that stands alone is the answer.
    Letter,
    /// The last number is the answer; grouping commas, `$` and a final period do not count.
    Number,
    /// The whole answer without the white space around it.
    Exact,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Letter, Self::Number, Self::Exact];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Letter => "letter",
            Self::Number => "number",
            Self::Exact => "exact",
        }
    }

    /// The rule of a name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// What is right, by sample.
#[derive(Debug, Clone)]
pub struct Golds {
    rule: Rule,
    number: Option<Regex>,
    by_index: BTreeMap<u64, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    index: u64,
    gold: String,
}

impl Golds {
    /// Reads JSON Lines of `{index, gold}`: each sample once, none left out.
    pub fn read(bytes: &[u8], rule: Rule) -> Result<Self, Error> {
        let malformed = |number: usize, problem: String| Error::Malformed {
            format: "golds",
            at: format!("line {}", number + 1),
            problem,
        };
        let mut by_index = BTreeMap::new();
        let lines = bytes.split(|&byte| byte == b'\n').enumerate();
        for (number, text) in lines.filter(|(_, text)| !text.trim_ascii().is_empty()) {
            let line: Line =
                serde_json::from_slice(text).map_err(|err| malformed(number, err.to_string()))?;
            if by_index.insert(line.index, line.gold).is_some() {
                return Err(malformed(number, format!("index {} stands there twice", line.index)));
            }
        }
        let last = by_index.keys().next_back().copied();
        if last.is_none_or(|last| last + 1 != by_index.len() as u64) {
            return Err(malformed(by_index.len(), "the indices are not 0, 1, 2 … without a gap".to_owned()));
        }
        let number =
            (rule == Rule::Number).then(|| Regex::new(r"-?[0-9][0-9,]*(?:\.[0-9]+)?").ok()).flatten();
        Ok(Self { rule, number, by_index })
    }

    /// How many samples there are.
    pub fn len(&self) -> u64 {
        self.by_index.len() as u64
    }

    /// Whether there are none, which [`Golds::read`] refuses.
    pub fn is_empty(&self) -> bool {
        self.by_index.is_empty()
    }

    /// Whether an answer is right; none where there is no such sample.
    pub fn is_right(&self, index: u64, answer: &[u8]) -> Option<bool> {
        let gold = self.by_index.get(&index)?;
        let answer = String::from_utf8_lossy(answer);
        Some(match self.rule {
            Rule::Exact => answer.trim() == gold.trim(),
            Rule::Letter => letter(&answer) == letter(gold) && letter(gold).is_some(),
            Rule::Number => {
                self.last_number(&answer) == self.last_number(gold) && self.last_number(gold).is_some()
            }
        })
    }

    fn last_number(&self, text: &str) -> Option<String> {
        let found = self.number.as_ref()?.find_iter(text).last()?;
        let digits = found.as_str().replace(',', "");
        let short = digits
            .split_once('.')
            .map(|(whole, rest)| (whole.to_owned(), rest.trim_end_matches('0').to_owned()));
        Some(match short {
            Some((whole, rest)) if rest.is_empty() => whole,
            Some((whole, rest)) => format!("{whole}.{rest}"),
            None => digits,
        })
    }
}

fn letter(text: &str) -> Option<char> {
    let letters: Vec<char> = text.chars().collect();
    let is_word = |at: Option<&char>| at.is_some_and(|letter| letter.is_alphanumeric());
    let alone = |&at: &usize| {
        ('A'..='J').contains(&letters[at])
            && !is_word(at.checked_sub(1).and_then(|before| letters.get(before)))
            && !is_word(letters.get(at + 1))
    };
    (0..letters.len()).find(alone).map(|at| letters[at])
}
