//! Long chains and arbitrary texts.

use proptest::prelude::*;
use stillmark_agreement::{
    Action, Asset, Card, Declared, Edge, Fingerprint, Kind, Pack, Parts, Provenance, Recognizer, Verdict,
    evaluate,
};

fn model(id: String, terms: &[&str]) -> Asset {
    let terms = terms.iter().map(|id| (*id).to_owned()).collect();
    Asset { id, kind: Kind::Weights, name: None, family: None, terms, grant: None, line: 0 }
}

#[test]
fn a_chain_of_two_thousand_students_keeps_the_first_ones_terms() {
    let mut assets = vec![model("0".into(), &["gemma-2025-03"])];
    let mut edges = Vec::new();
    for step in 1..=2000 {
        assets.push(model(step.to_string(), &[]));
        let (from, to) = ((step - 1).to_string(), step.to_string());
        edges.push(Edge { from, to, action: Action::TrainOnOutputs, tokens: None, line: 0 });
    }
    let parts = Parts { target: "2000".into(), on: None, assets, edges, declared: Declared::default() };
    let ruling =
        evaluate(&Pack::shipped().unwrap(), &Provenance::new(parts).unwrap(), &"2026-11-01".parse().unwrap())
            .unwrap();
    assert_eq!(ruling.verdict, Verdict::PermitWithDuties);
    assert!(ruling.duties.iter().all(|duty| duty.asset == "2000"));
}

fn recognizer() -> &'static Recognizer {
    static SHIPPED: std::sync::LazyLock<Recognizer> =
        std::sync::LazyLock::new(|| Recognizer::shipped().unwrap());
    &SHIPPED
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        let _ = Provenance::parse(&text);
        let _ = Pack::parse([text.as_str()]);
    }

    #[test]
    fn any_text_is_recognized_or_unknown(text in "(Copyright |\\(c\\) 2024|\\]\\(|the|license|©|---|: |\n|\\PC){0,60}") {
        let found = recognizer().recognize(&text);
        prop_assert!(found.candidates.iter().all(|candidate| (0.0..=1.0).contains(&candidate.likeness)));
        let _ = (Card::of(&text), Fingerprint::parse(&text));
    }

    #[test]
    fn a_cut_file_is_read_or_refused(cut in 0usize..600) {
        let whole = include_str!("../../terms/llama3.3.toml");
        if let Some(part) = whole.get(..cut) {
            let _ = Pack::parse([part]);
        }
    }
}
