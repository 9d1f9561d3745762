//! The gap between items found in a corpus and others: false alarms stay rare where difficulty goes with subject and length, and a real
//! gap is found.

use stillmark_benchmark::contamination::gap::{Item, judge};
use stillmark_evidence::contamination::{Kind, Seen};
use stillmark_stats::draws::Draws;
use stillmark_stats::uniformity::binomial_band;

const LEVEL: f64 = 0.05;

fn unit(draws: &mut Draws) -> f64 {
    draws.below(1 << 30) as f64 / f64::from(1 << 30)
}

/// What scores are.
#[derive(Clone, Copy, PartialEq)]
enum Scores {
    Hits,
    Graded,
}

/// Items of subjects that differ in difficulty, longer ones being harder and found more often; found ones score `lift` higher.
fn items(draws: &mut Draws, per_subject: usize, lift: f64, scores: Scores) -> Vec<Item> {
    let mut items = Vec::new();
    for (subject, ease) in [("a", 0.35), ("b", 0.5), ("c", 0.8)] {
        for _ in 0..per_subject {
            let long = draws.below(4);
            let is_found = unit(draws) < [0.02, 0.1, 0.2, 0.4][long] * if subject == "c" { 2.0 } else { 1.0 };
            let chance: f64 = ease - 0.05 * long as f64 + if is_found { lift } else { 0.0 };
            let hit = f64::from(u8::from(unit(draws) < chance));
            let score = if scores == Scores::Graded { f64::midpoint(hit, unit(draws)) } else { hit };
            items.push(Item { subject: subject.to_owned(), words: 20 + long, score, is_found });
        }
    }
    items
}

fn alarms(repeats: u64, seed: u64, per_subject: usize, lift: f64, scores: Scores) -> u64 {
    let alarm = |number: u64| {
        let items = items(&mut Draws::new(seed + number), per_subject, lift, scores);
        judge(&items, LEVEL, number).verdict == Seen::Seen
    };
    (0..repeats).filter(|number| alarm(*number)).count() as u64
}

#[test]
fn false_alarms_of_the_gap_stay_within_the_level() {
    let (_, most) = binomial_band(1_000, LEVEL, 0.001);
    let hits = alarms(1_000, 1, 120, 0.0, Scores::Hits);
    // Counts are steps, so that the test keeps to less than its level, but not to nothing.
    assert!(10 < hits && hits <= most, "{hits} of 1000, most {most}");
    let (least, most) = binomial_band(60, LEVEL, 0.001);
    let graded = alarms(60, 5_000, 60, 0.0, Scores::Graded);
    assert!((least..=most).contains(&graded), "{graded} of 60, {least} to {most}");
}

#[test]
fn what_subject_and_length_explain_is_no_gap() {
    // Compared without both, these items differ by several points.
    let items = items(&mut Draws::new(7), 20_000, 0.0, Scores::Hits);
    let mean = |is_found: bool| {
        let scores: Vec<f64> =
            items.iter().filter(|item| item.is_found == is_found).map(|item| item.score).collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    };
    assert!((mean(true) - mean(false)).abs() > 0.03);
    let finding = judge(&items, LEVEL, 0);
    assert_eq!(finding.verdict, Seen::NoEvidence);
    assert!(finding.statistic.value.unwrap().abs() < 0.015, "{:?}", finding.statistic);
}

#[test]
fn a_gap_is_found_as_often_as_is_said() {
    let items = items(&mut Draws::new(3), 400, 0.0, Scores::Hits);
    let power = judge(&items, LEVEL, 0).power;
    let least = power.least_effect.unwrap();
    assert!((0.03..0.15).contains(&least), "{least}");
    let found = alarms(300, 9_000, 400, least, Scores::Hits);
    let (low, high) = binomial_band(300, power.power, 0.001);
    // The effect is told from one draw of items; others have some found ones more or fewer.
    assert!((low - 15..=high + 15).contains(&found), "{found} of 300, {low} to {high}");
    assert!(alarms(100, 20_000, 400, 2.0 * least, Scores::Hits) > 97);
}

#[test]
fn nothing_is_said_where_there_is_nothing_to_compare() {
    for is_found in [false, true] {
        let one = |score: f64| Item { subject: "a".to_owned(), words: 9, score, is_found };
        let finding = judge(&[one(1.0), one(0.0)], LEVEL, 0);
        assert_eq!(
            (finding.verdict, finding.valid.kind, finding.p),
            (Seen::Inconclusive, Kind::NoPValue, None)
        );
        assert!(finding.parts[0].left_out.is_some());
    }
    assert_eq!(judge(&[], LEVEL, 0).verdict, Seen::Inconclusive);
    // Two items: even the clearest outcome comes by chance half the time.
    let pair = [(1.0, true), (0.0, false)];
    let pair = pair.map(|(score, is_found)| Item { subject: "a".to_owned(), words: 9, score, is_found });
    let finding = judge(&pair, LEVEL, 0);
    assert_eq!(finding.verdict, Seen::Inconclusive);
    assert!((finding.p.unwrap() - 0.5).abs() < 1e-12);
}
