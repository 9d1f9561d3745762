use stillmark_stats::decoys::{self, Interval, Verdict};
use stillmark_stats::{PValue, tail};

use crate::random::Random;

#[test]
fn rank_counts_ties_and_what_is_no_number_against_the_statistic() {
    let check = |statistic: f64, decoys: &[f64], p: f64| {
        let found = decoys::rank_p(statistic, decoys).value();
        assert!((found - p).abs() < 1e-15, "{statistic} among {decoys:?}: {found}");
    };
    check(5.0, &[1.0, 2.0, 3.0], 0.25);
    check(2.0, &[1.0, 2.0, 3.0], 0.75);
    check(0.0, &[1.0, 2.0, 3.0], 1.0);
    check(f64::NAN, &[1.0, 2.0, 3.0], 1.0);
    check(5.0, &[1.0, f64::NAN, 3.0], 0.5);
    check(f64::INFINITY, &[f64::INFINITY], 1.0);
    check(5.0, &[], 1.0);
}

#[test]
fn rank_is_exact_under_exchangeability() {
    let mut random = Random(1);
    let trials = 20_000;
    let mut alarms = 0;
    for _ in 0..trials {
        let decoys: Vec<f64> = (0..99).map(|_| random.exponential()).collect();
        // P-values are compared as logarithms: e^ln 0.05 may lie above 0.05.
        alarms += u64::from(decoys::rank_p(random.exponential(), &decoys) <= PValue::new(0.05));
    }
    let (low, high) = stillmark_stats::uniformity::binomial_band(trials, 0.05, 1e-3);
    assert!((low..=high).contains(&alarms), "{alarms} of {trials}");
}

/// How often the check refuses, or finds the p-values too large, in so many runs of a model.
fn refusals(runs: u64, decoys: usize, mut draw: impl FnMut(&mut Random) -> Interval) -> (u64, u64) {
    let mut random = Random(7);
    let (mut heavy, mut light) = (0, 0);
    for _ in 0..runs {
        let sample: Vec<Interval> = (0..decoys).map(|_| draw(&mut random)).collect();
        match decoys::agreement(&sample).verdict {
            Verdict::TooHeavy { .. } => heavy += 1,
            Verdict::TooLight { .. } => light += 1,
            _ => {}
        }
    }
    (heavy, light)
}

fn uniform(random: &mut Random) -> Interval {
    Interval::continuous(PValue::new(random.uniform()))
}

/// A binomial statistic of few sites, tabled.
fn coarse(n: u64, chance: f64) -> impl FnMut(&mut Random) -> Interval {
    let table: Vec<Interval> = (0..=n).map(|k| Interval::binomial(k, n, chance)).collect();
    move |random| table[random.successes(n, chance) as usize]
}

/// A normal statistic taken for a standard one.
fn normal(mean: f64, deviation: f64) -> impl FnMut(&mut Random) -> Interval {
    move |random| {
        let z = tail::normal_critical(PValue::new(random.uniform()));
        Interval::continuous(tail::normal(mean + deviation * z))
    }
}

#[test]
fn right_nulls_are_refused_once_in_a_thousand_at_most() {
    let check = |(heavy, light): (u64, u64), runs: u64| {
        let most = stillmark_stats::uniformity::binomial_band(runs, decoys::REFUSAL_LEVEL, 1e-3).1;
        assert!(heavy <= most && light <= most, "{heavy} and {light} of {runs}, at most {most}");
    };
    check(refusals(400, 999, uniform), 400);
    check(refusals(400, 199, uniform), 400);
    for n in [1, 3, 10, 40] {
        check(refusals(200, 499, coarse(n, 0.25)), 200);
    }
}

#[test]
fn right_nulls_are_refused_once_in_a_thousand_at_most_long() {
    if std::env::var_os("STILLMARK_TEST_LONG").is_none() {
        return;
    }
    let (heavy, light) = refusals(20_000, 999, uniform);
    assert!(heavy <= 20 + 15 && light <= 20 + 15, "{heavy} and {light} of 20,000");
}

#[test]
fn wrong_nulls_are_refused() {
    let check = |name: &str, draw: &mut dyn FnMut(&mut Random) -> Interval| {
        let (heavy, _) = refusals(40, 999, draw);
        assert!(heavy >= 38, "{name}: {heavy} of 40");
    };
    check("variance a third too large", &mut normal(0.0, 1.333_f64.sqrt()));
    check("mean a fifth of a deviation too high", &mut normal(0.2, 1.0));
    // A key in fifty that repeats on the text: the bulk is right, the tail is not.
    let mut far = normal(4.0, 1.0);
    check("one in fifty far out", &mut |random| {
        if random.succeeds(0.02) { far(random) } else { uniform(random) }
    });
    check("each token counted five times", &mut |random| {
        let k = 5 * random.successes(40, 0.25);
        Interval::binomial(k, 200, 0.25)
    });
    check("one impossible value", &mut |random| {
        if random.succeeds(0.01) {
            Interval::continuous(PValue::from_ln(f64::NEG_INFINITY))
        } else {
            uniform(random)
        }
    });
}

#[test]
fn too_light_is_said_and_admitted() {
    let (heavy, light) = refusals(40, 999, normal(-0.3, 1.0));
    assert!(heavy == 0 && light >= 38, "{heavy} and {light} of 40");
    let sample = vec![Interval::continuous(PValue::ONE); 999];
    assert!(decoys::agreement(&sample).verdict.admits_analytic());
}

#[test]
fn too_few_decoys_admit_no_analytic_p() {
    let mut random = Random(3);
    let sample: Vec<Interval> = (0..decoys::LEAST_DECOYS - 1).map(|_| uniform(&mut random)).collect();
    for few in [&sample[..], &sample[..1], &[]] {
        let verdict = decoys::agreement(few).verdict;
        assert_eq!(verdict, Verdict::TooFew);
        assert!(!verdict.admits_analytic());
    }
}
