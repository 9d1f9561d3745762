//! Two records side by side, with what differs marked.

use stillmark_benchmark::{Answer, Record};

/// Letters a column.
const WIDTH: usize = 52;

/// Lines of one field that are shown.
const LINES: usize = 8;

/// Words beyond which two texts are only compared at their ends.
const WORDS: usize = 600;

/// A part of a record.
#[derive(Clone, Default)]
struct Field {
    name: String,
    /// What stands before the text: a star where a choice is right.
    sign: &'static str,
    text: String,
}

/// The lines that show two records.
pub(super) fn beside(a: Option<&Record>, b: Option<&Record>) -> Vec<String> {
    let (a, b) = (a.map(fields).unwrap_or_default(), b.map(fields).unwrap_or_default());
    let more = b.iter().filter(|field| !a.iter().any(|other| other.name == field.name));
    let names: Vec<&str> = a.iter().chain(more).map(|field| field.name.as_str()).collect();
    let of = |fields: &[Field], name: &str| {
        fields.iter().find(|field| field.name == name).cloned().unwrap_or_default()
    };
    names.into_iter().flat_map(|name| lines(name, &of(&a, name), &of(&b, name))).collect()
}

fn fields(record: &Record) -> Vec<Field> {
    let field = |name: &str, text: &String| Field { name: name.to_owned(), sign: "", text: text.clone() };
    let mut fields: Vec<Field> = record.context.iter().map(|text| field("context", text)).collect();
    fields.push(field("question", &record.question));
    for (idx, choice) in record.choices().iter().enumerate() {
        let sign = if record.is_right(idx) { "* " } else { "  " };
        fields.push(Field { sign, ..field(&idx.to_string(), choice) });
    }
    match &record.answer {
        Answer::Choice { .. } | Answer::Labels { .. } => {}
        Answer::Open { gold } => fields.push(field("gold", gold)),
        Answer::Code { entry_point, gold, test } => {
            fields.extend([field("entry", entry_point), field("gold", gold), field("test", test)]);
        }
    }
    fields
}

fn lines(name: &str, a: &Field, b: &Field) -> Vec<String> {
    let (left, right) = marked(&a.text, &b.text);
    let (left, right) = (wrapped(&format!("{}{left}", a.sign)), wrapped(&format!("{}{right}", b.sign)));
    let line = |idx: usize| {
        let part = |lines: &[String]| lines.get(idx).cloned().unwrap_or_default();
        let name = if idx == 0 { name } else { "" };
        format!("  {name:<8} {:<WIDTH$} | {}", part(&left), part(&right)).trim_end().to_owned()
    };
    (0..left.len().max(right.len())).map(line).collect()
}

/// Both texts with the words that only one has in brackets.
fn marked(a: &str, b: &str) -> (String, String) {
    let (words_a, words_b) = (words(a), words(b));
    if a.is_empty() || b.is_empty() || words_a == words_b {
        return (a.to_owned(), b.to_owned());
    }
    let (only_a, only_b) = differing(&words_a, &words_b);
    (bracketed(&words_a, &only_a, ["[-", "-]"]), bracketed(&words_b, &only_b, ["[+", "+]"]))
}

/// The text cut before each word, so that the pieces together are the text.
fn words(text: &str) -> Vec<&str> {
    text.split_inclusive([' ', '\n', '\t']).collect()
}

fn bracketed(words: &[&str], is_only: &[bool], [open, close]: [&str; 2]) -> String {
    let mut out = String::new();
    let mut is_open = false;
    for (word, is_only) in words.iter().zip(is_only) {
        if *is_only != is_open {
            out = if is_open { closed(&out, close) } else { out + open };
            is_open = *is_only;
        }
        out.push_str(word);
    }
    if is_open { closed(&out, close) } else { out }
}

/// A text with a bracket closed before the white space at its end.
fn closed(text: &str, close: &str) -> String {
    let inner = text.trim_end();
    format!("{inner}{close}{}", &text[inner.len()..])
}

/// Which words each text has alone: all but a longest common run of them.
fn differing(a: &[&str], b: &[&str]) -> (Vec<bool>, Vec<bool>) {
    let same = |(a, b): &(&&str, &&str)| a == b;
    let start = a.iter().zip(b).take_while(same).count();
    let (rest_a, rest_b) = (&a[start..], &b[start..]);
    let end = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(same).count();
    let (middle_a, middle_b) = (&rest_a[..rest_a.len() - end], &rest_b[..rest_b.len() - end]);
    let mut only = (vec![false; a.len()], vec![false; b.len()]);
    only.0[start..start + middle_a.len()].fill(true);
    only.1[start..start + middle_b.len()].fill(true);
    if middle_a.len().max(middle_b.len()) <= WORDS {
        for (i, j) in common(middle_a, middle_b) {
            (only.0[start + i], only.1[start + j]) = (false, false);
        }
    }
    only
}

/// The places of a longest common subsequence.
fn common(a: &[&str], b: &[&str]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut longest = vec![0_u32; (a.len() + 1) * width];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i * width + j] = if a[i].trim_end() == b[j].trim_end() {
                longest[(i + 1) * width + j + 1] + 1
            } else {
                longest[(i + 1) * width + j].max(longest[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut places) = (0, 0, Vec::new());
    while i < a.len() && j < b.len() {
        if a[i].trim_end() == b[j].trim_end() {
            places.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[(i + 1) * width + j] >= longest[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    places
}

/// A text on lines of a column's width; a long one is cut around its first mark.
fn wrapped(text: &str) -> Vec<String> {
    let shown: String = text.chars().map(visible).collect();
    let letters: Vec<char> = shown.chars().collect();
    let lines: Vec<String> = letters.chunks(WIDTH).map(|line| line.iter().collect()).collect();
    if lines.len() <= LINES {
        return lines;
    }
    let first = lines.iter().position(|line| line.contains("[-") || line.contains("[+")).unwrap_or_default();
    let from = first.saturating_sub(1).min(lines.len() - LINES);
    let mut cut = lines[from..from + LINES].to_vec();
    if from > 0 {
        cut.insert(0, "…".to_owned());
    }
    if from + LINES < lines.len() {
        cut.push("…".to_owned());
    }
    cut
}

/// Characters that would move or hide others are shown as signs.
fn visible(character: char) -> char {
    match character {
        '\n' => '⏎',
        '\t' => ' ',
        control if control.is_control() => '·',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => '·',
        other => other,
    }
}
