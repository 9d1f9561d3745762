//! The scan against the plain way of doing it: every run of every document in a set of strings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use stillmark_benchmark::contamination::scan::{self, GramLength, Index, Place, Reader};

/// A document's words, each with the byte it begins at, by the letter of the rule: as Python has it.
fn plain_words(text: &str) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, character) in text.char_indices() {
        if character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character) {
            open = false;
        } else if !character.is_ascii_punctuation() {
            if !open {
                words.push((at, String::new()));
            }
            open = true;
            words.last_mut().unwrap().1.push(character.to_ascii_lowercase());
        }
    }
    words
}

fn spelled(words: &[(usize, String)]) -> String {
    words.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>().join(" ")
}

/// The runs of an item: its first word, its length, its words.
fn plain_runs(question: &str, others: &[&str], n: usize) -> Vec<(usize, usize, String)> {
    let whole = std::iter::once(question).chain(others.iter().copied()).collect::<Vec<_>>().join("\n");
    let (words, asked) = (plain_words(&whole), plain_words(question).len());
    let mut runs = Vec::new();
    if (8..n.min(words.len())).contains(&asked) {
        runs.push((0, asked));
    }
    if words.len() >= n {
        runs.extend((0..=words.len() - n).map(|first| (first, n)));
    } else if !words.is_empty() {
        runs.push((0, words.len()));
    }
    runs.into_iter().map(|(first, length)| (first, length, spelled(&words[first..first + length]))).collect()
}

/// All runs of a document, with how often each is there and the byte of the first.
fn plain_document(text: &str, lengths: &BTreeSet<usize>) -> BTreeMap<String, (u64, usize)> {
    let words = plain_words(text);
    let mut runs = BTreeMap::new();
    for &length in lengths {
        for run in words.windows(length) {
            runs.entry(spelled(run)).or_insert((0, run[0].0)).0 += 1;
        }
    }
    runs
}

type Item = (String, Vec<String>);

/// Scans documents as JSON Lines and as plain text and holds everything that is said against the plain way.
fn check(items: &[Item], documents: &[String], n: usize) -> usize {
    let mut index = Index::new(GramLength::new(n).unwrap(), 8);
    let others = |item: &Item| item.1.clone();
    for item in items {
        let others: Vec<&str> = item.1.iter().map(String::as_str).collect();
        assert!(index.push(&item.0, &others));
    }
    index.finish();
    let runs: Vec<_> = items
        .iter()
        .map(|item| plain_runs(&item.0, &others(item).iter().map(String::as_str).collect::<Vec<_>>(), n))
        .collect();
    let lengths: BTreeSet<usize> = runs.iter().flatten().map(|run| run.1).collect();
    let mut hits = 0;
    let mut lines = String::new();
    let mut seen: BTreeMap<String, (u64, Place)> = BTreeMap::new();
    for (number, document) in documents.iter().enumerate() {
        let (json, start) = (serde_json::to_string(document).unwrap(), lines.len());
        writeln!(lines, "{{\"id\":{number},\"text\":{json}}}").unwrap();
        let prefix = format!("{{\"id\":{number},\"text\":\"").len();
        for (run, (count, byte)) in plain_document(document, &lengths) {
            let escaped = serde_json::to_string(&document[..byte]).unwrap().len() - 2;
            let place = Place { file: 0, line: number as u64 + 1, byte: (start + prefix + escaped) as u64 };
            seen.entry(run).or_insert((0, place)).0 += count;
        }
        let mut reader = Reader::new(&index, "text");
        reader.go_to(Place { file: 3, line: 1, byte: 0 });
        let mut rest = document.as_str();
        while !rest.is_empty() {
            // Pieces end behind white space, as a reader of files cuts them.
            let cut = rest.char_indices().skip(40).find(|(_, character)| character.is_ascii_whitespace());
            let (piece, later) = rest.split_at(cut.map_or(rest.len(), |(at, _)| at + 1));
            reader.text(piece.as_bytes());
            rest = later;
        }
        reader.end_text();
        let plain = plain_document(document, &lengths);
        compare(&index, &reader.take(), &runs, |run| {
            let (count, byte) = *plain.get(run)?;
            let line = document[..byte].matches('\n').count() as u64 + 1;
            Some((count, Place { file: 3, line, byte: byte as u64 }))
        });
    }
    let mut reader = Reader::new(&index, "text");
    reader.json_lines(lines.as_bytes()).unwrap();
    hits += compare(&index, &reader.take(), &runs, |run| seen.get(run).copied());
    hits
}

fn compare(
    index: &Index,
    tally: &scan::Tally,
    runs: &[Vec<(usize, usize, String)>],
    plain: impl Fn(&str) -> Option<(u64, Place)>,
) -> usize {
    let mut hits = 0;
    for (found, runs) in scan::found(index, tally).zip(runs) {
        let there: Vec<_> = runs.iter().filter_map(|run| Some((run, plain(&run.2)?))).collect();
        assert_eq!((found.runs, found.runs_found), (runs.len(), there.len()), "{runs:?}");
        assert_eq!(found.most_seen, there.iter().map(|(_, (count, _))| *count).max().unwrap_or(0));
        let covered: BTreeSet<usize> = there.iter().flat_map(|(run, _)| run.0..run.0 + run.1).collect();
        assert_eq!(found.words_covered, covered.len());
        let first = there.iter().map(|(_, (_, place))| *place).min();
        assert_eq!(found.places.first().copied(), first, "{runs:?}");
        hits += usize::from(found.is_hit());
    }
    hits
}

fn item(question: &str, others: &[&str]) -> Item {
    (question.to_owned(), others.iter().map(|&other| other.to_owned()).collect())
}

#[test]
fn every_way_of_writing_a_text_is_found() {
    let question =
        "Which of the following is the best lens through which to investigate the role of child soldiers?";
    let items = [
        item(question, &["child", "peace"]),
        item("Is 2 + 2 = 4?", &[]),
        item("¿Qué número sigue al 7 en la serie de los primos, según Euclides y los suyos?", &[]),
        item("Who wrote down the seven wonders of old?", &["A", "B", "C", "D", "E", "F", "G"]),
        item("", &[""]),
        item("...", &[]),
    ];
    let documents = [
        format!("before {} after", question.to_uppercase()),
        question.replace(' ', " \t\r\n "),
        question.replace(' ', "\u{2003}").replace("lens", "l-e.n,s"),
        format!("\"{}\"", question.replace(' ', " -- ")),
        "so is 2 2 4\u{a0}and more".to_owned(),
        "¿Qué número sigue al 7 en la serie de los primos según Euclides y los suyos".to_owned(),
        "QUÉ NÚMERO sigue al 7 en la serie de los primos según Euclides y los suyos".to_owned(),
        "Who wrote down the seven wonders of old?\n(a) A\n(b) B".to_owned(),
        format!("{}{question}", "x".repeat(70_000)),
        format!("{} {question}", "x".repeat(70_000)),
        format!("{}{question}", " ".repeat(70_000)),
        format!("{}{question}", "...!\u{3000}".repeat(9_000)),
    ];
    assert_eq!(check(&items, &documents, 13), 4);
    assert_eq!(check(&items, &documents, 1), 4);
    assert_eq!(check(&items, &documents, 31), 4);
    assert_eq!(check(&items, &[], 13), 0);
}

/// Words of a small alphabet, so that runs recur.
fn text(most: usize) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[abAB]{1,2}",
        1 => "[a-c]{14,19}",
        1 => "[é\u{85}\u{a0}\u{2003}\u{3000}\u{1c}à中]{1,2}",
        1 => "[-.,!\"\\\\'()]{1,2}[ab]?",
    ];
    let space = prop_oneof![6 => Just(" "), 1 => Just("\n"), 1 => Just(" . "), 1 => Just("\u{2028}"), 1 => Just("  ")];
    prop::collection::vec((word, space), 0..most)
        .prop_map(|words| words.into_iter().map(|(word, space)| word + space).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(120) })]
    #[test]
    fn nothing_is_missed_and_nothing_made_up(
        items in prop::collection::vec((text(20), prop::collection::vec(text(4), 0..3)), 1..12),
        documents in prop::collection::vec(text(150), 0..5),
        n in 1_usize..16,
    ) {
        check(&items, &documents, n);
    }
}

/// A text as a string of JSON may spell it: some characters as they are, some escaped in one way or another.
fn in_json(text: &str, ways: &[u8]) -> String {
    let mut spelled = String::new();
    for (at, character) in text.chars().enumerate() {
        let way = ways.get(at % ways.len().max(1)).copied().unwrap_or(0);
        match (way, character) {
            (0, _) | (_, '\0'..' ' | '"' | '\\') => {
                let quoted = serde_json::to_string(&character.to_string()).unwrap();
                spelled.push_str(&quoted[1..quoted.len() - 1]);
            }
            (1, '/') => spelled.push_str("\\/"),
            (2, _) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(spelled, "\\u{unit:04X}").unwrap();
                }
            }
            _ => spelled.push(character),
        }
    }
    spelled
}

/// What is said of each item, but for places.
fn told(index: &Index, search: impl FnOnce(&mut Reader)) -> Vec<(usize, usize, usize, u64)> {
    let mut reader = Reader::new(index, "text");
    search(&mut reader);
    let tally = reader.take();
    scan::found(index, &tally)
        .map(|found| (found.runs_found, found.words_covered, found.longest, found.most_seen))
        .collect()
}

/// Characters of every kind that is treated in a way of its own, in stretches that fill more than one block.
fn odd_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-cA-C]{1,9}",
        2 => "[ \t\n\r\u{b}\u{c}\u{1c}-\u{1f}]{1,3}",
        2 => "[!-/:-@\\[-`{-~]{1,3}",
        1 => "[\u{80}-\u{a1}\u{1680}\u{1681}\u{2000}-\u{2010}\u{2028}-\u{2030}\u{205f}\u{3000}\u{3001}]{1,3}",
        1 => "[\u{0}-\u{8}\u{7f}é中\u{fffd}\u{1f600}\u{10ffff}]{1,3}",
        1 => "[a-z .]{60,70}",
    ];
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]
    #[test]
    fn every_character_and_its_escapes_are_what_the_rule_says(
        text in odd_text(),
        ways in prop::collection::vec(0_u8..4, 1..40),
        cut in 0_usize..4000,
        n in 1_usize..14,
    ) {
        let cut = text.floor_char_boundary(cut);
        let items = [item(&text, &[]), item(&text[..cut], &["a b c"]), item("a b c a b c a b", &[&text[cut..]])];
        check(&items, &[text.clone(), text[cut..].to_owned()], n);

        let mut index = Index::new(GramLength::new(n).unwrap(), 8);
        for (question, others) in &items {
            index.push(question, &others.iter().map(String::as_str).collect::<Vec<_>>());
        }
        index.finish();
        let plain = told(&index, |reader| reader.row(text.as_bytes()));
        let line = format!("{{\"text\":\"{}\"}}", in_json(&text, &ways));
        prop_assert_eq!(&plain, &told(&index, |reader| reader.json_lines(line.as_bytes()).unwrap()));
    }

    #[test]
    fn a_character_cut_off_hides_nothing(text in odd_text(), n in 1_usize..14) {
        let mut index = Index::new(GramLength::new(n).unwrap(), 8);
        index.push(&text, &[]);
        index.finish();
        let plain = told(&index, |reader| reader.row(text.as_bytes()));
        for torn in [&b" \xc2"[..], b" \xe2\x80", b" \xe3", b" \xf0\x9f\x98", b" \x80\x80\x80\x80\x80"] {
            let bytes = [text.as_bytes(), torn].concat();
            prop_assert_eq!(&plain, &told(&index, |reader| reader.row(&bytes)));
        }
    }
}

#[test]
fn long_documents_are_searched_across_blocks() {
    let mut random = stillmark_stats::draws::Draws::new(11);
    let words = ["alpha", "Beta,", "gamma", "delta's", "(épsilon)", "zeta", "eta.", "supercalifragilistic"];
    let mut draw = |count: usize| -> String {
        (0..count).flat_map(|_| [words[random.below(words.len())], " "]).collect()
    };
    let items: Vec<Item> = (0..200).map(|at| item(&draw(6 + at % 5), &[&draw(at % 3), &draw(1)])).collect();
    let documents: Vec<String> = [20_000, 9_000, 3].iter().map(|&count| draw(count)).collect();
    assert!(check(&items, &documents, 5) > 100);
    assert!(check(&items, &documents, 8) < 200);
}

#[test]
fn lines_that_are_no_documents_are_named() {
    let mut index = Index::new(GramLength::USUAL, 8);
    index.push("a question", &[]);
    index.finish();
    let check = |lines: &str, expected: &str| {
        let told = Reader::new(&index, "text").json_lines(lines.as_bytes()).unwrap_err().to_string();
        assert!(told.contains(expected), "{told}");
    };
    check("{\"text\":\"a\"}\n\n{\"text\":\"a", "line 3");
    check("{\"content\":\"a\"}", "no field `text`");
    check("{\"text\":[\"a\"]}", "is no text");
    check("{\"text\":\"a\",\"text\":\"b\"}", "twice");
    check("[1]", "an object");
    check("{\"text\":\"a\"} x", "line 1");
    check(&"[".repeat(100_000), "line 1");
    let mut reader = Reader::new(&index, "text");
    reader.json_lines(b"{\"text\":null}\r\n  \n{\"text\":\"\\ud800 \\\"A\\tQuestion\\u003f\"}").unwrap();
    assert_eq!(scan::found(&index, &reader.take()).filter(scan::Found::is_hit).count(), 1);
}

#[test]
fn the_vectors_of_the_page_hold() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/contamination-scan");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let vector: serde_json::Value = serde_json::from_str(&text).unwrap();
        let words = |key: &str| vector[key].as_str().unwrap();
        let others: Vec<&str> =
            vector["others"].as_array().unwrap().iter().map(|other| other.as_str().unwrap()).collect();
        let mut index = Index::new(GramLength::new(vector["n"].as_u64().unwrap() as usize).unwrap(), 8);
        index.push(words("question"), &others);
        index.finish();
        let mut reader = Reader::new(&index, "text");
        reader.row(words("document").as_bytes());
        let tally = reader.take();
        let found = scan::found(&index, &tally).next().unwrap();
        assert_eq!(found.is_hit(), words("expect") == "hit", "{}", words("name"));
        assert_eq!(found.runs as u64, vector["runs"].as_u64().unwrap(), "{}", words("name"));
        assert_eq!(found.runs_found as u64, vector["found"].as_u64().unwrap(), "{}", words("name"));
        seen += 1;
    }
    assert!(seen >= 10, "{seen} vectors");
}
