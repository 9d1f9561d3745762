//! Details that lighteval 0.11's own tracker wrote over documents of ours, and rows in the layout of 0.6 (`tests/cli/benchmark-lighteval.in`).

use std::fs;
use std::path::Path;

use stillmark_benchmark::audit::{self, Part};
use stillmark_benchmark::log::{self, File, Harness, lighteval};

const STAMP: &str = "2026-11-27T20-05-36.827590";

fn bytes(name: &str) -> Vec<u8> {
    let name = if name.contains('/') { name.to_owned() } else { format!("new/{name}") };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli/benchmark-lighteval.in");
    fs::read(folder.join(&name)).unwrap_or_else(|err| panic!("{name}: {err}"))
}

/// The rows of a Parquet file as text.
fn rows(name: &str) -> String {
    let packed = bytes(name);
    assert!(lighteval::is_packed(name, &packed));
    String::from_utf8(lighteval::unpack(name, &packed).unwrap()).unwrap()
}

/// What an audit makes of files.
fn audited(files: &[(String, String)]) -> Vec<Part> {
    let files: Vec<File<'_>> =
        files.iter().map(|(name, text)| File { name, bytes: text.as_bytes() }).collect();
    assert!(files.iter().all(|file| log::recognize(file) == Some(Harness::Lighteval)));
    log::read(&files).unwrap().into_iter().map(|run| audit::run(run, None).unwrap()).collect()
}

/// A genuine run, each file changed.
fn genuine(edit: &dyn Fn(&str, String) -> String) -> Part {
    let results = format!("results_{STAMP}.json");
    let details = ["choice", "text"].map(|kind| format!("details_sums-{kind}_{STAMP}.parquet"));
    let mut files = vec![(results.clone(), String::from_utf8(bytes(&results)).unwrap())];
    files.extend(details.map(|name| (name.clone(), rows(&name))));
    let files: Vec<(String, String)> =
        files.into_iter().map(|(name, text)| (name.clone(), edit(&name, text))).collect();
    let mut parts = audited(&files);
    assert_eq!(parts.len(), 1);
    parts.remove(0)
}

fn classes(part: &Part) -> Vec<&str> {
    part.findings.iter().map(|found| found.class.as_str()).collect()
}

#[test]
fn a_genuine_run_is_scored_anew_without_a_finding() {
    let part = genuine(&|_, text| text);
    assert!(part.findings.is_empty(), "{:?}", part.findings);
    let scores: Vec<_> =
        part.scores.iter().map(|score| (score.task.as_str(), score.metric.as_str(), score.n)).collect();
    assert_eq!(scores, [("ours|sums:choice|0", "acc", 6), ("ours|sums:text|0", "em", 6)]);
    assert!(part.scores.iter().all(|score| score.claimed.is_some() && score.claimed == score.recomputed));
    assert_eq!((part.rows, part.rescored), (12, 12));
}

#[test]
fn what_does_not_follow_is_found() {
    let choice = |from: &'static str, to: &'static str| {
        genuine(&move |name, text| if name.contains("choice") { text.replacen(from, to, 1) } else { text })
    };
    assert_eq!(classes(&choice("\"acc\":0", "\"acc\":1")), ["score-forged"]);
    assert!(classes(&choice("-0.0625", "-9.5")).contains(&"score-forged"));
    let text = genuine(&|name, text| {
        if name.contains("text") { text.replacen("\"em\":0", "\"em\":1", 1) } else { text }
    });
    assert_eq!(classes(&text), ["score-forged"]);
    let total = genuine(&|name, text| {
        if name.starts_with("results") { text.replace("\"acc\": 0.5", "\"acc\": 0.75") } else { text }
    });
    assert_eq!(classes(&total), ["aggregate-forged"]);
}

#[test]
fn rows_of_old_versions_are_texts_of_python() {
    let name = "old/details_ours_2025-01-01T00-00-00.000001.parquet";
    let text = rows(name);
    assert!(text.contains(r#""choices":[" 4"," 5"," 5's"," 5\""]"#), "{text}");
    let [part] = audited(&[(name.to_owned(), text.clone())]).try_into().unwrap();
    assert!(part.findings.is_empty(), "{:?}", part.findings);
    // `acc_norm` is two metrics of one name; where they agree it is scored.
    let scored: Vec<_> = part.scores.iter().map(|score| (score.metric.as_str(), score.recomputed)).collect();
    assert_eq!(scored, [("acc", Some(0.5)), ("acc_norm", Some(0.5))]);
    let forged = text.replacen("\"acc\":0", "\"acc\":1", 1);
    let [part] = audited(&[(name.to_owned(), forged)]).try_into().unwrap();
    assert_eq!(classes(&part), ["score-forged"]);
}

#[test]
fn what_cannot_be_read_is_said() {
    let broken = lighteval::unpack("details_x_1.parquet", b"PAR1 and no more").unwrap_err().to_string();
    assert!(broken.contains("details_x_1.parquet"), "{broken}");
    let name = format!("details_x_{STAMP}.jsonl");
    let text = "{\"doc\":{\"query\":\"q\",\"choices\":[],\"gold_index\":3},\"model_response\":{\"text\":[\"a\"]},\"metric\":{}}";
    let files = [File { name: &name, bytes: text.as_bytes() }];
    let run = log::read(&files).unwrap().remove(0);
    let err = audit::run(run, None).unwrap_err().to_string();
    assert!(err.contains("row 1") && err.contains("gold_index"), "{err}");
}
