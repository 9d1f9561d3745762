//! Every change to a copy is classed, and nothing else is.

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use stillmark_benchmark::copies::{self, Copy, NoteKind, Source};
use stillmark_benchmark::diff::{Class, Diff, diff};
use stillmark_benchmark::record::{Answer, Record, Subset};

use crate::shared;

fn read(name: &str, text: &str) -> Copy {
    copies::read(&[Source { name, bytes: text.as_bytes() }]).unwrap()
}

fn rows(found: &Diff) -> Vec<Value> {
    let changed = found.rows.iter().filter(|row| row.classes != [Class::Identical]);
    let index = |place: &Option<stillmark_benchmark::diff::Place>| place.map(|place| place.index);
    changed
        .map(|row| json!({"index_a": index(&row.a), "index_b": index(&row.b), "classes": row.classes}))
        .collect()
}

#[test]
fn vectors_of_the_specification() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/benchmark-diff");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let vector: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let text = |key: &str| vector[key].as_str().unwrap();
        let found = diff(&read(text("file_a"), text("a")), &read(text("file_b"), text("b")));
        let at = path.display();
        assert_eq!(Value::from(rows(&found)), vector["rows"], "{at}");
        let counts = found.counts.iter().filter(|(_, count)| **count > 0);
        let counts: serde_json::Map<String, Value> =
            counts.map(|(class, count)| (class.code().to_owned(), json!(count))).collect();
        assert_eq!(Value::from(counts), vector["counts"], "{at}");
        assert_eq!(if found.is_identical() { "identical" } else { "differs" }, vector["expect"], "{at}");
    }
}

fn mmlu() -> Option<Copy> {
    shared::copy("mmlu/test", "csv")
}

fn counts(found: &Diff) -> Vec<(&'static str, usize)> {
    let some = found.counts.iter().filter(|(_, count)| **count > 0);
    some.map(|(class, count)| (class.code(), *count)).collect()
}

fn changed(copy: &Copy, change: impl Fn(&mut Vec<Record>)) -> Copy {
    let mut copy = copy.clone();
    copy.subsets.iter_mut().for_each(|subset| change(&mut subset.records));
    copy
}

/// The whole of MMLU: exactly the rows that were changed are told, in the class of their change.
#[test]
fn changes_to_the_whole_of_mmlu_are_classed() {
    let Some(copy) = mmlu() else { return };
    let n = 14_042;
    let start = Instant::now();
    assert_eq!(counts(&diff(&copy, &copy)), [("identical", n)]);
    println!("identical: {:?}", start.elapsed());
    let every = |records: &[Record]| (0..records.len()).step_by(10).collect::<Vec<_>>();
    let golds = changed(&copy, |records| {
        for idx in every(records) {
            let Answer::Choice { gold, .. } = &mut records[idx].answer else { panic!("choices") };
            gold[0] = (gold[0] + 1) % 4;
        }
    });
    let n_changed: usize = copy.subsets.iter().map(|subset| every(&subset.records).len()).sum();
    assert_eq!(counts(&diff(&copy, &golds)), [("gold-changed", n_changed), ("identical", n - n_changed)]);
    let questions = changed(&copy, |records| {
        for idx in every(records) {
            records[idx].question.insert_str(0, "Now then: ");
        }
    });
    assert_eq!(
        counts(&diff(&copy, &questions)),
        [("question-edited", n_changed), ("identical", n - n_changed)]
    );
    let dropped = changed(&copy, |records| {
        records.remove(3);
    });
    assert_eq!(counts(&diff(&copy, &dropped)), [("dropped", 57), ("identical", n - 57)]);
    let doubled = changed(&copy, |records| records.insert(0, records[5].clone()));
    assert_eq!(counts(&diff(&copy, &doubled)), [("duplicated", 57), ("identical", n)]);
    let start = Instant::now();
    let rewritten = changed(&copy, |records| {
        for record in records {
            record.question = record.question.replace("the ", "a ") + " Choose.";
            let Answer::Choice { choices, .. } = &mut record.answer else { panic!("choices") };
            choices[0].push_str(" (see above)");
        }
    });
    let found = diff(&copy, &rewritten);
    println!("all rows rewritten: {:?}", start.elapsed());
    assert_eq!(found.rows.len(), n, "{:?}", counts(&found));
    assert_eq!(found.counts[&Class::ChoicesEdited], n, "{:?}", counts(&found));
    assert_eq!(found.counts[&Class::GoldChanged], 0, "{:?}", counts(&found));
}

/// One file without subjects is the same benchmark as 57 files with them.
#[test]
fn one_file_is_compared_with_many() {
    let Some(copy) = mmlu() else { return };
    let records = copy.subsets.iter().flat_map(|subset| subset.records.clone()).collect();
    let one = Copy {
        subsets: vec![Subset { name: "all".into(), split: String::new(), records }],
        notes: Vec::new(),
    };
    assert_eq!(counts(&diff(&copy, &one)), [("identical", 14_042)]);
}

fn csv(records: &[Record], cell: impl Fn(&str) -> String) -> String {
    let mut out = "question,choice0,choice1,choice2,choice3,answer\n".to_owned();
    for record in records {
        let Answer::Choice { choices, gold } = &record.answer else { panic!("choices") };
        let cells: Vec<String> =
            std::iter::once(&record.question).chain(choices).map(|text| cell(text)).collect();
        out.push_str(&cells.join(","));
        out.extend([",", &gold[0].to_string(), "\n"]);
    }
    out
}

/// Written without quotes, or with quotes that are not doubled: no row is lost, none is taken for another, and the rows that no comma or
/// quote touches are identical.
#[test]
fn damaged_quoting_is_repaired_or_told() {
    let Some(copy) = mmlu() else { return };
    for subset in &copy.subsets {
        let a = Copy { subsets: vec![subset.clone()], notes: Vec::new() };
        let is_plain = |record: &Record| {
            let texts = std::iter::once(&record.question).chain(record.choices());
            !texts.into_iter().any(|text| text.contains([',', '"', '\n', '\r']))
        };
        for (how, text) in [
            ("without quotes", csv(&subset.records, str::to_owned)),
            ("quotes not doubled", csv(&subset.records, |text| format!("\"{text}\""))),
        ] {
            let b = read(&format!("{}_test.csv", subset.name), &text);
            let found = diff(&a, &b);
            let lost = found.rows.iter().filter(|row| row.b.is_none()).count();
            let untouched = found.rows.iter().filter(|row| {
                let record = row.a.map(|place| &subset.records[place.index]);
                record.is_some_and(is_plain) && row.classes != [Class::Identical]
            });
            assert_eq!(untouched.count(), 0, "{} {how}", subset.name);
            let told = b.notes.iter().filter(|note| note.kind != NoteKind::File).count();
            println!(
                "{} {how}: {} rows, {lost} lost, {told} told, {:?}",
                subset.name,
                subset.records.len(),
                counts(&found)
            );
            assert!(lost * 10 <= subset.records.len(), "{} {how}: {lost} lost", subset.name);
        }
    }
}
