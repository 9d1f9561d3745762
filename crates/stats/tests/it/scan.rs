use stillmark_stats::scan::{Null, best_window};
use stillmark_stats::uniformity::binomial_band;
use stillmark_stats::{PValue, tail};

use crate::random::Random;
use crate::tails::number;
use crate::{rows, vectors};

#[test]
fn fused_tails_are_those_of_the_vectors() {
    let mut rows_seen = 0;
    for vector in vectors("tails") {
        for row in rows(&vector, "gamma_fused") {
            rows_seen += 1;
            let found = tail::gamma_fused(row["n"].as_u64().unwrap(), number(row, "alpha"), number(row, "x"));
            let ln_p = number(row, "ln_p");
            assert!((found.ln() - ln_p).abs() <= 1e-12 * ln_p.abs().max(1.0), "{row}: {}", found.ln());
        }
    }
    assert!(rows_seen > 30, "{rows_seen} rows");
    assert_eq!(tail::gamma_fused(0, 0.1, 5.0), PValue::ONE);
    assert_eq!(tail::gamma_fused(10, 0.1, f64::NAN), PValue::ONE);
    assert_eq!(tail::gamma_fused(10, f64::NAN, 5.0), PValue::ONE);
    assert_eq!(tail::gamma_fused(10, 0.0, 25.0), tail::gamma(10.0, 25.0));
}

/// An unmarked score.
fn null_score(random: &mut Random, null: Null) -> f64 {
    match null {
        Null::Fused { alpha } => (1.0 - alpha) * random.exponential() + alpha * random.exponential(),
        Null::Bernoulli { gamma } => f64::from(u8::from(random.succeeds(gamma))),
        _ => random.exponential(),
    }
}

#[test]
fn windows_of_unmarked_text_raise_no_more_alarms_than_stated() {
    let check = |null: Null| {
        let mut random = Random(5);
        let texts = 1_000;
        let alarms = (0..texts).filter(|_| {
            let scores: Vec<f64> = (0..300).map(|_| null_score(&mut random, null)).collect();
            best_window(&scores, null, 16).is_some_and(|stretch| stretch.p <= PValue::new(0.05))
        });
        let (alarms, most) = (alarms.count() as u64, binomial_band(texts, 0.05, 2e-3).1);
        assert!(alarms <= most, "{null:?}: {alarms}, at most {most}");
    };
    check(Null::Gamma);
    check(Null::Fused { alpha: 0.1 });
    check(Null::Bernoulli { gamma: 0.25 });
}

#[test]
fn stretches_are_found_where_they_lie() {
    let check = |null: Null, marked: &dyn Fn(&mut Random) -> f64, from: usize, to: usize| {
        let mut random = Random(9);
        let mut score = |site: usize| {
            if (from..to).contains(&site) { marked(&mut random) } else { null_score(&mut random, null) }
        };
        let scores: Vec<f64> = (0..2_000).map(&mut score).collect();
        let stretch = best_window(&scores, null, 16).unwrap();
        assert!(stretch.p.value() < 1e-6, "{null:?}: {stretch:?}");
        let (off_from, off_to) = (stretch.from.abs_diff(from), stretch.to.abs_diff(to));
        assert!(off_from <= 15 && off_to <= 15, "{null:?}: {stretch:?} for {from}..{to}");
    };
    check(Null::Gamma, &|random| 2.5 * random.exponential(), 700, 900);
    check(Null::Fused { alpha: 0.1 }, &|random| 2.5 * random.exponential(), 0, 150);
    check(Null::Bernoulli { gamma: 0.25 }, &|random| f64::from(u8::from(random.succeeds(0.7))), 1_850, 2_000);
}

#[test]
fn windows_are_counted_and_the_ends_covered() {
    // Of 10 sites: 4 of length 4 (0, 2, 4, 6), 2 of 8 (0 and 2), and the whole.
    let stretch = best_window(&[1.0; 10], Null::Gamma, 4).unwrap();
    assert_eq!(stretch.windows, 4 + 2 + 1);
    assert_eq!(best_window(&[1.0; 3], Null::Gamma, 4), None);
    assert_eq!(best_window(&[], Null::Gamma, 0), None);
    let mut scores = vec![1.0; 64];
    scores[5] = f64::NAN;
    scores[7] = f64::INFINITY;
    assert_eq!(best_window(&scores, Null::Gamma, 8).unwrap().p, PValue::ONE);
}
