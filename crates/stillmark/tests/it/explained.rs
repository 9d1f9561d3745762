//! Every word that an answer may hold has a page of `stillmark explain`, and every finding a place in the specification.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use stillmark_agreement::{DutyKind, LapseCode, Match, Verdict, Word as _};
use stillmark_benchmark::audit::Class;
use stillmark_benchmark::copies::NoteKind;
use stillmark_benchmark::{diff, registry};
use stillmark_evidence::FindingKind;
use stillmark_evidence::audit::Verdict as Verdicts;
use stillmark_evidence::checks::{Aspect, Assurance, CheckVerdict};
use stillmark_evidence::contamination::{Kind, Seen};
use stillmark_evidence::watermark::{Mark, Stretch, TextResult, Unscored, Verdict as Whose};

use crate::place::Place;

/// What `watermark marker find` says of hidden marks and manifests (`commands/watermark/marker`).
const HIDDEN: [&str; 9] = [
    "holds",
    "fails",
    "untested",
    "this-text",
    "another-text",
    "readable",
    "not-jumbf",
    "damaged",
    "one-of-several",
];

/// What `benchmark claim` and `benchmark spot-check judge` say (`commands/benchmark`).
const JUDGED: [&str; 10] = [
    "possible",
    "no-power",
    "not-testable",
    "other-rounding",
    "stderr-mismatch",
    "macro-mean",
    "impossible",
    "within-margin",
    "not-reproduced",
    "inflated",
];

/// What `ledger check` and `ledger witness` say beside the findings that `verify` has, too (`commands/ledger`).
const LOGGED: [&str; 10] = [
    "edited-entry",
    "dropped-entry",
    "inserted-entry",
    "reordered-entries",
    "edited-tile",
    "edited-range",
    "inconsistent",
    "too-few-witnesses",
    "cosigned",
    "refused",
];

fn spelled(word: impl serde::Serialize) -> String {
    serde_json::to_value(word).unwrap().as_str().unwrap().to_owned()
}

fn fields(value: impl serde::Serialize) -> Vec<String> {
    let value = serde_json::to_value(value).unwrap();
    value.as_object().unwrap().keys().cloned().collect()
}

/// The words of a watermark answer: verdicts, the reasons why tokens do not count, and the numbers that need a word.
fn words_of_marks() -> Vec<String> {
    let mut all = vec![spelled(Mark::Marked), spelled(Mark::NoEvidence), spelled(Whose::Attributed)];
    all.extend(fields(Unscored::default()));
    let mut result = TextResult::new("a", 1);
    (result.withheld, result.needed, result.decoy_p) = (Some(String::new()), Some(1), Some(1.0));
    (result.e_value, result.adjusted_ln_p) = (Some(1.0), Some(0.0));
    result.stretch = Some(Stretch { from: 0, to: 1, ln_p: 0.0, decoy_p: None });
    let explained = ["withheld", "needed", "decoy_p", "e_value", "adjusted_ln_p", "stretch"];
    all.extend(
        fields(result)
            .iter()
            .filter(|name| explained.contains(&name.as_str()))
            .map(|name| name.replace('_', "-")),
    );
    // What a scheme's reference begins with where there is none.
    all.push("unverified".to_owned());
    all
}

/// The words of `benchmark digest` and `benchmark diff`.
fn words_of_copies() -> Vec<String> {
    let mut all: Vec<String> = diff::Class::ALL.iter().map(|class| class.code().to_owned()).collect();
    all.extend(registry::Match::ALL.iter().map(|found| found.code().to_owned()));
    all.extend(["unknown-row", "missing-subset"].map(str::to_owned));
    all.extend([NoteKind::Repaired, NoteKind::Damaged].map(spelled));
    all
}

/// Every word, as `verify`, `agreement check` and `watermark` print it.
fn words() -> Vec<String> {
    let mut all: Vec<String> = FindingKind::ALL.iter().map(|kind| kind.code().to_owned()).collect();
    all.extend(Aspect::ALL.iter().map(|aspect| aspect.code().to_owned()));
    all.extend(DutyKind::ALL.iter().map(|(word, _)| (*word).to_owned()));
    all.extend(stillmark_agreement::codes().map(|(code, _)| code.to_owned()));
    all.extend([CheckVerdict::Pass, CheckVerdict::Fail, CheckVerdict::Inconclusive].map(spelled));
    all.push(spelled(CheckVerdict::NotRecorded));
    all.extend([Assurance::None, Assurance::SignedByUnknown, Assurance::Signed].map(spelled));
    all.push(spelled(Assurance::SignedAndLogged));
    all.extend([Verdict::Permit, Verdict::PermitWithDuties, Verdict::Review, Verdict::Forbid].map(spelled));
    all.extend(Match::ALL.map(spelled));
    all.extend(LapseCode::ALL.map(spelled));
    all.extend(words_of_marks());
    all.extend(HIDDEN.map(str::to_owned));
    all.extend(Class::ALL.map(|class| class.code().to_owned()));
    all.extend(stillmark_benchmark::mlperf::rules::CLASSES.map(str::to_owned));
    all.extend([Verdicts::NothingFound, Verdicts::Departs, Verdicts::Altered].map(spelled));
    all.extend([Kind::Exact, Kind::Approximate, Kind::NoPValue].map(spelled));
    all.push(spelled(Seen::Seen));
    all.extend(words_of_copies());
    all.extend(JUDGED.map(str::to_owned));
    all.extend(LOGGED.map(str::to_owned));
    all
}

#[test]
fn every_word_of_an_answer_has_one_page() {
    let place = Place::bare();
    let list: Value = serde_json::from_str(&place.done(&["explain", "--format", "json"])).unwrap();
    let mut pages: BTreeMap<&str, usize> = BTreeMap::new();
    for page in list["codes"].as_array().unwrap() {
        *pages.entry(page["code"].as_str().unwrap()).or_default() += 1;
    }
    assert_eq!(pages.iter().filter(|(_, times)| **times != 1).collect::<Vec<_>>(), [], "explained twice");
    let words = words();
    for word in &words {
        assert!(pages.contains_key(word.as_str()), "`{word}` is not explained");
    }
    for code in pages.keys() {
        assert!(words.iter().any(|word| word == code), "`{code}` is explained, and no answer holds it");
        let page = place.done(&["explain", code]);
        let (title, text) = page.split_once("\n\n").unwrap();
        assert!(title.starts_with(&format!("{code}: ")) && 60 < text.len(), "{page}");
    }
}

#[test]
fn every_finding_stands_in_the_specification() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec");
    let pages = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let text: String = pages.map(|path| fs::read_to_string(path).unwrap()).collect();
    for kind in FindingKind::ALL {
        assert!(text.contains(&format!("`{kind}`")), "no page of docs/spec says when `{kind}` is found");
    }
    for (word, _) in DutyKind::ALL {
        assert!(text.contains(&format!("`{word}`")), "no page of docs/spec names the duty `{word}`");
    }
}
