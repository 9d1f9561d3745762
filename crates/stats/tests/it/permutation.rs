//! Permutation tests against all permutations, far out, and on null data with and without ties.

use stillmark_stats::PValue;
use stillmark_stats::draws::Draws;
use stillmark_stats::permutation::{Stratum, Way, larger, larger_mean, rank_sum, sum_tail};
use stillmark_stats::uniformity::binomial_band;

use crate::random::Random;

fn close(p: PValue, expected: f64) {
    assert!((p.value() / expected - 1.0).abs() < 1e-9, "{} instead of {expected}", p.value());
}

fn stratum(observed: f64, others: &[f64]) -> Stratum {
    Stratum { observed, others: others.to_vec() }
}

#[test]
fn one_stratum_is_a_plain_rank() {
    let ranked = rank_sum(&[stratum(3.0, &[1.0, 2.0, 4.0])]);
    close(ranked.p, 0.5);
    assert!((ranked.quantile - 2.0 / 3.0).abs() < 1e-12);
    close(rank_sum(&[stratum(5.0, &[1.0, 2.0, 4.0])]).p, 0.25);
    close(rank_sum(&[stratum(0.0, &[1.0, 2.0, 4.0])]).p, 1.0);
    // A tie counts against: two of four are as high.
    close(rank_sum(&[stratum(4.0, &[1.0, 2.0, 4.0])]).p, 0.5);
    close(rank_sum(&[stratum(1.0, &[1.0, 1.0, 1.0])]).p, 1.0);
    close(rank_sum(&[stratum(f64::NAN, &[1.0, 2.0])]).p, 1.0);
    close(rank_sum(&[]).p, 1.0);
}

#[test]
fn sums_of_ranks_are_those_of_all_combinations() {
    let mut random = Random(4);
    for _ in 0..200 {
        let strata: Vec<Stratum> = (0..4)
            .map(|_| {
                let values: Vec<f64> = (0..5).map(|_| (random.uniform() * 4.0).floor()).collect();
                stratum(values[0], &values[1..])
            })
            .collect();
        // Every value in the observed one's place, in every stratum.
        let scores = |one: &Stratum| -> Vec<i64> {
            let mut all = one.others.clone();
            all.push(one.observed);
            let sign = |a: f64, b: f64| i64::from(a > b) - i64::from(a < b);
            all.iter().map(|a| all.iter().map(|b| sign(*a, *b)).sum()).collect()
        };
        let parts: Vec<Vec<i64>> = strata.iter().map(scores).collect();
        let observed: i64 = parts.iter().map(|part| part[4]).sum();
        let (mut reached, mut all) = (0, 0);
        for idx in 0..5_usize.pow(4) {
            let sum: i64 = (0..4).map(|part| parts[part][idx / 5_usize.pow(part as u32) % 5]).sum();
            reached += u32::from(sum >= observed);
            all += 1;
        }
        close(rank_sum(&strata).p, f64::from(reached) / f64::from(all));
    }
}

#[test]
fn far_tails_keep_their_digits() {
    let top = || stratum(9.0, &[1.0, 2.0, 3.0, 4.0, 5.0]);
    let all: Vec<Stratum> = (0..14_042).map(|_| top()).collect();
    let p = rank_sum(&all).p.ln();
    assert!((p + 14_042.0 * 6_f64.ln()).abs() < 1e-6, "{p}");
    // One short of the top: the top, or any one stratum second.
    let mut less = all.clone();
    less[7].observed = 4.5;
    let p = rank_sum(&less).p.ln();
    let expected = -14_042.0 * 6_f64.ln() + 14_043_f64.ln();
    assert!((p - expected).abs() < 1e-6, "{p} {expected}");
}

#[test]
fn a_binomial_is_recovered() {
    let parts = vec![vec![0, 1]; 300];
    for k in [0, 100, 150, 170, 220, 290, 300] {
        let p = sum_tail(&parts, k as i64).ln();
        let exact = stillmark_stats::tail::binomial(k, 300, 0.5).ln();
        assert!((p - exact).abs() < 1e-8 * exact.abs().max(1.0), "{k}: {p} {exact}");
    }
}

fn combinations(all: &[f64], size: usize) -> Vec<Vec<f64>> {
    (0_u32..1 << all.len())
        .filter(|set| set.count_ones() as usize == size)
        .map(|set| (0..all.len()).filter(|idx| set >> idx & 1 == 1).map(|idx| all[idx]).collect())
        .collect()
}

#[test]
fn two_groups_are_ranked_among_all_splits() {
    let mut random = Random(5);
    for round in 0..60 {
        let all: Vec<f64> = (0..9).map(|_| (random.uniform().powi(3) * 5.0).floor()).collect();
        let size = 2 + round % 6;
        let wins = |first: &[f64]| -> i64 {
            let sign = |a: f64, b: f64| i64::from(a > b) - i64::from(a < b);
            first.iter().map(|a| all.iter().map(|b| sign(*a, *b)).sum::<i64>()).sum()
        };
        let splits = combinations(&all, size);
        let observed = wins(&all[..size]);
        let reached = splits.iter().filter(|first| wins(first) >= observed).count();
        let (p, way) = larger(&all[..size], &all[size..], 99, 1);
        assert_eq!(way, Way::Counted);
        close(p, reached as f64 / splits.len() as f64);
    }
    assert_eq!(larger(&[], &[1.0], 9, 0).0, PValue::ONE);
}

/// Whether null values are all different or mostly the same few.
#[derive(Clone, Copy, PartialEq)]
enum Values {
    Different,
    Tied,
}

/// False alarms at 1 %, 5 % and 20 % of 4,000 null experiments: never above the band, and inside where there are no ties.
fn calibrated(values: Values, p: impl Fn(&mut Random, &dyn Fn(&mut Random) -> f64) -> PValue) {
    let mut random = Random(6);
    let value = |random: &mut Random| {
        let draw = random.uniform();
        if values == Values::Different { draw } else { (draw * draw * 3.0).floor() }
    };
    let all: Vec<f64> = (0..4_000).map(|_| p(&mut random, &value).value()).collect();
    for level in [0.01, 0.05, 0.2] {
        let alarms = all.iter().filter(|p| **p <= level + 1e-12).count() as u64;
        let (low, high) = binomial_band(4_000, level, 1e-4);
        assert!(alarms <= high, "{alarms} alarms at {level}, at most {high}");
        assert!(values == Values::Tied || alarms >= low, "{alarms} alarms at {level}, at least {low}");
    }
}

#[test]
fn false_alarms_are_as_rare_as_stated() {
    for values in [Values::Different, Values::Tied] {
        calibrated(values, |random, value| {
            let strata: Vec<Stratum> = (0..8)
                .map(|_| Stratum { observed: value(random), others: (0..9).map(|_| value(random)).collect() })
                .collect();
            rank_sum(&strata).p
        });
        calibrated(values, |random, value| {
            let groups: Vec<f64> = (0..25).map(|_| value(random)).collect();
            larger(&groups[..10], &groups[10..], 99, 1).0
        });
        calibrated(values, |random, value| {
            let groups: Vec<f64> = (0..25).map(|_| value(random)).collect();
            larger_mean(&groups[..10], &groups[10..], 199, random.bits())
        });
    }
}

#[test]
fn many_values_are_drawn_and_agree_with_the_count() {
    let mut random = Random(7);
    let (first, second): (Vec<f64>, Vec<f64>) =
        (0..40).map(|_| (random.uniform() + 0.1, random.uniform())).unzip();
    let (counted, way) = larger(&first, &second, 0, 0);
    assert_eq!(way, Way::Counted);
    let many: Vec<f64> = (0..4_000).map(|_| random.uniform()).collect();
    let (p, way) = larger(&many[..2_000], &many[2_000..], 999, 3);
    assert_eq!(way, Way::Drawn(999));
    assert!(p.value() >= 0.001);
    let by_draws = larger_mean(&first, &second, 99_999, 9).value();
    assert!((by_draws - counted.value()).abs() < 0.05, "{by_draws} {}", counted.value());
}

#[test]
fn shuffles_reach_every_order_alike() {
    let mut draws = Draws::new(1);
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..24_000 {
        *counts.entry(draws.permutation(4)).or_insert(0_u64) += 1;
    }
    assert_eq!(counts.len(), 24);
    let (low, high) = binomial_band(24_000, 1.0 / 24.0, 1e-5);
    assert!(counts.values().all(|count| (low..=high).contains(count)), "{counts:?}");
    assert_eq!(Draws::new(1).below(0), 0);
}
