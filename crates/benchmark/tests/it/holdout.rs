//! Holdouts: the vectors of the specification, false alarms over random splits, and power.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use stillmark_benchmark::Error;
use stillmark_benchmark::contamination::asking::Answers;
use stillmark_benchmark::holdout::{
    self, Committed, Line, Secrets, check, commit, judge, parse_scores, split,
};
use stillmark_evidence::Digest;
use stillmark_evidence::contamination::{ContaminationFinding, Kind, Seen};
use stillmark_evidence::holdout::{HoldoutCommitment, HoldoutReveal};
use stillmark_stats::draws::Draws;

use crate::contamination::{Exact, within_band};

fn vectors(page: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors").join(page);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), serde_json::from_str(&text).unwrap())
        })
        .collect()
}

fn of<T: for<'de> Deserialize<'de>>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn the_vectors_are_judged_as_the_specification_says() {
    let all = vectors("holdout");
    assert!(all.len() > 10);
    for (name, vector) in all {
        let (commitment, reveal): (HoldoutCommitment, HoldoutReveal) =
            (of(&vector["commitment"]), of(&vector["reveal"]));
        let (public, revealed): (Vec<Line>, Vec<Line>) = (of(&vector["public"]), of(&vector["revealed"]));
        let found = check(&commitment, &reveal, &public, &revealed);
        let code = found.first().map_or("success", |finding| finding.kind.code());
        assert_eq!(code, vector["expect"].as_str().unwrap(), "{name}: {found:?}");
    }
}

#[test]
fn the_vectors_of_answers_are_read_or_refused() {
    let all = vectors("contamination-tests");
    assert!(all.len() > 7);
    for (name, vector) in all {
        let read = Answers::parse(vector["answers"].as_str().unwrap().as_bytes());
        match (read, vector["expect"].as_str().unwrap()) {
            (Ok(_), "success") => {}
            (Err(Error::Malformed { at, .. }), "malformed") => {
                assert_eq!(at, vector["at"].as_str().unwrap(), "{name}");
            }
            (read, expected) => panic!("{name}: {read:?} instead of {expected}"),
        }
    }
}

fn committed(items: u64, hidden: u64, seed: u64) -> (Committed, [u8; 32]) {
    let values: Vec<Value> = (0..items).map(|idx| json!({"question": format!("what is {idx}?")})).collect();
    let secrets = Secrets { seed: *Digest::of(&seed.to_be_bytes()).as_bytes(), salt: [7; 32] };
    (commit("made", &values, hidden, &secrets, None).unwrap(), secrets.seed)
}

fn reveal(of: &Committed, seed: [u8; 32], revealed: usize) -> HoldoutReveal {
    HoldoutReveal {
        schema: HoldoutReveal::SCHEMA.to_owned(),
        commitment: Digest::of(b"bundle"),
        seed: Digest::from_bytes(seed),
        revealed: revealed as u64,
        hidden: of.commitment.hidden,
        log: None,
    }
}

#[test]
fn what_is_committed_to_is_revealed_whole_or_in_part() {
    let (all, seed) = committed(40, 13, 1);
    assert_eq!((all.public.len(), all.hidden.len()), (27, 13));
    assert_eq!(check(&all.commitment, &reveal(&all, seed, 13), &all.public, &all.hidden), []);
    assert_eq!(check(&all.commitment, &reveal(&all, seed, 2), &all.public, &all.hidden[3..5]), []);
    let text = String::from_utf8(holdout::to_bytes(&all.hidden).unwrap()).unwrap();
    assert_eq!(holdout::parse(&text).unwrap(), all.hidden);
    let values = [json!(1), json!(2)];
    let secrets = Secrets { seed: [1; 32], salt: [2; 32] };
    for hidden in [0, 2, 3] {
        assert!(
            commit("made", &values, hidden, &secrets, None)
                .unwrap_err()
                .to_string()
                .contains("cannot be hidden")
        );
    }
}

#[test]
fn every_item_is_hidden_as_often_as_any_other() {
    let mut counts = [0_u64; 9];
    for seed in 0..6_000_u64 {
        for index in split(Digest::of(&seed.to_be_bytes()).as_bytes(), Some("words"), 9, 3) {
            counts[index as usize] += 1;
        }
    }
    let (low, high) = stillmark_stats::uniformity::binomial_band(6_000, 1.0 / 3.0, 1e-5);
    assert!(counts.iter().all(|count| (low..=high).contains(count)), "{counts:?}");
}

/// A model's scores: items differ much in how hard they are; public ones are answered right more often by `gain`.
fn judged(seed: u64, gain: f64, share: impl Fn(f64) -> f64) -> ContaminationFinding {
    let (all, secret) = committed(120, 40, seed);
    let drawn = split(&secret, None, 120, 40);
    let mut draws = Draws::new(seed);
    let mut uniform = || (draws.bits() >> 11) as f64 / 9_007_199_254_740_992.0;
    let scores: BTreeMap<u64, f64> = (0..120)
        .map(|index| {
            let hard = if index % 3 == 0 { 0.1 } else { 0.8 };
            let known = !drawn.contains(&index) && uniform() < gain;
            (index, if known { 1.0 } else { share(uniform() - 1.0 + hard) })
        })
        .collect();
    let revealed: BTreeSet<u64> = all.hidden.iter().map(|line| line.index).collect();
    judge(&all.commitment, (&revealed, &drawn), &scores, 0.01).unwrap()
}

fn right(chance: f64) -> f64 {
    f64::from(u8::from(chance > 0.0))
}

#[test]
fn false_alarms_are_as_rare_as_stated() {
    let binary: Vec<f64> = (0..1_000).map(|seed| judged(seed, 0.0, right).p.unwrap()).collect();
    within_band("holdout, right or wrong", &binary, Exact::AtMost);
}

#[test]
fn false_alarms_of_partial_scores_are_as_rare_as_stated() {
    let partial: Vec<f64> =
        (0..40).map(|seed| judged(seed, 0.0, |chance| chance.max(0.0)).p.unwrap()).collect();
    within_band("holdout, partial scores", &partial, Exact::AtMost);
}

#[test]
fn power_rises_with_what_is_known() {
    let found = [0.0, 0.2, 0.4, 0.6, 0.8]
        .map(|gain| (0..100).filter(|seed| judged(*seed, gain, right).verdict == Seen::Seen).count());
    assert_eq!(format!("{found:?}"), CURVE, "\n{found:?}");
}

/// Found of a hundred, at level 0.01, where 0, 20, … 80 % of 80 public items are known and 40 are hidden.
const CURVE: &str = "[1, 5, 32, 74, 98]";

#[test]
fn a_partial_reveal_has_no_p_value_and_missing_scores_are_named() {
    let (all, secret) = committed(20, 8, 3);
    let drawn = split(&secret, None, 20, 8);
    let some: BTreeSet<u64> = drawn.iter().copied().take(3).collect();
    let scores: BTreeMap<u64, f64> = (0..20).map(|index| (index, 1.0)).collect();
    let finding = judge(&all.commitment, (&some, &drawn), &scores, 0.01).unwrap();
    assert_eq!((finding.p, finding.valid.kind, finding.verdict), (None, Kind::NoPValue, Seen::Inconclusive));
    let one = scores.into_iter().take(1).collect();
    assert!(
        judge(&all.commitment, (&drawn, &drawn), &one, 0.01)
            .unwrap_err()
            .to_string()
            .contains("item 1: has no score")
    );
    assert!(
        parse_scores("{\"index\":1,\"score\":1}\n{\"index\":1,\"score\":0}")
            .unwrap_err()
            .to_string()
            .contains("line 2: item 1 is scored twice")
    );
    assert!(parse_scores("{\"index\":1,\"score\":1e999}").unwrap_err().to_string().contains("line 1"));
}
