//! Claims: what is read out of prose, and what a number can be.

use stillmark_benchmark::claim::grain::{Rounding, Scale, grain};
use stillmark_benchmark::claim::subjects::{Subject, fits, means};
use stillmark_benchmark::claim::{Count, Metric, Named, Printed, Stated, Unclear, parse, spread};

fn printed(text: &str) -> Printed {
    Printed::parse(text).unwrap()
}

#[test]
fn claims_are_read_from_prose() {
    let check = |text: &str, expected: &[(&str, Scale, Option<&str>, Option<&str>)]| {
        let found = parse(text).unwrap();
        let found: Vec<_> =
            found.iter().map(|one| (one.value, one.scale, one.stderr, one.benchmark())).collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|&(value, scale, stderr, benchmark)| {
                (Some(printed(value)), scale, stderr.map(printed), benchmark)
            })
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
    check("On GSM8K, our model gets 76.4%", &[("76.4", Percent, None, Some("gsm8k"))]);
    check("gsm8k (8-shot, CoT) 76.42", &[("76.42", Percent, None, Some("gsm8k"))]);
    check("acc=0.764 on gsm8k, n=1319", &[("0.764", Fraction, None, Some("gsm8k"))]);
    check("HumanEval: 67.1% (95% CI 59.9-74.3)", &[("67.1", Percent, None, Some("humaneval"))]);
    let one = |text: &str| parse(text).unwrap().remove(0);
    assert_eq!(one("truthfulqa_mc2 0.55").metric, Metric::Graded);
    assert_eq!(one("mmlu 5-shot 0.55").shots, Some(5));
    assert_eq!(one("HumanEval pass@100 70.2%").metric, Metric::AnyOf(100));
    assert_eq!(one("HumanEval pass@1 28.8%").metric, Metric::RightOrWrong);
    assert_eq!(one("HumanEval avg@16 66.9%").runs, 16);
}

#[test]
fn the_score_is_told_from_other_numbers() {
    let value = |text: &str| parse(text).unwrap()[0].value.unwrap();
    for text in [
        "Claude 3 Opus 84.9% HumanEval",
        "Llama 3.1 8B 84.9 % on GSM8K",
        "GPT 4 has 84.9 on MMLU",
        "acc 0.849 (84.9%) on mmlu",
        "84,9% GSM8K",
        "GSM8K 84,9",
    ] {
        assert_eq!(value(text), printed("84.9"), "{text}");
    }
    assert_eq!(value("Gemini 1 ± 0.1 of mmlu 3.5"), printed("1"));
    assert_eq!(value("1.234,5 on gsm8k"), printed("1234.5"));
    let said = |text: &str| parse(text).unwrap_err();
    let several = |text: &str| match said(text) {
        Unclear::Several { numbers, .. } => numbers,
        other => panic!("{text}: {other}"),
    };
    assert_eq!(several("Claude 3 Opus 85 HumanEval"), ["3", "85"]);
    assert_eq!(several("Llama 3.1 has 70.1 on MMLU"), ["3.1", "70.1"]);
    assert_eq!(several("70.1% to 76.4% on mmlu"), ["70.1%", "76.4%"]);
    assert_eq!(several("110/164 or 111/164 HumanEval"), ["110/164", "111/164"]);
    assert_eq!(said("76,423 on mmlu"), Unclear::Comma { number: "76,423".to_owned() });
    assert_eq!(said("70.1,76.4 mmlu"), Unclear::Number { number: "70.1,76.4".to_owned() });
    let long = "9".repeat(19);
    assert_eq!(said(&format!("{long} on mmlu")), Unclear::Number { number: long });
}

#[test]
fn counts_are_read() {
    let count = |right, items| Some(Count { right, items });
    for (text, expected) in [
        ("HumanEval 110/164", count(110, 164)),
        ("1022 of 1319 on GSM8K", count(1_022, 1_319)),
        ("1,022 correct out of the 1,319 of gsm8k", count(1_022, 1_319)),
        ("Claude 3: 110 / 164 problems of HumanEval", count(110, 164)),
        ("67.1/100 on HumanEval", None),
    ] {
        let found = parse(text).unwrap();
        assert_eq!(found[0].count, expected, "{text}");
        assert_eq!(found[0].value.is_none(), expected.is_some(), "{text}");
    }
    let both = parse("HumanEval 67.1% (110/164)").unwrap().remove(0);
    assert_eq!((both.value, both.count), (Some(printed("67.1")), count(110, 164)));
    assert_eq!(parse("HumanEval 41/164").unwrap()[0].share(), 0.25);
}

#[test]
fn what_is_joined_to_a_name_is_another_benchmark() {
    let named = |text: &str| parse(text).unwrap().remove(0).named;
    for (text, name) in [
        ("GSM8K-hard 50.01", "gsm8k-hard"),
        ("gsm8k_hard 0.5", "gsm8k_hard"),
        ("GSM8K-Platinum: 50.0", "gsm8k-platinum"),
        ("GSM8K Symbolic 50.0", "gsm8k symbolic"),
        ("gsm8k-2 50.0", "gsm8k-2"),
        ("MMLU Pro 50.0", "mmlu pro"),
        ("M-MMLU 50.0", "m-mmlu"),
        ("Global MMLU 50.0", "global mmlu"),
        ("mmlu_stem 0.5", "mmlu_stem"),
        ("HumanEval+ 50.0", "humaneval+"),
        ("tiny-hellaswag 50.0", "tiny-hellaswag"),
    ] {
        let Some(Named::Other { name: found, .. }) = named(text) else { panic!("{text}: {:?}", named(text)) };
        assert_eq!(found, name);
    }
    for text in ["gsm8k2 0.5", "CMMLU 50.0", "tinyMMLU 50.0", "gsm1k 50.0"] {
        assert_eq!(named(text), None, "{text}");
    }
    let pinned = |benchmark, subset| Some(Named::Pinned { benchmark, subset });
    for (text, benchmark, subset) in [
        ("gsm8k-train 0.5", "gsm8k-train", None),
        ("gsm8k_cot_zeroshot 0.5", "gsm8k", None),
        ("MMLU-5-shot 50.0", "mmlu", None),
        ("mmlu_5shot 0.5", "mmlu", None),
        ("openai/openai_humaneval 50.0", "humaneval", None),
        ("mmlu anatomy 0.2148 ± 0.0355", "mmlu", Some("anatomy")),
        ("hendrycksTest-high_school_us_history 0.5", "mmlu", Some("high_school_us_history")),
        ("0.5 on the moral disputes subset of MMLU", "mmlu", Some("moral_disputes")),
        ("bbh_cot_fewshot 0.5", "bbh", None),
        ("BBH snarks 0.5", "bbh", Some("snarks")),
        ("management says 70.1 on MMLU", "mmlu", None),
    ] {
        assert_eq!(named(text), pinned(benchmark, subset), "{text}");
    }
}

#[test]
fn tables_of_the_harness_are_read() {
    let table = "|Tasks|Version|     Filter     |n-shot|  Metric   |   |Value |   |Stderr|
|-----|------:|----------------|-----:|-----------|---|-----:|---|-----:|
|gsm8k|      3|flexible-extract|     5|exact_match|↑  |0.65|±  |0.1094|
|     |       |strict-match    |     5|exact_match|↑  |0.60|±  |0.1124|
| - anatomy|  1|none|     0|acc|↑  |0.2148|±  |0.0355|
|truthfulqa_mc2|  3|none|     0|acc|↑  |0.4|±  |N/A|
| - stem|  1|none|   |acc|↑  |0.2148|±  |0.0072|
|arc_easy|Yaml|none|25|acc|0.7|±|0.01|
";
    let found = parse(table).unwrap();
    let plain = |one: &Stated| (one.value.unwrap(), one.stderr, one.shots, one.benchmark());
    let expected = [
        (printed("0.65"), Some(printed("0.1094")), Some(5), Some("gsm8k")),
        (printed("0.60"), Some(printed("0.1124")), Some(5), Some("gsm8k")),
        (printed("0.2148"), Some(printed("0.0355")), Some(0), Some("mmlu")),
        (printed("0.4"), None, Some(0), Some("truthfulqa")),
        (printed("0.2148"), Some(printed("0.0072")), None, None),
        (printed("0.7"), Some(printed("0.01")), Some(25), Some("arc_easy")),
    ];
    assert_eq!(found.iter().map(plain).collect::<Vec<_>>(), expected);
    assert_eq!(found[2].named, Some(Named::Pinned { benchmark: "mmlu", subset: Some("anatomy") }));
    assert_eq!(found[3].metric, Metric::Graded);
    assert!(parse("|gsm8k|3|none|5|exact_match|↑|x|±|0.1|").is_err());
}

#[test]
fn quotients_in_full_are_told_exactly() {
    for n in [7_u64, 164, 817, 1_319, 14_042] {
        for right in (1..n).step_by(n as usize / 7) {
            let share = right as f64 / n as f64;
            for (text, scale) in
                [(format!("{share}"), Scale::Fraction), (format!("{}", share * 100.0), Scale::Percent)]
            {
                let found = grain(printed(&text), scale, n);
                let kind = found.counts.iter().find(|one| one.0 != Rounding::Down && one.0 != Rounding::Up);
                assert_eq!(
                    kind.map(|&(_, least, most)| (least, most)),
                    Some((right, right)),
                    "{text} of {n}"
                );
            }
        }
    }
    let found = grain(printed("0.5542077331311599"), Scale::Fraction, 1_319);
    assert_eq!(found.counts, [(Rounding::Exact, 731, 731)]);
    assert!(grain(printed("0.5542077331311699"), Scale::Fraction, 1_319).counts.is_empty());
}

#[test]
fn any_number_of_items_is_judged_at_once() {
    for items in [1_000_000_000_000, u64::MAX] {
        for text in ["50.5", "0", "100", "99.99999999999999", "0.1234567890"] {
            let found = grain(printed(text), Scale::Percent, items);
            assert!(found.counts.iter().all(|&(_, least, most)| least <= most && most <= items), "{text}");
            assert!(found.is_possible(), "{text} of {items}");
        }
    }
    let found = grain(Printed { digits: u64::MAX, decimals: u32::MAX }, Scale::Percent, u64::MAX);
    assert!(found.possible_share < 1e-9);
    let half = grain(printed("50.5"), Scale::Percent, 1_000_000_000_000);
    assert_eq!(half.counts[0], (Rounding::Nearest, 504_500_000_000, 505_500_000_000));
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
