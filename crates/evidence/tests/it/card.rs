//! What a card claims comes back as it was written, and edits show.

use stillmark_evidence::card::{self, Claims, TeacherShare};
use stillmark_evidence::{Digest, FindingKind};

fn claims() -> Claims {
    Claims {
        base_model: vec!["HuggingFaceTB/SmolLM2-135M-Instruct".to_owned()],
        base_model_relation: "finetune".to_owned(),
        datasets: vec![],
        license: "apache-2.0".to_owned(),
        teachers: vec![
            TeacherShare { name: "it's: a name".to_owned(), share: 1.0 / 3.0 },
            TeacherShare { name: "smollm2-135m".to_owned(), share: 2.0 / 3.0 },
        ],
        tokens: 123_456,
        record: Digest::of(b"record"),
    }
}

fn written(claims: &Claims) -> String {
    format!(
        "{}\n# A model\n\n{}\nMore.\n",
        card::render_front_matter(claims),
        card::render_claims_block(claims)
    )
}

#[test]
fn a_written_card_says_what_was_claimed() {
    let (read, inner) = card::parse(&written(&claims())).unwrap();
    assert_eq!(inner, []);
    assert_eq!(card::contradictions(&read, &claims()), []);
}

#[test]
fn each_edited_field_is_named() {
    let card = written(&claims());
    let edits = [
        ("base: [HuggingFaceTB/SmolLM2-135M-Instruct]", "base: [Other]", "base_model"),
        ("relation: finetune", "relation: merge", "base_model_relation"),
        ("datasets: []", "datasets: [mine]", "datasets"),
        ("license: apache-2.0", "license: mit", "license"),
        ("tokens: 123456", "tokens: 999", "stillmark.tokens"),
        ("smollm2-135m: 0.66667", "smollm2-135m: 0.16667", "stillmark.shares.smollm2-135m"),
        ("    smollm2-135m: 0.66667\n", "", "teachers"),
        ("record: 3", "record: 4", "stillmark.record"),
    ];
    for (from, to, field) in edits {
        let (from, to) = if field == "stillmark.record" {
            let digest = Digest::of(b"record").to_string();
            (format!("record: {digest}"), format!("record: {}", Digest::of(b"other")))
        } else {
            (from.to_owned(), to.to_owned())
        };
        assert!(card.contains(&from), "{from}");
        let (read, _) = card::parse(&card.replacen(&from, &to, 1)).unwrap();
        let fields: Vec<String> =
            card::contradictions(&read, &claims()).into_iter().map(|c| c.field).collect();
        assert!(fields.contains(&field.to_owned()), "{field}: {fields:?}");
    }
}

#[test]
fn an_edited_sentence_contradicts_the_front_matter() {
    let card = written(&claims()).replace("Distilled from", "Inspired by");
    let (_, inner) = card::parse(&card).unwrap();
    assert_eq!(inner[0].field, "claims");
}

#[test]
fn the_hub_is_shown_the_base_and_the_other_teachers() {
    let card = written(&claims());
    let shown = "base_model:\n- HuggingFaceTB/SmolLM2-135M-Instruct\n- 'it''s: a name'\n- smollm2-135m\n";
    assert!(card.contains(shown), "{card}");
    let (read, inner) = card::parse(&card.replace("- smollm2-135m\n", "")).unwrap();
    assert_eq!(read.base_model, claims().base_model);
    assert_eq!(inner[0].field, "base_model");
    let base_only = Claims { base_model: vec!["smollm2-135m".to_owned()], ..claims() };
    let base_only = Claims { teachers: base_only.teachers[1..].to_vec(), ..base_only };
    let card = written(&base_only);
    assert!(!card.contains("  base:"), "{card}");
    assert_eq!(card::parse(&card).unwrap().0.base_model, base_only.base_model);
}

#[test]
fn a_license_that_the_hub_does_not_list_goes_by_its_name() {
    let claims = Claims { license: "gemma-2025-03".to_owned(), ..claims() };
    let card = written(&claims);
    assert!(card.contains("license: other\nlicense_name: gemma-2025-03\n"), "{card}");
    assert_eq!(card::parse(&card).unwrap().0.license, "gemma-2025-03");
}

#[test]
fn cards_that_cannot_be_read_are_malformed() {
    let card = written(&claims());
    let broken = [
        String::new(),
        card.replace("<!-- stillmark:claims -->", ""),
        card.replacen("---\n", "", 1),
        card.replace("license: apache-2.0", "license: {a: b}"),
        card.replace("license: apache-2.0", "license: mit\nlicense: apache-2.0"),
        format!("{card}{}", card::render_claims_block(&claims())),
    ];
    for text in broken {
        assert_eq!(card::parse(&text).unwrap_err().kind, FindingKind::Malformed, "{text}");
    }
}

#[test]
fn other_spellings_of_the_same_yaml_are_read() {
    let card = written(&claims());
    let respelled = card
        .replace(
            "  base: [HuggingFaceTB/SmolLM2-135M-Instruct]\n",
            "  base: \"HuggingFaceTB/SmolLM2-135M-Instruct\" # one\n",
        )
        .replace("datasets: []\n", "");
    let (read, _) = card::parse(&respelled).unwrap();
    assert_eq!(card::contradictions(&read, &claims()), []);
}
