//! Digests against vectors made by another implementation of the page, and against a canonicalizer of RFC 8785.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;
use stillmark_benchmark::copies::{self, Json, Source, record_of_doc};
use stillmark_benchmark::digest::{self, Roots, SubsetDigest};
use stillmark_benchmark::record::{Answer, Record, Subset, View, loose};
use stillmark_benchmark::registry;
use unicode_normalization::UnicodeNormalization as _;

use crate::shared;

fn roots(value: &Value) -> Vec<String> {
    let names = ["strict", "loose", "order_free", "gold_free"];
    names.iter().map(|name| value[name].as_str().unwrap().to_owned()).collect()
}

fn found(roots: &Roots) -> Vec<String> {
    [roots.strict, roots.loose, roots.order_free, roots.gold_free].iter().map(ToString::to_string).collect()
}

#[test]
fn vectors_of_the_specification() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/benchmark-digest");
    let mut n = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let vector: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let (file, text) = (vector["file"].as_str().unwrap(), vector["text"].as_str().unwrap());
        let read = copies::read(&[Source { name: file, bytes: text.as_bytes() }]);
        let at = path.display();
        if vector["expect"] == "success" {
            let copy = read.unwrap_or_else(|err| panic!("{at}: {err}"));
            let [subset] = copy.subsets.as_slice() else { panic!("{at}: {:?}", copy.subsets) };
            let canonical: Vec<String> =
                subset.records.iter().map(|record| String::from_utf8(record.canonical()).unwrap()).collect();
            let wanted: Vec<&str> =
                vector["records"].as_array().unwrap().iter().map(|record| record.as_str().unwrap()).collect();
            assert_eq!(canonical, wanted, "{at}");
            assert_eq!(vector["subset"], subset.name, "{at}");
            assert_eq!(vector["split"], subset.split, "{at}");
            let digest = digest::subset(subset);
            assert_eq!(found(&digest.roots), roots(&vector["subset_digests"]), "{at}");
            assert_eq!(found(&digest::bench([digest.part()])), roots(&vector["digests"]), "{at}");
        } else {
            assert_eq!(vector["expect"], "malformed", "{at}");
            let said = read.map(|copy| format!("{copy:?}")).unwrap_err().to_string();
            assert!(said.contains(vector["says"].as_str().unwrap()) && said.contains(file), "{at}: {said}");
        }
        n += 1;
    }
    assert!(n >= 20, "{n} vectors");
}

#[test]
fn canonical_bytes_are_those_of_rfc_8785() {
    let odd = "\u{0}\u{1f} \" \\ / \u{7f} \u{2028} \u{1f600} \r \n \t \u{8} \u{c} é".to_owned();
    let answers = [
        Answer::Choice { choices: vec![odd.clone(), String::new()], gold: vec![1] },
        Answer::Choice { choices: vec!["a".into(), "b".into()], gold: vec![0, 1] },
        Answer::Labels { choices: vec![odd.clone(), "x".into()], labels: vec![true, false] },
        Answer::Open { gold: odd.clone() },
        Answer::Code { entry_point: "f".into(), gold: odd.clone(), test: odd.clone() },
    ];
    for answer in answers {
        for context in [None, Some(odd.clone())] {
            let record = Record { context, question: odd.clone(), answer: answer.clone() };
            for view in [View::Strict, View::GoldFree, View::Loose, View::LooseGoldFree, View::Unordered] {
                let mut ours = Vec::new();
                record.write(view, &mut ours);
                let value: Value = serde_json::from_slice(&ours).unwrap();
                let theirs = serde_json_canonicalizer::to_vec(&value).unwrap();
                assert_eq!(String::from_utf8(ours).unwrap(), String::from_utf8(theirs).unwrap());
            }
        }
    }
}

#[test]
fn loose_looks_through_encodings_only() {
    for (one, other) in [
        ("don\u{2019}t", "don't"),
        ("\u{201c}so\u{201d}", "\"so\""),
        (" a \u{a0} b\n", "a b"),
        ("e\u{301}", "\u{e9}"),
        ("\u{fb01}ne", "fine"),
        ("x\u{b2}", "x2"),
    ] {
        assert_eq!(loose(one), loose(other));
    }
    for (one, other) in [("a", "A"), ("5", "-5"), ("\u{2212}5", "-5"), ("a b", "ab"), ("a\u{200b}b", "ab")] {
        assert_ne!(loose(one), loose(other));
    }
}

/// One item in the layouts of hub, harness and author gives one record.
#[test]
fn layouts_of_one_item_give_one_record() {
    let same = |task: &str, docs: &[&str]| {
        let records: Vec<Record> =
            docs.iter().map(|doc| record_of_doc(task, &Json::parse(doc).unwrap()).unwrap()).collect();
        assert!(records.windows(2).all(|pair| pair[0] == pair[1]), "{records:?}");
    };
    same(
        "mmlu_anatomy",
        &[
            r#"{"question":"Q","subject":"anatomy","choices":["a","b","c","d"],"answer":2}"#,
            r#"{"question":"Q","choices":["a","b","c","d"],"answer":"C"}"#,
            r#"{"input":"Q","A":"a","B":"b","C":"c","D":"d","target":"C"}"#,
            r#"{"question":"Q","choice0":"a","choice1":"b","choice2":"c","choice3":"d","answer":"2"}"#,
        ],
    );
    same(
        "arc_challenge",
        &[
            r#"{"id":"1","question":"Q","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"B"}"#,
            r#"{"id":"1","question":"Q","choices":{"text":["a","b"],"label":["1","2"]},"answerKey":"2"}"#,
            r#"{"id":"1","question":{"stem":"Q","choices":[{"text":"a","label":"A"},{"text":"b","label":"B"}]},"answerKey":"B"}"#,
            r#"{"query":"Question: Q","choices":["a","b"],"gold":1}"#,
        ],
    );
    same(
        "hellaswag",
        &[
            r#"{"ind":4,"activity_label":"L","ctx_a":"A man.","ctx_b":"he","ctx":"A man. he","endings":["a","b"],"label":"1"}"#,
            r#"{"activity_label":"L","ctx_a":"A man.","ctx_b":"he","endings":["a","b"],"label":"1","query":"L: A man. He","choices":["a","b"],"gold":1}"#,
            r#"{"query":"L: A man. he","choices":["a","b"],"gold":1}"#,
        ],
    );
    same(
        "truthfulqa_mc1",
        &[
            r#"{"question":"Q","mc1_targets":{"a":1,"b":0},"mc2_targets":{"a":1}}"#,
            r#"{"question":"Q","mc1_targets":{"choices":["a","b"],"labels":[1,0]},"mc2_targets":{"choices":[],"labels":[]}}"#,
        ],
    );
}

#[test]
fn a_harness_that_shows_something_else_gives_another_record() {
    let doc = |query: &str, gold: &str| {
        format!(
            r#"{{"activity_label":"L","ctx_a":"A man.","ctx_b":"he","endings":["a","b"],"label":"1","query":"{query}","choices":["a","b"],"gold":{gold}}}"#
        )
    };
    let record = |doc: &str| record_of_doc("hellaswag", &Json::parse(doc).unwrap()).unwrap();
    let honest = record(&doc("L: A man. He", "1"));
    assert_ne!(record(&doc("L: A man. Now he", "1")), honest);
    assert_ne!(record(&doc("L: A man. He", "0")), honest);
}

/// What the registry says of rows without holding them.
#[test]
fn rows_are_known_without_the_data() {
    let Some(copy) = shared::copy("mmlu/test", "csv") else { return };
    let pinned = registry::recognize(&copy.subsets).unwrap();
    assert_eq!(pinned.name(), "mmlu");
    let digests: Vec<SubsetDigest> = copy.subsets.iter().map(digest::subset).collect();
    let against = pinned.compare(&copy.subsets, &digests);
    assert_eq!((against.verdict, against.rows.len()), (registry::Match::Strict, 0));
    assert_eq!(digest::bench(digests.iter().map(SubsetDigest::part)), *pinned.roots());
    let (mmlu, anatomy) = registry::of_task("mmlu_anatomy").unwrap();
    let subset = copy.subsets.iter().find(|subset| subset.name == "anatomy").unwrap();
    let found: Vec<_> = subset.records.iter().map(|record| mmlu.classify_in(anatomy, record)).collect();
    assert!(found.iter().all(|found| found.standing == registry::Standing::Genuine));
    let coverage = mmlu.coverage(Some(anatomy), &found[1..]);
    assert_eq!((coverage.missing.len(), coverage.repeated.len()), (1, 0));
    let mut record = subset.records[7].clone();
    let Answer::Choice { gold, .. } = &mut record.answer else { panic!("MMLU has choices") };
    gold[0] = (gold[0] + 1) % 4;
    assert_eq!(mmlu.classify(&record).standing, registry::Standing::GoldChanged);
    let Answer::Choice { choices: kept, gold } = &mut record.answer else { panic!("MMLU has choices") };
    gold[0] = (gold[0] + 3) % 4;
    kept.reverse();
    gold[0] = 3 - gold[0];
    assert_eq!(mmlu.classify(&record).standing, registry::Standing::ChoicesPermuted);
    record.question.push_str(" Really?");
    assert_eq!(mmlu.classify(&record).standing, registry::Standing::Unknown);
}

/// [`loose`] by the letter of the page: quotes folded, the whole brought to NFKC, quotes folded again, white space collapsed.
fn loose_plainly(text: &str) -> String {
    let quote = |character: char| match character {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2035}' | '\u{2039}' | '\u{203a}' | '\u{b4}' => '\'',
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' | '\u{ab}' | '\u{bb}' => '"',
        other => other,
    };
    let folded: String = text.chars().map(quote).nfkc().map(quote).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Texts in which everything that is folded, joined, split or collapsed stands next to everything else.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-z]{1,12}",
        4 => "[ \t\r\n\u{b}\u{c}]{1,3}",
        2 => "[\u{0}\u{1}\u{1c}\u{1f}\u{7f}\"\\\\/]",
        2 => "[\u{301}\u{327}\u{304}\u{e9}\u{65}\u{1e9b}\u{323}\u{fb01}\u{bd}\u{2026}]{1,4}",
        2 => "[\u{2018}\u{201c}\u{b4}\u{2033}\u{ff02}\u{ff07}\u{ab}]",
        2 => "[\u{a0}\u{85}\u{2003}\u{3000}\u{2028}]",
        1 => "[\u{1100}\u{1161}\u{11a8}\u{ac00}\u{0f71}\u{0f72}中]{1,4}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn record() -> impl Strategy<Value = Record> {
    let choices = || prop::collection::vec(text(), 0..4);
    let answer = prop_oneof![
        (choices(), prop::collection::vec(0_usize..4, 0..3))
            .prop_map(|(choices, gold)| Answer::Choice { choices, gold }),
        choices().prop_map(|choices| Answer::Labels { labels: vec![true; choices.len()], choices }),
        text().prop_map(|gold| Answer::Open { gold }),
        (text(), text(), text()).prop_map(|(entry_point, gold, test)| Answer::Code {
            entry_point,
            gold,
            test
        }),
    ];
    (prop::option::of(text()), text(), answer).prop_map(|(context, question, answer)| Record {
        context,
        question,
        answer,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]
    #[test]
    fn loose_is_what_the_page_says(text in text()) {
        prop_assert_eq!(loose(&text), loose_plainly(&text));
    }

    /// What is written once and hashed for several views is what each view writes.
    #[test]
    fn leaves_of_a_subset_are_those_of_its_views(records in prop::collection::vec(record(), 0..4)) {
        let subset = Subset { name: "one".to_owned(), split: "test".to_owned(), records };
        let digests = digest::subset(&subset);
        for (record, leaf) in subset.records.iter().zip(&digests.leaves) {
            prop_assert_eq!(leaf.strict, digest::leaf(record, View::Strict));
            prop_assert_eq!(leaf.loose, digest::leaf(record, View::Loose));
            prop_assert_eq!(leaf.gold_free, digest::leaf(record, View::GoldFree));
        }
    }
}
