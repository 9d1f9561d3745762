//! License files, cards and notices beside a model.

use std::path::Path;

use stillmark_agreement::{
    Beside, Card, Date, LapseCode, Mismatch, Pack, Provenance, Recognizer, RuleCode, TextFile, Verdict,
    called, evaluate, lint, mismatches, same_license,
};

fn file(name: &str, text: &str) -> TextFile {
    TextFile { name: name.into(), text: text.into() }
}

fn apache() -> TextFile {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../LICENSE");
    file("LICENSE", &std::fs::read_to_string(ours).unwrap())
}

fn card(license: &str) -> TextFile {
    file("README.md", &format!("---\nlicense: {license}\n---\n# tern\n"))
}

fn found(stated: &[&str], beside: &Beside) -> Vec<Mismatch> {
    let stated: Vec<String> = stated.iter().map(|id| (*id).to_owned()).collect();
    mismatches(&Pack::shipped().unwrap(), &Recognizer::shipped().unwrap(), "student", &stated, beside)
}

#[test]
fn cards_are_read_as_hubs_write_them() {
    let license = |text: &str| Card::of(text).license;
    assert_eq!(license("---\nlicense: apache-2.0\n---\n"), Some("apache-2.0".into()));
    assert_eq!(license("---\ntags:\n- x\nlicense: \"MIT\"  # really\n---\n"), Some("MIT".into()));
    assert_eq!(license("---\nlicense:\n- gemma\n- mit\n---\n"), Some("gemma".into()));
    assert_eq!(license("---\nlicense: [gemma, mit]\n---\n"), Some("gemma".into()));
    assert_eq!(license("---\nlicense: other\nlicense_name: qwen\n---\n"), Some("qwen".into()));
    assert_eq!(license("---\r\nlicense: mit\r\n---\r\n"), Some("mit".into()));
    for none in
        ["", "license: mit\n", "---\nlicense_link: x\n---\nlicense: mit\n", "---\nlicense:\n---\n", "---"]
    {
        assert_eq!(license(none), None, "{none:?}");
    }
    let whole = Card::of("---\nbase_model:\n  - acme/tern\nmodel_name: wren\n---\n");
    assert_eq!((whole.base_model.as_deref(), whole.model_name.as_deref()), (Some("acme/tern"), Some("wren")));
}

#[test]
fn a_license_file_that_says_otherwise_is_found() {
    let beside = |text: Option<TextFile>, license: Option<&str>| Beside {
        licenses: text.into_iter().collect(),
        card: license.map(card),
        ..Beside::default()
    };
    assert_eq!(found(&["apache-2.0"], &beside(Some(apache()), Some("Apache-2.0"))), []);
    assert_eq!(found(&[], &beside(Some(apache()), None)), []);
    assert_eq!(found(&[], &beside(None, Some("mit"))), []);
    assert_eq!(
        found(&["gemma4-apache"], &beside(Some(apache()), None)),
        [],
        "the same text under another id"
    );
    assert_eq!(found(&["gemma-2025-03"], &beside(None, Some("gemma"))), [], "an alias");
    assert_eq!(found(&["mit"], &beside(Some(apache()), None))[0].terms.as_deref(), Some("mit"));
    assert_eq!(found(&[], &beside(Some(apache()), Some("mit"))).len(), 1);
    assert_eq!(found(&["llama3.1"], &beside(None, Some("mit"))).len(), 1);
    let tern = Some(file("LICENSE", "Tern License. You may look at it."));
    assert!(found(&["mit"], &beside(tern.clone(), None))[0].says.contains("another text"));
    assert_eq!(found(&["mrl-0.1"], &beside(tern.clone(), None)), [], "a text without a fingerprint");
    assert_eq!(found(&[], &beside(tern, Some("tern-license"))), [], "a name that nobody knows");
}

#[test]
fn any_license_file_that_fits_is_enough() {
    let both = Beside {
        licenses: vec![file("LICENSE-DATA", "Tern."), apache()],
        card: Some(card("apache-2.0")),
        ..Beside::default()
    };
    assert_eq!(found(&["apache-2.0"], &both), []);
}

#[test]
fn names_and_texts_of_the_pack_go_together() {
    let pack = Pack::shipped().unwrap();
    let ids = |name: &str| called(&pack, name).iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids("MIT"), ["deepseek-r1-mit", "mit"]);
    assert_eq!(ids("gemma"), ["gemma-2024-04", "gemma-2025-03"]);
    assert_eq!(ids("no such license"), [""; 0]);
    assert!(
        same_license(&pack, "mit", "deepseek-r1-mit")
            && same_license(&pack, "cc-by-nc-4.0", "cohere-cc-by-nc")
    );
    assert!(!same_license(&pack, "mit", "apache-2.0") && !same_license(&pack, "mit", "nothing"));
}

const LLAMA: &str = r#"
target = "student"
[[asset]]
id = "base"
kind = "weights"
terms = ["llama3.1"]
[[asset]]
id = "student"
kind = "weights"
name = "Llama-tern"
[[edge]]
from = "base"
to = "student"
action = "fine-tune"
[declared]
audience = "distributed"
monthly_active_users = 5
"#;

#[test]
fn a_mismatch_is_a_review_with_an_ask_that_a_person_can_answer() {
    let day: Date = "2026-11-01".parse().unwrap();
    let ruling = evaluate(&Pack::shipped().unwrap(), &Provenance::parse(LLAMA).unwrap(), &day).unwrap();
    assert_eq!(ruling.verdict, Verdict::PermitWithDuties);
    let beside = Beside { licenses: vec![apache()], ..Beside::default() };
    let ruling = ruling.with_mismatches(found(&["llama3.1"], &beside));
    assert_eq!(ruling.verdict, Verdict::Review);
    let reason = ruling.reasons.iter().find(|reason| reason.rule == RuleCode::LicenseMismatch).unwrap();
    assert_eq!(reason.ask.as_deref(), Some("license/llama3.1/student"));
    assert!(reason.clause.contains("license-mismatch") && reason.says.contains("apache-2.0"));
}

#[test]
fn duties_are_held_against_name_and_files() {
    let (pack, recognizer) = (Pack::shipped().unwrap(), Recognizer::shipped().unwrap());
    let day: Date = "2026-11-01".parse().unwrap();
    let ruling = evaluate(&pack, &Provenance::parse(LLAMA).unwrap(), &day).unwrap();
    let codes = |name: &str, beside: &Beside| {
        lint(&pack, &recognizer, &ruling.duties, name, beside)
            .lapses
            .iter()
            .map(|lapse| lapse.code)
            .collect::<Vec<_>>()
    };
    let bare = codes("tern", &Beside::default());
    assert_eq!(
        bare,
        [LapseCode::NameLapse, LapseCode::NotShown, LapseCode::NoNotice, LapseCode::NoLicenseCopy]
    );
    let mut beside = Beside {
        licenses: vec![apache()],
        notices: vec![file("NOTICE", "a tern")],
        card: Some(file("README.md", "---\nlicense: llama3.1\n---\nbuilt\nwith *LLAMA*.\n")),
    };
    assert_eq!(codes("acme/llama_tern", &beside), [LapseCode::NoticeLacks, LapseCode::NoLicenseCopy]);
    beside.notices = vec![file("NOTICE.txt", "Under the **Llama 3.1**\nCommunity License.")];
    assert_eq!(codes("Llama-tern", &beside), [LapseCode::NoLicenseCopy]);
    let all = lint(&pack, &recognizer, &ruling.duties, "Llama-tern", &beside);
    assert_eq!(all.lapses.len() + all.met.len() + all.unchecked.len(), ruling.duties.len());
}

#[test]
fn a_share_alike_card_names_its_license() {
    let text = LLAMA.replace("llama3.1", "mg-by-sa-2.0");
    let (pack, recognizer) = (Pack::shipped().unwrap(), Recognizer::shipped().unwrap());
    let day: Date = "2026-11-01".parse().unwrap();
    let ruling = evaluate(&pack, &Provenance::parse(&text).unwrap(), &day).unwrap();
    let other = |license: &str| {
        let beside = Beside { card: Some(card(license)), ..Beside::default() };
        let lapses = lint(&pack, &recognizer, &ruling.duties, "tern", &beside).lapses;
        lapses.iter().any(|lapse| lapse.code == LapseCode::OtherLicense)
    };
    assert!(other("mit") && !other("MG-BY-SA-2.0") && !other("mg-by-sa"));
}
