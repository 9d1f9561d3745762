//! Six classes of text that nobody marked.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use stillmark_model::sample::uniform;

use crate::answers;
use crate::options::{Options, read};
use crate::teacher::Teacher;

/// The classes.
pub(crate) const CLASSES: [&str; 6] = ["templated", "repetitive", "code", "JSON", "multilingual", "model"];

const SENTENCES: &str = include_str!("sentences.tsv");

const FORMS: [&str; 4] = [
    "Dear {name},\n\nThank you for your order {number}. We have received your payment of {number}.00 EUR and will ship the {thing} \
     to {city} within three working days. You will get a message with the tracking number as soon as the parcel has left our \
     warehouse. If you did not place this order, please reply to this message or call our service team between 9 am and 5 pm. \
     Please do not throw away the packaging, since returns are accepted in it only. Returns are free for thirty days. We hope \
     that you enjoy your {thing}.\n\nKind regards,\n{name}\nCustomer service, {city}",
    "WEATHER REPORT FOR {city}\nStation: {number}. Observer: {name}.\nToday it will be partly cloudy with a light breeze from the \
     west. The highest temperature will be {number} degrees and the lowest {number} degrees. There is a small chance of rain in the \
     evening. Drivers are asked to take care on bridges and in valleys, where fog may form after midnight. The next report will \
     be issued at six o'clock in the morning. For warnings see the page of {city}. No warning is in force at present. Sunrise and \
     sunset are given in local time. Report number {number}, checked by {name}.",
    "Question: Which of the following is a {thing}?\nA. A {thing} from {city}\nB. The {thing} that {name} bought\nC. All of the \
     above\nD. None of the above\nAnswer: C\n\nQuestion: How many of them did {name} buy in {city}?\nA. {number}\nB. {number}\nC. All \
     of the above\nD. None of the above\nAnswer: A\n\nQuestion: Who sold the {thing} to {name}?\nA. {name}\nB. {name}\nC. All of the \
     above\nD. None of the above\nAnswer: B\n\nQuestion: Where was it sold?\nA. In {city}\nB. In {city}\nC. All of the above\nD. None",
    "2026-11-{number} INFO  request started method=GET path=/api/v1/items/{number} user={name}\n2026-11-{number} INFO  cache miss \
     key=items:{number}\n2026-11-{number} INFO  database query took {number} ms\n2026-11-{number} WARN  slow query, consider adding \
     an index on column created_at\n2026-11-{number} INFO  request finished status=200 bytes={number} city={city}\n2026-11-{number} \
     INFO  request started method=POST path=/api/v1/orders user={name}\n2026-11-{number} INFO  request finished status=201 \
     bytes={number} item={thing}\n",
];
const NAMES: [&str; 8] = ["Ada", "Bruno", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiroshi"];
const THINGS: [&str; 8] =
    ["lamp", "bicycle", "teapot", "keyboard", "garden chair", "raincoat", "violin", "camera"];
const CITIES: [&str; 8] = ["Lisbon", "Oslo", "Kraków", "Nairobi", "Lima", "Osaka", "Tbilisi", "Quebec"];
const PHRASES: [&str; 8] = [
    "ha ",
    "I do not know. ",
    "| 0 | 0 | 0 |\n",
    "- [ ] to do\n",
    "the cat and the dog and ",
    "very, ",
    "0, 1, ",
    "Yes, of course, I would be glad to help you with that today. ",
];

/// Chance for one text.
struct Draws {
    seed: u64,
    text: u64,
    next: u64,
}

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.next += 1;
        (uniform(self.seed, self.text, self.next) * end as f64) as usize
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }
}

/// Texts of a class as tokens, so many each at most.
pub(crate) fn texts(
    class: &str,
    options: &Options,
    teacher: &Teacher,
    length: usize,
) -> Result<Vec<Vec<u32>>, String> {
    let each = |write: fn(&mut Draws) -> String| {
        let draws = |text| Draws { seed: 3, text: text as u64, next: 0 };
        let whole = (0..options.texts).map(|text| teacher.encode(&write(&mut draws(text))));
        let cut = |tokens: Result<Vec<u32>, String>| {
            tokens.map(|tokens| tokens[..length.min(tokens.len())].to_vec())
        };
        whole.map(cut).collect::<Result<Vec<_>, String>>()
    };
    match class {
        "templated" => each(templated),
        "repetitive" => each(repetitive),
        "multilingual" => each(multilingual),
        "code" => pieces(&[teacher.encode(&code(options)?)?], options.texts, length),
        "JSON" => pieces(&[teacher.encode(&json(options)?)?], options.texts, length),
        "model" => {
            let answers = answers::unmarked(options)?;
            let tokens: Vec<Vec<u32>> =
                answers.iter().map(|told| told.tokens[told.prompt_len..].to_vec()).collect();
            pieces(&tokens, options.texts, length)
        }
        _ => Err(format!("there is no class `{class}`: {}", CLASSES.join(", "))),
    }
}

/// The first so many pieces of so many tokens, one after another.
fn pieces(documents: &[Vec<u32>], count: usize, length: usize) -> Result<Vec<Vec<u32>>, String> {
    let pieces = documents.iter().flat_map(|tokens| tokens.chunks_exact(length));
    let pieces: Vec<Vec<u32>> = pieces.take(count).map(<[u32]>::to_vec).collect();
    if pieces.len() < count {
        return Err(format!("there are {} pieces of {length} tokens where {count} are wanted", pieces.len()));
    }
    Ok(pieces)
}

fn templated(draws: &mut Draws) -> String {
    let form = draws.of(&FORMS);
    let mut text = String::new();
    let mut rest = form;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (slot, after) = after.split_once('}').unwrap_or((after, ""));
        match slot {
            "name" => text.push_str(draws.of(&NAMES)),
            "thing" => text.push_str(draws.of(&THINGS)),
            "city" => text.push_str(draws.of(&CITIES)),
            _ => text.push_str(&(10 + draws.below(20)).to_string()),
        }
        rest = after;
    }
    text + rest
}

/// Two phrases, each many times.
fn repetitive(draws: &mut Draws) -> String {
    let (first, second) = (draws.of(&PHRASES), draws.of(&PHRASES));
    let middle = format!("{} {} ", draws.of(&NAMES), 100 + draws.below(900));
    middle.clone() + &first.repeat(8 + draws.below(40)) + &middle + &second.repeat(130)
}

/// Sentences in several languages.
fn multilingual(draws: &mut Draws) -> String {
    let sentences: Vec<&str> =
        SENTENCES.lines().filter_map(|line| line.split_once('\t')).map(|(_, text)| text).collect();
    (0..12).map(|_| draws.of(&sentences).to_owned() + " ").collect()
}

/// The tasks of `HumanEval` with solutions and tests.
fn code(options: &Options) -> Result<String, String> {
    let path = options.shared.join("benchmarks/humaneval/HumanEval.jsonl.gz");
    let output = Command::new("gzip").arg("-dc").arg(&path).output();
    let output = output.map_err(|error| format!("gzip: {error}"))?;
    let lines = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    let mut code = String::new();
    for line in lines.lines() {
        let task: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        code.extend(["prompt", "canonical_solution", "test"].map(|field| task[field].as_str().unwrap_or("")));
    }
    Ok(code)
}

/// Schemas and vectors.
fn json(options: &Options) -> Result<String, String> {
    let mut files = Vec::new();
    for folder in ["oms", "spdx", "watermark-vectors"] {
        add_json(&options.shared.join(folder), &mut files)?;
    }
    files.sort();
    files.iter().map(|file| read(file)).collect()
}

fn add_json(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            add_json(&path, files)?;
        } else if path.extension().is_some_and(|ending| ending == "json") {
            files.push(path);
        }
    }
    Ok(())
}
