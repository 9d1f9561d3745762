//! An item and a corpus, parted by a zero byte: what is searched in blocks is what the plain way finds, however the corpus is cut,
//! and lines that are no documents are errors.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use stillmark_benchmark::contamination::scan::{self, GramLength, Index, Place, Reader};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let length = GramLength::new(usize::from(*first) % GramLength::MOST + 1).expect("lies within the range");
    let cut = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (item, corpus) = (&bytes[..cut], bytes.get(cut + 1..).unwrap_or_default());
    let (item, text) = (String::from_utf8_lossy(item), String::from_utf8_lossy(corpus));
    // No question of so many words is a run of its own: every run has the one length, or is the whole item.
    let mut index = Index::new(length, usize::MAX);
    assert!(index.push(&item, &[]));
    index.finish();
    let wanted = all(&words(&item), length.words());
    let there = runs(&words(&text), length.words().min(words(&item).len()));
    let counts: Vec<u64> = wanted.iter().filter_map(|run| there.get(run).copied()).collect();
    let line = serde_json::json!({ "id": 1, "text": text }).to_string();
    let place = Place { file: 0, line: 1, byte: 0 };
    let ways: [&dyn Fn(&mut Reader<'_>); 3] = [
        &|reader| reader.row(text.as_bytes()),
        &|reader| reader.json_lines(line.as_bytes()).expect("it is a document"),
        &|reader| {
            text.split_inclusive(|character: char| character.is_ascii_whitespace())
                .for_each(|piece| reader.text(piece.as_bytes()));
            reader.end_text();
        },
    ];
    for way in ways {
        let mut reader = Reader::new(&index, "text");
        reader.go_to(place);
        way(&mut reader);
        let tally = reader.take();
        let said = scan::found(&index, &tally).next().expect("there is one item");
        assert_eq!(said.runs_found, counts.len());
        assert_eq!(said.most_seen, counts.iter().copied().max().unwrap_or(0));
    }
    let mut reader = Reader::new(&index, "text");
    _ = reader.json_lines(corpus);
    drop(reader.take());
    let mut reader = Reader::new(&index, "text");
    reader.text(corpus);
    reader.end_text();
    reader.row(corpus);
});

/// A text's words, by the letter of the rule.
fn words(text: &str) -> Vec<String> {
    let kept = text.chars().filter(|character| !character.is_ascii_punctuation());
    let spaced: String = kept
        .map(|character| match character {
            '\u{1c}'..='\u{1f}' => ' ',
            other => other.to_ascii_lowercase(),
        })
        .collect();
    spaced.split_whitespace().map(str::to_owned).collect()
}

/// The runs of so many words, or the whole where there are fewer.
fn all(words: &[String], length: usize) -> Vec<String> {
    match words.len() {
        0 => Vec::new(),
        few if few < length => vec![words.join(" ")],
        _ => words.windows(length).map(|run| run.join(" ")).collect(),
    }
}

/// How often each run of so many words is there.
fn runs(words: &[String], length: usize) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    if length > 0 {
        words.windows(length).for_each(|run| *counts.entry(run.join(" ")).or_insert(0) += 1);
    }
    counts
}
