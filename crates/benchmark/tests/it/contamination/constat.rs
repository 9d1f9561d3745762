//! Scores of simulated models on two benchmarks: false alarms, power, and refusals.

use stillmark_benchmark::contamination::constat::{Scored, Settings, judge, parse};
use stillmark_evidence::contamination::{Kind, Seen};
use stillmark_stats::draws::Draws;

use super::{Exact, within_band};

fn uniform(draws: &mut Draws) -> f64 {
    (draws.bits() >> 11) as f64 / 9_007_199_254_740_992.0
}

/// A model of some ability, a little better or worse at the benchmark than its ability says.
fn model(name: String, draws: &mut Draws, gain: f64) -> Scored {
    let ability = 0.25 + 0.6 * uniform(draws);
    let own = 0.04 * (uniform(draws) + uniform(draws) + uniform(draws) - 1.5);
    let chance = (ability * ability * 0.8 + 0.15 + own + gain).clamp(0.0, 1.0);
    let scores = |chance: f64, draws: &mut Draws| {
        (0..200).map(|_| f64::from(u8::from(uniform(draws) < chance))).collect()
    };
    Scored { model: name, benchmark: scores(chance, draws), reference: scores(ability, draws) }
}

fn round(models: usize, gain: f64, seed: u64) -> stillmark_evidence::contamination::ContaminationFinding {
    let mut draws = Draws::new(seed);
    let references: Vec<Scored> = (0..models).map(|idx| model(format!("m{idx}"), &mut draws, 0.0)).collect();
    let suspect = model("suspect".to_owned(), &mut draws, gain);
    judge(&suspect, &references, &Settings { rounds: 99, seed, level: 0.05 })
}

#[test]
fn false_alarms_of_clean_models_are_no_more_than_stated() {
    for models in [5, 8, 20] {
        let all: Vec<f64> = (0..200).map(|seed| round(models, 0.0, seed).p.unwrap_or(1.0)).collect();
        within_band(&format!("constat, {models} models"), &all, Exact::AtMost);
    }
}

#[test]
fn power_rises_with_the_gain() {
    let found = |models: usize| {
        [0.0, 0.1, 0.2, 0.3].map(|gain| {
            (0..60).filter(|seed| round(models, gain, *seed).verdict == Seen::Seen).count() * 100 / 60
        })
    };
    let told = format!("5 models {:?}, 20 models {:?}", found(5), found(20));
    assert_eq!(told, CURVES, "\n{told}");
}

/// Found of a hundred, at level 0.05, with gains of 0, 10, 20 and 30 points on 200 items.
const CURVES: &str = "5 models [1, 8, 25, 48], 20 models [3, 51, 95, 98]";

#[test]
fn few_models_and_equal_models_say_nothing() {
    let finding = round(4, 0.5, 1);
    assert_eq!((finding.verdict, finding.valid.kind, finding.p), (Seen::Inconclusive, Kind::NoPValue, None));
    let same: Vec<Scored> = (0..6)
        .map(|idx| Scored { model: idx.to_string(), benchmark: vec![1.0, 0.0], reference: vec![1.0, 0.0] })
        .collect();
    let finding = judge(&same[0], &same[1..], &Settings { rounds: 9, seed: 1, level: 0.05 });
    assert_eq!((finding.verdict, finding.p), (Seen::Inconclusive, None));
}

#[test]
fn scores_are_read_or_refused_by_line() {
    let said = |text: &str| parse(text).unwrap_err().to_string();
    assert!(
        said("{\"model\":\"a\",\"benchmark\":[1],\"reference\":[]}").contains("line 1: `a` has no scores")
    );
    assert!(said("\n{\"model\":\"a\",\"benchmark\":[1]}").contains("line 2: missing field `reference`"));
    let line = "{\"model\":\"a\",\"benchmark\":[1],\"reference\":[0.5]}\n";
    assert!(said(&line.repeat(2)).contains("line 2: `a` stands twice"));
    assert_eq!(parse(line).unwrap().len(), 1);
}
