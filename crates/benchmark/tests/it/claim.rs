//! Claims: what is read out of prose, and what a number can be.

use stillmark_benchmark::claim::grain::{Rounding, Scale, grain};
use stillmark_benchmark::claim::subjects::{Subject, fits, means};
use stillmark_benchmark::claim::{Metric, Printed, parse, spread};

fn printed(text: &str) -> Printed {
    Printed::parse(text).unwrap()
}

#[test]
fn claims_are_read_from_prose() {
    let check = |text: &str, expected: &[(&str, Scale, Option<&str>, Option<&str>)]| {
        let found = parse(text);
        let found: Vec<_> =
            found.iter().map(|one| (one.value, one.scale, one.stderr, one.benchmark)).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|&(value, scale, stderr, benchmark)| (printed(value), scale, stderr.map(printed), benchmark))
            .collect();
        assert_eq!(found, expected, "{text}");
    };
    use Scale::{Fraction, Percent};
    check("76.4% on GSM8K", &[("76.4", Percent, None, Some("gsm8k"))]);
    check("0.764 on gsm8k", &[("0.764", Fraction, None, Some("gsm8k"))]);
    check("acc 0.7642 ± 0.0041 on mmlu 5-shot", &[("0.7642", Fraction, Some("0.0041"), Some("mmlu"))]);
    check("67.1 pass@1 humaneval", &[("67.1", Percent, None, Some("humaneval"))]);
    check("our 7B model: ARC-C (25-shot) 61.4", &[("61.4", Percent, None, Some("arc_challenge"))]);
    check(
        "MMLU 70.1, GSM8K: 76.4 +/- 1.2 and HellaSwag 85.0%; TruthfulQA 45",
        &[
            ("70.1", Percent, None, Some("mmlu")),
            ("76.4", Percent, Some("1.2"), Some("gsm8k")),
            ("85.0", Percent, None, Some("hellaswag")),
            ("45", Percent, None, Some("truthfulqa")),
        ],
    );
    check("81.2% on MMLU-Pro", &[("81.2", Percent, None, None)]);
    check(".5 on BIG-Bench Hard", &[(".5", Fraction, None, Some("bbh"))]);
    check("best in class", &[]);
    check("", &[]);
    check("99999999999999999999 on mmlu", &[]);
    assert_eq!(parse("truthfulqa_mc2 0.55")[0].metric, Metric::Graded);
    assert_eq!(parse("mmlu 5-shot 0.55")[0].shots, Some(5));
}

#[test]
fn grains_are_those_of_plain_counting() {
    for (n, decimals, scale) in [
        (7, 1, Scale::Percent),
        (164, 1, Scale::Percent),
        (100, 2, Scale::Fraction),
        (1_319, 2, Scale::Percent),
    ] {
        let unit = 10_u64.pow(decimals) * scale.whole();
        let mut possible = 0_u64;
        for digits in 0..=unit {
            let found = grain(Printed { digits, decimals }, scale, n);
            let counts = |fits: &dyn Fn(u64, u64) -> bool| -> Option<(u64, u64)> {
                let all: Vec<u64> = (0..=n).filter(|&k| fits(k * unit, digits * n)).collect();
                Some((*all.first()?, *all.last()?))
            };
            let of = |kind: Rounding| {
                found.counts.iter().find(|one| one.0 == kind).map(|&(_, least, most)| (least, most))
            };
            assert_eq!(
                of(Rounding::Nearest),
                counts(&|k, goal| 2 * k.abs_diff(goal) <= n),
                "{digits} of {n}"
            );
            assert_eq!(of(Rounding::Down), counts(&|k, goal| goal <= k && k < goal + n), "{digits} of {n}");
            assert_eq!(of(Rounding::Up), counts(&|k, goal| k <= goal && goal < k + n), "{digits} of {n}");
            possible += u64::from(found.is_possible());
        }
        let share = grain(Printed { digits: 0, decimals }, scale, n).possible_share;
        let counted = possible as f64 / (unit + 1) as f64;
        assert!((share - counted).abs() <= 0.05 * counted, "{n}: {share} {counted}");
    }
    // The shares of benchmark sizes at two decimals.
    for (n, percent) in [(100, 1.0), (164, 1.6), (817, 8.2), (1_172, 11.7), (1_319, 13.2), (10_042, 100.0)] {
        let share = grain(printed("50.00"), Scale::Percent, n).possible_share * 100.0;
        assert!((share - percent).abs() < 0.06, "{n}: {share}");
    }
    assert!(grain(printed("0.5"), Scale::Fraction, 0).counts.is_empty());
}

#[test]
fn standard_errors_tell_how_many_items() {
    let implied = |share: &str, stderr: &str| {
        spread::items_implied(spread::range(printed(share), 1), spread::range(printed(stderr), 1))
    };
    let (least, most) = implied("0.22", "0.0416").unwrap();
    assert!(least <= 100.0 && (100.0..104.0).contains(&most), "{least} {most}");
    assert_eq!(implied("0.22", "0.0000"), None);
    for (n, right) in [(100, 22), (164, 110), (1_319, 1_007), (14_042, 10_728)] {
        let p = f64::from(right) / f64::from(n);
        let se = spread::stderr(p, n as u64);
        let (least, most) = implied(&format!("{p:.4}"), &format!("{se:.4}")).unwrap();
        assert!(least <= f64::from(n) && f64::from(n) <= most, "{n}: {least} to {most}");
    }
}

#[test]
fn the_best_of_many_is_too_high() {
    // E max of 1, 2, 3, 5, 10, 100 standard normals (Harter 1961).
    for (runs, expected) in [
        (1, 0.0),
        (2, 0.564_189_58),
        (3, 0.846_284_38),
        (5, 1.162_964_47),
        (10, 1.538_752_73),
        (100, 2.507_593_63),
    ] {
        let found = spread::best_of(runs);
        assert!((found - expected).abs() < 2e-6, "{runs}: {found}");
        assert!(found <= spread::best_of_bound(runs) + 1e-9);
    }
    let (z, p) = spread::apart((0.76, 0.01), (0.73, 0.01));
    assert!((z - 2.1213).abs() < 1e-4 && (p.value() - 0.0339).abs() < 1e-4);
}

#[test]
fn parts_bound_the_whole() {
    let subject =
        |name: &str, items, score: &str| Subject { name: name.to_owned(), items, score: printed(score) };
    let parts = [subject("a", 100, "0.90"), subject("b", 1_000, "0.5000")];
    let found = means(&parts, Scale::Fraction);
    assert!((found.micro.0 - 590.0 / 1_100.0).abs() < 1e-12 && (found.macro_.0 - 0.7).abs() < 1e-12);
    assert!(
        fits(printed("0.536"), Scale::Fraction, found.micro)
            && !fits(printed("0.536"), Scale::Fraction, found.macro_)
    );
    assert!(
        fits(printed("0.7"), Scale::Fraction, found.macro_)
            && !fits(printed("0.70"), Scale::Fraction, found.micro)
    );
    let broken = means(&[subject("c", 7, "0.50")], Scale::Fraction);
    assert_eq!(broken.impossible, ["c"]);
}
