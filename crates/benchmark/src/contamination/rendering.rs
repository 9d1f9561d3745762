//! Items as plain text, as they are most often copied: the question, the lettered choices, the answer.

use crate::record::{Answer, Record, Subset};

/// The letter of a choice: A to Z, then numbers.
pub fn letter(idx: usize) -> String {
    u8::try_from(idx)
        .ok()
        .filter(|idx| *idx < 26)
        .map_or_else(|| (idx + 1).to_string(), |idx| char::from(b'A' + idx).to_string())
}

/// The whole item, its answer included, with an empty line after it.
pub fn item(record: &Record) -> String {
    let mut text = question(record);
    match &record.answer {
        Answer::Choice { choices, gold } => {
            text += &lettered(&choices.iter().map(String::as_str).collect::<Vec<_>>());
            let golds: Vec<String> = gold.iter().map(|gold| letter(*gold)).collect();
            text.extend(["Answer: ", &golds.join(", "), "\n"]);
        }
        Answer::Labels { choices, .. } => {
            text += &lettered(&choices.iter().map(String::as_str).collect::<Vec<_>>());
        }
        Answer::Open { gold } => text.extend(["Answer: ", gold, "\n"]),
        Answer::Code { gold, .. } => text += gold,
    }
    text.push('\n');
    text
}

/// What stands before the choices or the answer.
pub fn question(record: &Record) -> String {
    let context = record.context.iter().map(|context| format!("{context}\n"));
    context.chain([format!("{}\n", record.question)]).collect()
}

/// Choices, a line each.
pub fn lettered(choices: &[&str]) -> String {
    let mut text = String::new();
    for (idx, choice) in choices.iter().enumerate() {
        text.extend([&letter(idx), ". ", choice, "\n"]);
    }
    text
}

/// What a subset is called: its name and the part of the dataset, where that is known.
pub fn part(subset: &Subset) -> String {
    let split = if subset.split.is_empty() { "" } else { "/" };
    format!("{}{split}{}", subset.name, subset.split)
}

/// How the items of a subset are called, by their place.
pub fn id(subset: &Subset, idx: usize) -> String {
    format!("{}/{idx}", part(subset))
}
