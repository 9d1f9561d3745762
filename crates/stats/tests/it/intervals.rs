//! Intervals, paired tests and draws without replacement: against exact vectors, and how often they are right on seeded data.

use serde_json::Value;
use stillmark_stats::hypergeometric::{Draw, discovery_size, upper_bound};
use stillmark_stats::interval::{self, Interval};
use stillmark_stats::paired::{self, Discordant};
use stillmark_stats::uniformity::binomial_band;
use stillmark_stats::{PValue, student};

use crate::random::Random;
use crate::tails::{close, number};
use crate::{rows, vectors};

fn whole(row: &Value, key: &str) -> u64 {
    row[key].as_u64().unwrap()
}

/// All rows of one kind; some there must be.
fn each(kind: &str, check: impl Fn(&Value)) {
    let vectors = vectors("tails");
    let rows: Vec<&Value> = vectors.iter().flat_map(|vector| rows(vector, kind)).collect();
    assert!(!rows.is_empty(), "no vectors of {kind}");
    rows.into_iter().for_each(check);
}

fn logarithm(row: &Value, key: &str, found: PValue) {
    let expected = row[key].as_f64().unwrap_or(f64::NEG_INFINITY);
    let near = (found.ln() - expected).abs() <= 1e-11 * expected.abs().max(1.0);
    assert!(near || found.ln() == expected, "{row}: {key} {}", found.ln());
}

#[test]
fn intervals_are_those_of_the_vectors() {
    let check = |row: &Value, found: Interval| {
        let near = |key: &str, found: f64| {
            assert!((found - number(row, key)).abs() <= 1e-9, "{row}: {key} {found}");
        };
        near("low", found.low);
        near("high", found.high);
    };
    let of = |row: &Value| (whole(row, "k"), whole(row, "n"), number(row, "confidence"));
    each("wilson", |row| {
        let (k, n, confidence) = of(row);
        check(row, interval::wilson(k, n, confidence));
    });
    each("clopper_pearson", |row| {
        let (k, n, confidence) = of(row);
        check(row, interval::clopper_pearson(k, n, confidence));
    });
}

#[test]
fn hypergeometric_tails_are_exact() {
    each("hypergeometric", |row| {
        let draw = Draw { population: whole(row, "N"), marked: whole(row, "M"), drawn: whole(row, "n") };
        let k = whole(row, "k");
        logarithm(row, "ln_at_most", draw.at_most(k));
        logarithm(row, "ln_at_least", draw.at_least(k));
        logarithm(row, "ln_density", PValue::from_ln(draw.ln_density(k)));
    });
    each("discovery", |row| {
        let (population, points) = (whole(row, "N"), number(row, "points"));
        let marked = (population as f64 * points / 100.0).ceil() as u64;
        assert_eq!(marked, whole(row, "d"), "{row}");
        let size = discovery_size(population, marked, PValue::new(number(row, "alpha")));
        assert_eq!(size, row["n"].as_u64(), "{row}");
    });
    each("upper_bound", |row| {
        let alpha = PValue::new(number(row, "alpha"));
        let bound = upper_bound(whole(row, "N"), whole(row, "n"), whole(row, "k"), alpha);
        assert_eq!(bound, whole(row, "M"), "{row}");
    });
    assert_eq!(discovery_size(10, 0, PValue::new(0.05)), None);
    assert_eq!(discovery_size(10, 11, PValue::new(0.05)), None);
    assert_eq!(discovery_size(10, 10, PValue::new(0.05)), Some(1));
    assert_eq!(upper_bound(10, 0, 0, PValue::new(0.05)), 10);
}

#[test]
fn student_and_mcnemar_are_exact() {
    each("student", |row| {
        let found = student::upper(number(row, "t"), number(row, "df")).ln();
        close(row, found, number(row, "ln_p"), 1e-9);
    });
    each("student_critical", |row| {
        let found = student::critical(PValue::new(number(row, "p")), number(row, "df"));
        close(row, found, number(row, "t"), 1e-8);
    });
    each("mcnemar", |row| {
        let counts = Discordant { first: whole(row, "b"), second: whole(row, "c") };
        logarithm(row, "ln_p", counts.p());
        logarithm(row, "ln_one", counts.p_first_better());
    });
}

/// Holds the share of simulated cases in which something held against the least that was promised.
fn coverage(name: &str, least: f64, mut holds: impl FnMut(&mut Random) -> bool) {
    const CASES: u64 = 4_000;
    let mut random = Random(51);
    let held = (0..CASES).filter(|_| holds(&mut random)).count() as u64;
    let floor = binomial_band(CASES, least, 1e-3).0;
    assert!(held >= floor, "{name}: {held} of {CASES}, at least {floor}");
}

#[test]
fn intervals_cover_as_often_as_promised() {
    for (trials, chance) in [(30, 0.1), (164, 0.67), (1_319, 0.03), (1_319, 0.76), (14_042, 0.5)] {
        let name = format!("n {trials}, chance {chance}");
        // Wilson's covers on average; at single points down to some 93 % (Brown, Cai and DasGupta 2001, fig. 5).
        coverage(&format!("wilson, {name}"), 0.93, |random| {
            interval::wilson(random.successes(trials, chance), trials, 0.95).covers(chance)
        });
        coverage(&format!("exact, {name}"), 0.95, |random| {
            interval::clopper_pearson(random.successes(trials, chance), trials, 0.95).covers(chance)
        });
    }
}

/// Items in groups of one difficulty each: values sway together.
fn grouped(random: &mut Random, groups: usize, size: usize) -> (Vec<f64>, Vec<usize>) {
    let mut values = Vec::new();
    let mut clusters = Vec::new();
    for group in 0..groups {
        let chance = if random.succeeds(0.5) { 0.9 } else { 0.3 };
        for _ in 0..size {
            values.push(f64::from(u8::from(random.succeeds(chance))));
            clusters.push(group);
        }
    }
    (values, clusters)
}

#[test]
fn clustered_means_cover_where_plain_ones_do_not() {
    let mut plain = 0_u64;
    coverage("clustered, 40 groups of 8", 0.935, |random| {
        let (values, clusters) = grouped(random, 40, 8);
        plain += u64::from(interval::mean(&values).interval(0.95).covers(0.6));
        interval::clustered_mean(&values, &clusters).interval(0.95).covers(0.6)
    });
    assert!(plain < 3_000, "unclustered intervals covered {plain} of 4000");
    let singles: Vec<usize> = (0..5).collect();
    let values = [0.0, 1.0, 1.0, 0.5, 0.25];
    let (one, other) = (interval::mean(&values), interval::clustered_mean(&values, &singles));
    assert!((one.stderr - other.stderr).abs() < 1e-15 && one.mean == other.mean, "{one:?} {other:?}");
    assert!(interval::mean(&[1.0]).stderr.is_nan() && interval::mean(&[]).mean.is_nan());
    assert!(interval::mean(&[1.0]).interval(0.95).high.is_infinite());
    let paired = paired::clustered_difference(&[1.0, 1.0, 0.0], &[0.0, 1.0, 0.0], &[1, 2, 3]);
    assert!(
        (paired.mean - 1.0 / 3.0).abs() < 1e-15 && (paired.stderr - 1.0 / 3.0).abs() < 1e-15,
        "{paired:?}"
    );
}

#[test]
fn pooled_errors_are_those_of_the_harness() {
    // lm_eval.api.metrics.pooled_sample_stderr([0.03, 0.05, 0.02], [100, 63, 411]).
    let pooled = interval::pooled_stderr(&[(100, 0.03), (63, 0.05), (411, 0.02)]);
    assert!((pooled - POOLED).abs() < 1e-15, "{pooled}");
    assert!(interval::pooled_stderr(&[]).is_nan() && interval::pooled_stderr(&[(1, 0.0)]).is_nan());
}

const POOLED: f64 = 0.016_205_954_162_668_054;

/// Two models on the same items: how often `McNemar`'s test calls them different at 5 % and 1 %.
fn called(items: u64, better: f64) -> [u64; 2] {
    const PAIRS: u64 = 2_000;
    let mut random = Random(7);
    let mut counts = [0; 2];
    for _ in 0..PAIRS {
        let pairs = (0..items).map(|_| (random.succeeds(0.6 + better), random.succeeds(0.6)));
        let p = Discordant::count(pairs.collect::<Vec<_>>()).p().value();
        counts[0] += u64::from(p <= 0.05);
        counts[1] += u64::from(p <= 0.01);
    }
    counts
}

#[test]
fn mcnemar_keeps_its_level_and_has_power() {
    for items in [20, 164, 1_319] {
        let counts = called(items, 0.0);
        for (count, level) in counts.into_iter().zip([0.05, 0.01]) {
            assert!(count <= binomial_band(2_000, level, 2e-3).1, "{items} items: {count} at {level}");
        }
    }
    let curve: Vec<u64> = [0.02, 0.05, 0.08].iter().map(|&better| called(1_319, better)[0]).collect();
    assert!(curve[0] < curve[1] && curve[1] < curve[2] && curve[2] > 1_900, "{curve:?}");
}

#[test]
fn upper_bounds_of_draws_cover() {
    for (population, marked, drawn) in [(14_042, 281, 300), (1_319, 40, 138), (164, 8, 60)] {
        coverage(&format!("{marked} of {population}, {drawn} drawn"), 0.95, |random| {
            // Drawn one after another without replacement.
            let mut left = marked;
            for taken in 0..drawn {
                left -= u64::from(random.succeeds(left as f64 / (population - taken) as f64));
            }
            upper_bound(population, drawn, marked - left, PValue::new(0.05)) >= marked
        });
    }
}
