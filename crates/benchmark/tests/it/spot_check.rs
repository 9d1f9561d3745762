//! Spot checks: the draw, the sizes, and how often they are right on simulated logs, sound and forged.

use stillmark_benchmark::spot_check::draw;
use stillmark_benchmark::spot_check::judge::{Judged, Pair, Repeatability, Repeats, Verdict, judge};
use stillmark_benchmark::spot_check::plan::Aim;
use stillmark_stats::draws::Draws;
use stillmark_stats::uniformity::binomial_band;

const MMLU: u64 = 14_042;

fn aim(population: u64, margin_points: f64, flip_rate: f64) -> Aim {
    Aim { population, margin_points, alpha: 0.05, power: 0.95, flip_rate }
}

#[test]
fn draws_are_those_of_the_vectors() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/spot-check");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let vector: serde_json::Value = serde_json::from_str(&text).unwrap();
        let bytes = |key: &str| -> [u8; 32] {
            let hex = vector[key].as_str().unwrap();
            std::array::from_fn(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap())
        };
        let hex = |bytes: [u8; 32]| stillmark_evidence::Digest::from_bytes(bytes).to_string();
        let nonce = bytes("nonce");
        let seed = draw::seed(&bytes("root"), &nonce);
        let drawn =
            draw::draw(&seed, vector["population"].as_u64().unwrap(), vector["items"].as_u64().unwrap());
        let holds = hex(draw::commitment(&nonce)) == vector["commitment"].as_str().unwrap()
            && hex(seed) == vector["seed"].as_str().unwrap()
            && serde_json::json!(drawn) == vector["drawn"];
        assert_eq!(holds, vector["expect"] == "success", "{}", vector["name"]);
        seen += 1;
    }
    assert!(seen >= 5, "{seen} vectors");
}

#[test]
fn draws_are_even_and_never_repeat() {
    let mut counts = [0_u64; 20];
    for run in 0..4_000_u64 {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&run.to_be_bytes());
        let drawn = draw::draw(&seed, 20, 5);
        let distinct: std::collections::BTreeSet<&u64> = drawn.iter().collect();
        assert_eq!(distinct.len(), 5);
        for &item in &drawn {
            counts[item as usize] += 1;
        }
    }
    let (low, high) = binomial_band(4_000, 0.25, 1e-4);
    assert!(counts.iter().all(|count| (low..=high).contains(count)), "{counts:?}");
    let mut all = draw::draw(&[1; 32], 50, 99);
    all.sort_unstable();
    assert!(all.into_iter().eq(0..50));
}

#[test]
fn discovery_sizes_are_those_of_the_table() {
    let check = |population: u64, sizes: [u64; 5]| {
        for (points, size) in [0.5, 1.0, 2.0, 5.0, 10.0].into_iter().zip(sizes) {
            assert_eq!(
                aim(population, points, 0.0).discovery(),
                Some(size),
                "{points} points of {population}"
            );
        }
    };
    check(14_042, [579, 294, 148, 59, 29]);
    check(10_042, [572, 293, 148, 59, 29]);
    check(1_319, [459, 253, 138, 58, 29]);
    check(1_172, [460, 258, 137, 57, 28]);
    check(817, [368, 231, 131, 57, 28]);
    check(164, [156, 127, 86, 46, 26]);
    assert_eq!(Aim { alpha: 0.01, ..aim(MMLU, 2.0, 0.0) }.discovery(), Some(226));
}

/// What was reported right, and what was right again.
fn pair(right: [bool; 2]) -> Pair {
    let [reported, rerun] = right.map(|right| f64::from(u8::from(right)));
    Pair { reported, rerun, reported_ln: Vec::new(), rerun_ln: Vec::new() }
}

/// A model's true chances, a log of it with some wrong answers made right, and the re-run of drawn items.
fn audit(
    draws: &mut Draws,
    aim: &Aim,
    items: u64,
    forged: u64,
    flip_rate: f64,
    declared: Repeatability,
) -> Judged {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&draws.bits().to_be_bytes());
    let uniform = |draws: &mut Draws| draws.bits() as f64 / u64::MAX as f64;
    let mut left = (aim.population, forged);
    let pairs: Vec<Pair> = draw::draw(&seed, aim.population, items)
        .into_iter()
        .map(|_| {
            // Which of the items are forged is as random as the draw.
            let is_forged = uniform(draws) < left.1 as f64 / left.0 as f64;
            left = (left.0 - 1, left.1 - u64::from(is_forged));
            if is_forged {
                return pair([true, false]);
            }
            let right = uniform(draws) < 0.6;
            let flips = uniform(draws) < flip_rate;
            // Two honest runs: which of them is the log's is as random.
            let swap = uniform(draws) < 0.5;
            if flips { pair([swap, !swap]) } else { pair([right, right]) }
        })
        .collect();
    judge(aim, &pairs, 1e-3, Repeats::default(), declared)
}

/// How many of so many audits end in each verdict: within the margin, a finding, undecided.
fn verdicts(
    runs: u64,
    aim: &Aim,
    items: u64,
    forged: u64,
    flip_rate: f64,
    declared: Repeatability,
) -> [u64; 3] {
    let mut draws = Draws::new(99);
    let mut counts = [0; 3];
    for _ in 0..runs {
        counts[match audit(&mut draws, aim, items, forged, flip_rate, declared).verdict {
            Verdict::WithinMargin => 0,
            Verdict::Inflated | Verdict::NotReproduced => 1,
            Verdict::Inconclusive => 2,
        }] += 1;
    }
    counts
}

#[test]
fn exact_runs_detect_two_points_with_148_items() {
    let aim = aim(MMLU, 2.0, 0.0);
    let items = aim.discovery().unwrap();
    assert!(items <= 150);
    let forged = verdicts(10_000, &aim, items, aim.forged(), 0.0, Repeatability::Exact);
    let sound = verdicts(10_000, &aim, items, 0, 0.0, Repeatability::Exact);
    // 95.02 % exactly; the band of 10,000 runs about it.
    assert!(forged[1] >= binomial_band(10_000, 0.95, 1e-3).0, "{forged:?}");
    assert_eq!(sound[1], 0, "{sound:?}");
    assert_eq!(sound[0] + sound[2], 10_000);
}

/// A sound log passes nineteen times of twenty and is accused once at most; one forged by the margin passes once at most.
fn noisy_runs_keep_their_rates(runs: u64, flip_rate: f64, margin: f64) {
    let aim = aim(MMLU, margin, flip_rate);
    let items = aim.inflation().unwrap();
    let sound = verdicts(runs, &aim, items, 0, flip_rate, Repeatability::Noisy);
    let forged = verdicts(runs, &aim, items, aim.forged(), flip_rate, Repeatability::Noisy);
    let seen = format!(
        "flip rate {flip_rate}, {margin} points, {items} items, {runs} runs: sound {sound:?}, forged {forged:?}"
    );
    println!("{seen}");
    // The size is itself simulated, 2,000 times: its power is known to within a point and a half.
    let power = if runs > 2_000 { 0.935 } else { 0.95 };
    assert!(sound[0] >= binomial_band(runs, power, 1e-3).0, "{seen}");
    assert!(sound[1] <= binomial_band(runs, 0.05, 1e-3).1, "{seen}");
    assert!(forged[0] <= binomial_band(runs, 0.05, 1e-3).1, "{seen}");
}

#[test]
fn noisy_runs_pass_and_fail_as_planned() {
    for (flip_rate, margin) in [(0.01, 2.0), (0.03, 2.0), (0.08, 3.0)] {
        noisy_runs_keep_their_rates(200, flip_rate, margin);
    }
}

#[test]
fn long_noisy_runs_pass_and_fail_as_planned() {
    if std::env::var_os("STILLMARK_TEST_LONG").is_none() {
        println!("skipped: STILLMARK_TEST_LONG is not set");
        return;
    }
    for (flip_rate, margin) in [(0.002, 2.0), (0.01, 2.0), (0.03, 2.0)] {
        noisy_runs_keep_their_rates(10_000, flip_rate, margin);
    }
}

#[test]
fn a_greater_forgery_is_found_more_often() {
    let aim = aim(MMLU, 2.0, 0.03);
    let items = aim.inflation().unwrap();
    let found = [1, 2, 4]
        .map(|times| verdicts(100, &aim, items, times * aim.forged(), 0.03, Repeatability::Noisy)[1]);
    assert!(found[0] < found[1] && found[1] <= found[2] && found[2] >= 98, "{found:?} of 100, {items} items");
}

#[test]
fn noise_does_not_accuse() {
    let aim = aim(1_319, 2.0, 0.0);
    let noisy: Vec<Pair> = (0..138).map(|at| pair([at % 20 != 0, at % 20 != 10])).collect();
    let judged = judge(&aim, &noisy, 1e-3, Repeats::default(), Repeatability::Noisy);
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{judged:?}");
    // Declared exact, but the auditor's own runs differ: no finding comes of items that differ.
    let repeats = Repeats { items: 60, flips: 2 };
    let judged = judge(&aim, &noisy, 1e-3, repeats, Repeatability::Exact);
    assert_eq!((judged.verdict, judged.repeatability), (Verdict::Inconclusive, Repeatability::Noisy));
    let judged = judge(&aim, &noisy, 1e-3, Repeats { items: 60, flips: 0 }, Repeatability::Exact);
    assert_eq!(judged.verdict, Verdict::NotReproduced);
}

#[test]
fn likelihoods_within_the_tolerance_are_equal() {
    let check = |reported: (f64, &[f64]), rerun: (f64, &[f64]), expected: Verdict| {
        let one = Pair {
            reported: reported.0,
            rerun: rerun.0,
            reported_ln: reported.1.to_vec(),
            rerun_ln: rerun.1.to_vec(),
        };
        let pairs: Vec<Pair> =
            std::iter::repeat_n(one, 1).chain((0..300).map(|_| pair([true, true]))).collect();
        let judged = judge(&aim(MMLU, 2.0, 0.0), &pairs, 1e-3, Repeats::default(), Repeatability::Exact);
        assert_eq!(judged.verdict, expected, "{judged:?}");
    };
    check((1.0, &[-1.0, -1.0004]), (0.0, &[-1.0004, -1.0]), Verdict::WithinMargin);
    check((1.0, &[-1.0, -2.0]), (0.0, &[-1.0, -2.0]), Verdict::NotReproduced);
    check((1.0, &[-1.0, -1.1]), (0.0, &[-1.1, -1.0]), Verdict::NotReproduced);
    check((1.0, &[-1.0, -2.0]), (1.0, &[-1.0, -2.1]), Verdict::NotReproduced);
    check((1.0, &[f64::NEG_INFINITY, -2.0]), (1.0, &[f64::NEG_INFINITY, -2.0]), Verdict::WithinMargin);
    check((1.0, &[f64::NAN]), (1.0, &[f64::NAN]), Verdict::NotReproduced);
}

#[test]
fn all_items_run_again_leave_nothing_open() {
    let small = aim(20, 5.0, 0.0);
    let sound = vec![pair([true, true]); 20];
    let judged = judge(&small, &sound, 1e-3, Repeats::default(), Repeatability::Exact);
    assert_eq!(
        (judged.verdict, judged.bound_points, judged.differing_bound),
        (Verdict::WithinMargin, 0.05, 0)
    );
}

#[test]
fn a_bound_is_stated_and_holds() {
    let aim = aim(MMLU, 2.0, 0.0);
    let sound: Vec<Pair> = (0..250).map(|_| pair([true, true])).collect();
    let judged = judge(&aim, &sound, 1e-3, Repeats::default(), Repeatability::Exact);
    assert!((judged.bound_points - 1.2).abs() < 0.051, "{judged:?}");
    assert_eq!((judged.verdict, judged.differing_bound), (Verdict::WithinMargin, 165));
    let none = judge(&aim, &[], 1e-3, Repeats::default(), Repeatability::Exact);
    assert_eq!((none.verdict, none.bound_points, none.differing_bound), (Verdict::Inconclusive, 100.0, MMLU));
}
