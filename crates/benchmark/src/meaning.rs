//! Differences of encoding that change what a text says.
//!
//! Compatibility folds make `x²` and `x2` one: fine for finding the row that another copy has, wrong for saying that both mean the same.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

use crate::record::{Answer, Record, loose};

/// Superscripts, subscripts, fractions and circled numbers and letters: their folds are other numbers or words.
fn bears_meaning(c: char) -> bool {
    matches!(
        c,
        '²' | '³' | '¹' | '¼' | '½' | '¾'
            | '\u{2070}'..='\u{209c}'
            | '\u{2150}'..='\u{215f}'
            | '\u{2189}'
            | '\u{2460}'..='\u{24ea}'
    )
}

/// A text as [`loose`] has it, but for characters whose folds say something else: these stay what they are.
pub(crate) fn kept(text: &str) -> Cow<'_, str> {
    if !text.contains(bears_meaning) {
        return loose(text);
    }
    // No fold reaches characters of private use.
    const PRIVATE: u32 = 0xf_0000;
    let hidden = |c: char| if bears_meaning(c) { char::from_u32(PRIVATE + c as u32).unwrap_or(c) } else { c };
    Cow::Owned(loose(&text.chars().map(hidden).collect::<String>()).into_owned())
}

/// Whether two records whose [`loose`] texts are the same say the same.
pub(crate) fn is_same(one: &Record, other: &Record) -> bool {
    let pairs = texts(one).into_iter().zip(texts(other));
    pairs.into_iter().all(|(one, other)| kept(one) == kept(other))
}

/// A record with such characters folded: alone, with every other character that [`loose`] folds, and with white space, too. Where a folded
/// record is a benchmark's own, the record is an edited one. None where it holds no such character.
pub(crate) fn folded(record: &Record) -> Option<[Record; 3]> {
    if !texts(record).into_iter().any(|text| text.contains(bears_meaning)) {
        return None;
    }
    let alone = |text: &str| {
        let mut folded = String::new();
        for c in text.chars() {
            if bears_meaning(c) { folded.extend(std::iter::once(c).nfkc()) } else { folded.push(c) }
        }
        folded
    };
    let each = |text: &str| {
        let mut folded = String::new();
        for c in text.chars() {
            if c.is_ascii() || c.is_whitespace() {
                folded.push(c);
            } else {
                folded.push_str(&loose(c.encode_utf8(&mut [0; 4])));
            }
        }
        folded
    };
    Some([mapped(record, alone), mapped(record, each), mapped(record, |text| loose(text).into_owned())])
}

/// The texts of a record in which encodings may differ; a program's are its own.
fn texts(record: &Record) -> Vec<&str> {
    let mut all = vec![record.question.as_str()];
    all.extend(record.context.as_deref());
    all.extend(record.choices().iter().map(String::as_str));
    if let Answer::Open { gold } = &record.answer {
        all.push(gold);
    }
    all
}

fn mapped(record: &Record, map: impl Fn(&str) -> String) -> Record {
    let each = |choices: &[String]| choices.iter().map(|choice| map(choice)).collect();
    let answer = match &record.answer {
        Answer::Choice { choices, gold } => Answer::Choice { choices: each(choices), gold: gold.clone() },
        Answer::Labels { choices, labels } => {
            Answer::Labels { choices: each(choices), labels: labels.clone() }
        }
        Answer::Open { gold } => Answer::Open { gold: map(gold) },
        code @ Answer::Code { .. } => code.clone(),
    };
    Record { context: record.context.as_deref().map(&map), question: map(&record.question), answer }
}
