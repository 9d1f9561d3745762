//! What of a record goes into a prompt, and where.

use super::python::strip;
use crate::Error;
use crate::record::{Answer, Record};

/// How a record is turned into the text of a question, its choices and its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// The stripped question, four lettered choices, `Answer:`; the letters are the choices.
    Lettered,
    /// The question between two texts.
    Around {
        /// What stands before it.
        before: &'static str,
        /// What stands after it.
        after: &'static str,
        /// What is made of the right answer.
        target: Target,
    },
}

/// What a task calls the target of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The index of the right choice.
    Index,
    /// Always the first choice (`TruthfulQA`).
    First,
    /// The whole answer.
    Whole,
    /// What follows the last `####`, stripped.
    AfterMarks,
    /// The test program and the call that runs it.
    Program,
}

/// The letters that stand for choices.
const LETTERS: [&str; 4] = ["A", "B", "C", "D"];

impl Template {
    /// The text that asks.
    pub fn text(self, record: &Record) -> Result<String, Error> {
        match self {
            Self::Around { before, after, .. } => Ok(format!("{before}{}{after}", record.question)),
            Self::Lettered => {
                let choices = choices_of(record)?;
                if choices.len() < LETTERS.len() {
                    return Err(unfit(record, "four choices"));
                }
                let question = strip(&record.question);
                let length: usize = choices.iter().map(|choice| choice.len() + 4).sum();
                let mut text = String::with_capacity(question.len() + length + "\nAnswer:".len());
                text.push_str(question);
                for (letter, choice) in LETTERS.iter().zip(choices) {
                    text.extend(["\n", letter, ". ", choice]);
                }
                text.push_str("\nAnswer:");
                Ok(text)
            }
        }
    }

    /// The choices as the harness puts them to the model, without the delimiter before them.
    pub fn choices(self, record: &Record) -> Result<Vec<String>, Error> {
        Ok(self.shown_choices(record)?.into_iter().map(str::to_owned).collect())
    }

    /// The same, borrowed.
    pub(crate) fn shown_choices(self, record: &Record) -> Result<Vec<&str>, Error> {
        match self {
            Self::Lettered => Ok(LETTERS.to_vec()),
            Self::Around { .. } => Ok(choices_of(record)?.iter().map(String::as_str).collect()),
        }
    }

    /// The target as the harness logs it.
    pub fn target(self, record: &Record) -> Result<String, Error> {
        let target = match self {
            Self::Lettered => Target::Index,
            Self::Around { target, .. } => target,
        };
        match (target, &record.answer) {
            (Target::Index, Answer::Choice { gold, .. }) => {
                gold.first().map(usize::to_string).ok_or_else(|| unfit(record, "a right choice"))
            }
            (Target::First, Answer::Choice { .. } | Answer::Labels { .. }) => Ok("0".to_owned()),
            (Target::Whole, Answer::Open { gold }) => Ok(gold.clone()),
            (Target::AfterMarks, Answer::Open { gold }) => {
                Ok(strip(gold.rsplit("####").next().unwrap_or(gold)).to_owned())
            }
            (Target::Program, Answer::Code { entry_point, test, .. }) => {
                Ok(format!("{test}\ncheck({entry_point})"))
            }
            (Target::Index | Target::First, _) => Err(unfit(record, "choices")),
            (Target::Whole | Target::AfterMarks, _) => Err(unfit(record, "a free answer")),
            (Target::Program, _) => Err(unfit(record, "a test program")),
        }
    }

    /// What an example shows after its question: the text of the right choice, or the target.
    pub(super) fn shown_answer(self, record: &Record) -> Result<String, Error> {
        let target = self.target(record)?;
        let is_choice =
            matches!(self, Self::Lettered | Self::Around { target: Target::Index | Target::First, .. });
        if !is_choice {
            return Ok(target);
        }
        let chosen = target.parse().ok().and_then(|idx: usize| self.choices(record).ok()?.get(idx).cloned());
        chosen.ok_or_else(|| unfit(record, "a right answer among its choices"))
    }
}

fn choices_of(record: &Record) -> Result<&[String], Error> {
    match &record.answer {
        Answer::Choice { choices, .. } | Answer::Labels { choices, .. } => Ok(choices),
        Answer::Open { .. } | Answer::Code { .. } => Err(unfit(record, "choices")),
    }
}

fn unfit(record: &Record, wants: &str) -> Error {
    let start: String = record.question.chars().take(60).collect();
    Error::Malformed {
        format: "benchmark record",
        at: format!("question `{start}`"),
        problem: format!("this task wants {wants}"),
    }
}
