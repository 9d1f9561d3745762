//! Every vector of docs/spec/vectors/{agreement,provenance-file,terms-pack}.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use stillmark_agreement::{Answer, Date, Error, Offer, Pack, Provenance, Ruling, Verdict, evaluate};

/// Reads all vectors of a folder, with their names.
pub(crate) fn vectors(folder: &str) -> Vec<(String, Value)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty(), "no vectors in {}", path.display());
    let read = |file: &std::path::PathBuf| {
        let text = std::fs::read_to_string(file).unwrap();
        (file.file_stem().unwrap().to_string_lossy().into_owned(), serde_json::from_str(&text).unwrap())
    };
    files.iter().map(read).collect()
}

/// The closed list of words for what can go wrong.
fn word(error: &Error) -> &'static str {
    match error {
        Error::Toml { .. } => "toml",
        Error::UnknownKey { .. } => "unknown-key",
        Error::Missing { .. } => "missing",
        Error::WrongType { .. } => "wrong-type",
        Error::UnknownWord { .. } => "unknown-word",
        Error::Duplicate { .. } => "duplicate",
        Error::UnknownAsset { .. } => "unknown-asset",
        Error::Cycle { .. } => "cycle",
        Error::UnknownTerms { .. } => "unknown-terms",
        Error::NotTheValue { .. } => "not-the-value",
        Error::NotThePreset { .. } => "not-the-preset",
        _ => "other",
    }
}

fn check_refusal(name: &str, vector: &Value, outcome: Result<(), Error>) {
    let expected = vector["expect"].as_str().unwrap();
    match outcome {
        Ok(()) => assert_eq!(expected, "success", "{name}: was accepted"),
        Err(error) => {
            assert_eq!(expected, word(&error), "{name}: {error}");
            let message = error.to_string();
            if let Some(line) = vector.get("line") {
                assert!(message.starts_with(&format!("line {line}:")), "{name}: {message}");
            }
            if let Some(near) = vector.get("near").and_then(Value::as_str) {
                assert!(message.contains(&format!("did you mean `{near}`?")), "{name}: {message}");
            }
        }
    }
}

#[test]
fn provenance_files_are_read_strictly() {
    let pack = Pack::shipped().unwrap();
    let day: Date = "2026-11-01".parse().unwrap();
    for (name, vector) in vectors("provenance-file") {
        let text = vector["text"].as_str().unwrap();
        let outcome = Provenance::parse(text).and_then(|provenance| evaluate(&pack, &provenance, &day));
        check_refusal(&name, &vector, outcome.map(drop));
    }
}

#[test]
fn entries_of_the_pack_are_read_strictly() {
    for (name, vector) in vectors("terms-pack") {
        let text = vector["text"].as_str().unwrap();
        check_refusal(&name, &vector, Pack::parse([text]).map(drop));
    }
}

#[test]
fn offers_are_taken_whole() {
    for (name, vector) in vectors("offer") {
        let text = vector["text"].as_str().unwrap();
        check_refusal(&name, &vector, Offer::parse(text).map(drop));
    }
}

fn rule_on(vector: &Value) -> Ruling {
    let provenance = Provenance::parse(vector["text"].as_str().unwrap()).unwrap();
    let day = provenance.on().cloned().unwrap_or_else(|| "2026-11-01".parse().unwrap());
    evaluate(&Pack::shipped().unwrap(), &provenance, &day).unwrap()
}

/// The vectors of single rules, and the chains of public releases.
fn chains() -> impl Iterator<Item = (String, Value)> {
    vectors("agreement").into_iter().chain(vectors("agreement/golden"))
}

#[test]
fn chains_are_judged_as_the_vectors_say() {
    let mut wrong = Vec::new();
    for (name, vector) in chains() {
        let ruling = rule_on(&vector);
        let answer = serde_json::to_value(Answer::of(&ruling)).unwrap();
        let text = |key: &str| vector.get(key).and_then(Value::as_str);
        let matches = |reason: &&Value| {
            vector.get("terms").is_none_or(|terms| *terms == reason["terms"])
                && text("rule").is_none_or(|rule| reason["rule"] == rule)
                && text("clause").is_none_or(|clause| reason["clause"].as_str().unwrap().contains(clause))
                && (ruling.verdict < Verdict::Review || reason["effect"] == answer["verdict"])
        };
        let reasoned = answer["reasons"].as_array().unwrap().iter().any(|reason| matches(&reason));
        let duties = answer["duties"].as_array().unwrap();
        let dutiful = text("duty").is_none_or(|duty| duties.iter().any(|found| found["duty"] == duty));
        let dutiful =
            dutiful && text("not_duty").is_none_or(|duty| duties.iter().all(|found| found["duty"] != duty));
        let noted = text("note").is_none_or(|note| ruling.notes.iter().any(|found| found.contains(note)));
        let asked: BTreeSet<&str> = ruling.asks.iter().map(|ask| ask.id.as_str()).collect();
        let wanted = vector.get("asks").and_then(Value::as_array).cloned().unwrap_or_default();
        let noted = noted && wanted.iter().all(|id| asked.contains(id.as_str().unwrap()));
        if answer["verdict"] != vector["expect"] || !reasoned || !dutiful || !noted {
            wrong.push(format!("{name}: {}\n{answer:#}", vector["description"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_reason_names_a_path_and_a_clause_and_every_review_an_ask() {
    for (name, vector) in chains() {
        let ruling = rule_on(&vector);
        let asked: BTreeSet<&str> = ruling.asks.iter().map(|ask| ask.id.as_str()).collect();
        assert_eq!(asked.len(), ruling.asks.len(), "{name}: ask ids repeat");
        for reason in &ruling.reasons {
            assert!(!reason.path.is_empty() && !reason.clause.trim().is_empty(), "{name}: {reason:?}");
            let has_ask = reason.ask.as_deref().is_some_and(|ask| asked.contains(ask));
            assert_eq!(has_ask, reason.effect == Verdict::Review, "{name}: {reason:?}");
        }
        assert_eq!(ruling.asks.is_empty(), ruling.reasons.iter().all(|reason| reason.ask.is_none()));
    }
}

#[test]
fn every_golden_chain_says_what_it_is_modelled_on_and_why_it_ends_so() {
    let golden = vectors("agreement/golden");
    assert!(40 <= golden.len());
    for (name, vector) in golden {
        for key in ["description", "page", "expect", "clause", "rule"] {
            let text = vector[key].as_str().unwrap_or_default();
            assert!(!text.trim().is_empty(), "{name}: no `{key}`");
        }
        assert!(vector.get("terms").is_some(), "{name}: no `terms`");
    }
}
