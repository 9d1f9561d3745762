//! Which license a text is: vectors with invented texts, our own license, and, where a folder of them is named, real ones.

use std::fs;
use std::path::{Path, PathBuf};

use stillmark_agreement::{Fingerprint, Match, Pack, Recognizer};

use crate::vectors::vectors;

#[test]
fn texts_are_recognized_as_the_vectors_say() {
    for (name, vector) in vectors("license-recognition") {
        let known = vector["known"].as_array().unwrap().iter().map(|known| {
            Fingerprint::of(known["id"].as_str().unwrap(), "vector", known["text"].as_str().unwrap())
        });
        let found = Recognizer::new(known.collect()).recognize(vector["text"].as_str().unwrap());
        assert_eq!(found.verdict.as_str(), vector["expect"], "{name}: {found:?}");
        assert_eq!(found.id(), vector["id"].as_str(), "{name}: {found:?}");
    }
}

#[test]
fn fingerprint_files_are_read_strictly() {
    let good = Fingerprint::of("tern", "acme/tern LICENSE", "one two three four five six seven").to_file();
    let again = Fingerprint::parse(&good).unwrap();
    assert_eq!(again.to_file(), good);
    assert_eq!(again.runs(), 3);
    let runs = good.lines().rev().nth(1).unwrap();
    for (from, to) in [
        ("id = ", "name = "),
        ("words_sha256 = \"", "words_sha256 = \"x"),
        (runs, &runs[1..]),
        (runs, "!!!!"),
        (runs, "AAABAAAA"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(Fingerprint::parse(&bad).is_err(), "{from} -> {to}");
    }
}

#[test]
fn every_fingerprint_belongs_to_the_pack_and_holds_enough() {
    let pack = Pack::shipped().unwrap();
    let recognizer = Recognizer::shipped().unwrap();
    for known in recognizer.known() {
        assert!(pack.get(known.id()).is_some(), "{}", known.id());
        assert!(150 < known.runs() && !known.source().trim().is_empty(), "{}", known.id());
    }
    assert!(35 <= recognizer.known().len());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fingerprints");
    let files = fs::read_dir(folder).unwrap().filter(|file| {
        file.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "toml")
    });
    assert_eq!(files.count(), recognizer.known().len());
}

fn ours() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../LICENSE")).unwrap()
}

/// The same words in other lines, marks and case, with Markdown and another owner.
fn rewrapped(text: &str) -> String {
    let mut out = vec!["# \u{feff}".to_owned()];
    for paragraph in text.split("\n\n") {
        let words: Vec<&str> = paragraph.split_whitespace().collect();
        for line in words.chunks(7) {
            out.push(format!("> **{}**\n", line.join("  ")));
        }
        out.push("\n\n".to_owned());
    }
    out.concat().replace('"', "\u{201c}")
}

#[test]
fn our_own_license_is_apache_whatever_its_lines_and_owner() {
    let recognizer = Recognizer::shipped().unwrap();
    let plain = recognizer.recognize(&ours());
    assert_eq!(plain.id(), Some("apache-2.0"), "{plain:?}");
    let changed = rewrapped(&ours());
    let found = recognizer.recognize(&changed);
    assert_eq!((found.id(), found.verdict), (Some("apache-2.0"), plain.verdict), "{found:?}");
    let cut = ours().replacen("redistribut", "", 3);
    let found = recognizer.recognize(&cut);
    assert_eq!((found.id(), found.verdict), (Some("apache-2.0"), Match::Alike), "{found:?}");
    let half = &ours()[..4000];
    assert_eq!(recognizer.recognize(half).verdict, Match::Unknown);
    for nothing in ["", "\n\n", "© 2026 A. Person", "---", "Tern License. You may do anything."] {
        assert_eq!(recognizer.recognize(nothing).verdict, Match::Unknown, "{nothing}");
    }
}

/// The folder of real texts that `fingerprints/sources.tsv` names, where there is one.
fn real_texts() -> Option<Vec<(String, String)>> {
    let folder = PathBuf::from(std::env::var_os("STILLMARK_LICENSES")?);
    let list =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fingerprints/sources.tsv")).unwrap();
    let texts = list.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let text = fs::read_to_string(folder.join(fields[1])).unwrap();
        let text =
            text.strip_prefix("---\n").map_or(text.as_str(), |rest| rest.split_once("\n---\n").unwrap().1);
        (fields[0].to_owned(), text.to_owned())
    });
    Some(texts.collect())
}

/// The text with one of its paragraphs gone, counted from the end.
fn without_paragraph(text: &str, position: usize) -> String {
    let mut paragraphs: Vec<&str> = text.split("\n\n").filter(|part| 60 < part.len()).collect();
    let position = position % paragraphs.len();
    paragraphs.remove(position);
    paragraphs.join("\n\n")
}

#[test]
fn real_texts_are_told_apart_when_changed() {
    let Some(texts) = real_texts() else {
        println!("skipped: STILLMARK_LICENSES names no folder of license texts (fingerprints/sources.tsv)");
        return;
    };
    let recognizer = Recognizer::shipped().unwrap();
    for (id, text) in &texts {
        let check = |text: &str, allowed: &[Match], how: &str| {
            let found = recognizer.recognize(text);
            assert!(allowed.contains(&found.verdict), "{id} {how}: {found:?}");
            assert!(found.id().is_none_or(|found| found == id), "{id} {how}: {found:?}");
        };
        check(text, &[Match::Exact], "as it is");
        check(&rewrapped(text), &[Match::Exact, Match::Alike], "rewrapped");
        check(&format!("Copyright (c) 2031 Another Person\n\n{text}"), &[Match::Exact], "of another owner");
        let inexact = [Match::Alike, Match::Ambiguous, Match::Unknown];
        // A modified MIT license without its last paragraph is the MIT license.
        let paragraphs = if id == "kimi-k2-modified-mit" { 0 } else { 40 };
        for position in 0..paragraphs {
            check(&without_paragraph(text, position), &inexact, "with a paragraph gone");
        }
        let extended = [Match::Alike, Match::Extended, Match::Ambiguous, Match::Unknown];
        check(&format!("{text}\n\n{}", ours()), &extended, "with another text behind it");
    }
}
