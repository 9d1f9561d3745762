//! The shipped terms pack as a whole.

use std::collections::BTreeSet;

use stillmark_agreement::{Action, Breach, Date, Pack, RuleCode, Scope, codes, explain};

#[test]
fn every_entry_file_is_shipped_under_its_own_id() {
    let pack = Pack::shipped().unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("terms");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    assert_eq!(files.len(), pack.entries().count());
    for file in files {
        let id = file.file_stem().unwrap().to_string_lossy();
        assert!(pack.get(&id).is_some(), "`{id}` is not in the list of shipped files");
    }
    assert!(45 <= pack.entries().count());
}

#[test]
fn every_rule_says_where_it_stands_and_what_it_means() {
    for entry in Pack::shipped().unwrap().entries() {
        for rule in &entry.rules {
            for text in [&rule.says, &rule.clause, &rule.source] {
                assert!(!text.trim().is_empty(), "{}: {rule:?}", entry.id);
            }
            assert!(!rule.on.is_empty(), "{}: {rule:?}", entry.id);
            assert!(rule.says.ends_with('.'), "{}: {}", entry.id, rule.says);
            for limit in &rule.limits {
                if let Breach::Duties(duties) = &limit.breach {
                    assert!(!duties.is_empty(), "{}: {rule:?}", entry.id);
                }
            }
        }
        if let Some(in_force) = &entry.in_force {
            assert!(in_force <= &entry.retrieved, "{}", entry.id);
        }
    }
}

#[test]
fn every_entry_speaks_of_training() {
    for entry in Pack::shipped().unwrap().entries() {
        let speaks = |action: Action| entry.rules.iter().any(|rule| rule.on.contains(&action));
        assert!(speaks(Action::TrainOnOutputs) && speaks(Action::Generate), "{}", entry.id);
        if entry.kind == Scope::Weights {
            assert!(speaks(Action::Init) && speaks(Action::DistillLogits), "{}", entry.id);
        }
    }
}

#[test]
fn digests_follow_the_bytes() {
    let text = include_str!("../../terms/mit.toml");
    let plain = Pack::parse([text]).unwrap();
    let commented = Pack::parse([format!("# a note\n{text}").as_str()]).unwrap();
    assert_ne!(plain.digest(), commented.digest());
    assert_eq!(Pack::shipped().unwrap().get("mit").unwrap().digest(), plain.get("mit").unwrap().digest());
}

#[test]
fn every_rule_code_is_explained() {
    let spelled = |code: RuleCode| serde_json::to_value(code).unwrap().as_str().unwrap().to_owned();
    for (name, code) in codes() {
        assert_eq!(spelled(code), name);
        assert!(explain(name).unwrap().len() > 60, "{name}");
    }
    assert_eq!(codes().count(), 15);
    assert!(explain("no-such-rule").is_none());
}

#[test]
fn texts_over_time_lead_to_listed_ones_and_never_in_a_circle() {
    let pack = Pack::shipped().unwrap();
    for entry in pack.entries() {
        let mut seen = BTreeSet::new();
        let mut next = Some(entry);
        while let Some(newer) = next {
            assert!(seen.insert(newer.id.as_str()), "{}: leads in a circle", entry.id);
            let older = newer.supersedes.as_deref().or(newer.follows.as_deref());
            next = older.map(|id| pack.get(id).unwrap_or_else(|| panic!("{}: no `{id}`", newer.id)));
            let known = newer.in_force.as_ref().zip(next.and_then(|older| older.in_force.as_ref()));
            assert!(
                known.is_none_or(|(newer, older)| older <= newer),
                "{}: older than `{older:?}`",
                newer.id
            );
        }
    }
}

#[test]
fn newer_texts_are_those_in_force_that_nothing_in_force_has_replaced() {
    let pack = Pack::shipped().unwrap();
    let newer = |id: &str, on: &str| {
        let on: Date = on.parse().unwrap();
        pack.newer(id, &on).iter().map(|entry| entry.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(newer("gemma-2024-04", "2025-03-23"), [""; 0]);
    assert_eq!(newer("gemma-2024-04", "2025-03-24"), ["gemma-2025-03"]);
    assert_eq!(newer("openai-terms-of-use-2023-03", "2024-06-01"), ["openai-terms-of-use-2024-01"]);
    assert_eq!(
        newer("openai-terms-of-use-2023-03", "2026-11-01"),
        ["openai-services-agreement", "openai-terms-of-use"]
    );
    assert_eq!(newer("llama3", "2026-11-01"), [""; 0]);
}
