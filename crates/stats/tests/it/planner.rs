use stillmark_stats::planner::{self, Moments};
use stillmark_stats::sample_size::{NullSum, power_at, tokens_needed};
use stillmark_stats::vocabulary::Vocabulary;
use stillmark_stats::{PValue, special, tail};

use crate::random::Random;
use crate::tails::{close, number};
use crate::{rows, vectors};

const TOKENS: usize = 50_000;

#[test]
fn special_functions_are_those_of_the_vectors() {
    let mut rows_seen = 0;
    for vector in vectors("tails") {
        for row in rows(&vector, "polygamma") {
            rows_seen += 1;
            let x = number(row, "x");
            let near = |found: f64, key: &str| {
                let expected = number(row, key);
                assert!((found - expected).abs() <= 1e-13 * expected.abs().max(0.1), "{key} of {x}: {found}");
            };
            near(special::digamma(x), "digamma");
            near(special::harmonic(x), "harmonic");
            close(row, special::trigamma(x), number(row, "trigamma"), 1e-13);
            close(row, special::tetragamma(x), number(row, "tetragamma"), 1e-13);
        }
        for row in rows(&vector, "bits") {
            rows_seen += 1;
            let n = row["n"].as_u64().unwrap();
            let found = tail::bits(n, &planner::falling_weights(30), number(row, "sum"));
            close(row, found.value(), number(row, "p"), 0.05 / n as f64);
        }
    }
    assert!(rows_seen > 25, "{rows_seen} rows");
}

#[test]
fn vocabulary_has_the_entropy_asked_for() {
    for entropy in [0.05, 0.25, 1.0, 2.0, 6.0, 10.0] {
        let vocabulary = Vocabulary::zipf(TOKENS, entropy).unwrap();
        assert!((vocabulary.entropy() - entropy).abs() < 1e-9);
        assert!((vocabulary.mean(|_| 1.0) - 1.0).abs() < 1e-12);
        let tokens: f64 = vocabulary.classes().iter().map(|class| class.tokens).sum();
        assert_eq!(tokens, TOKENS as f64);
    }
    for (tokens, entropy) in [(10, 2.4), (10, 0.0), (10, -1.0), (1, 0.5), (0, 0.5), (10, f64::NAN)] {
        assert_eq!(Vocabulary::zipf(tokens, entropy), None);
    }
}

/// The tokens needed for 10⁻⁶ with 90 %, by scheme.
fn needed(entropy: f64) -> [u64; 5] {
    let vocabulary = Vocabulary::zipf(TOKENS, entropy).unwrap();
    let need = |marked: Moments, null: NullSum| tokens_needed(marked, &null, PValue::new(1e-6), 0.9).unwrap();
    let dual = |alpha: f64| {
        let variance = alpha * alpha + (1.0 - alpha) * (1.0 - alpha);
        need(planner::dual_gumbel(&vocabulary, alpha), NullSum::Weighted { variance })
    };
    let weights = planner::falling_weights(30);
    let synthid = planner::synthid(entropy, &weights).unwrap();
    [
        need(planner::gumbel(&vocabulary), NullSum::Gamma),
        dual(0.1),
        dual(0.5),
        need(synthid, NullSum::Bits { weights }),
        need(planner::green_list(&vocabulary, 0.25, 2.0), NullSum::Binomial { gamma: 0.25 }),
    ]
}

/// Gumbel and dual keys against whole simulated tests (a thousand texts a figure); `SynthID` and green lists against the mean of
/// 20,000 to 100,000 tournaments and of 20,000 lists, played by another program. Those carry up to 3 % of noise themselves.
#[test]
fn plans_are_those_of_the_simulation() {
    let check = |entropy: f64, simulated: [u64; 5]| {
        for (found, simulated) in needed(entropy).iter().zip(simulated) {
            let off = *found as f64 / simulated as f64 - 1.0;
            assert!(off.abs() <= 0.06, "{entropy} nats: {found} for {simulated}");
        }
    };
    check(0.25, [1_049, 1_240, 1_933, 1_386, 2_105]);
    check(0.5, [285, 336, 498, 342, 605]);
    check(1.0, [90, 104, 146, 91, 208]);
    check(2.0, [29, 32, 42, 28, 87]);
}

#[test]
fn power_is_that_of_simulated_texts() {
    let vocabulary = Vocabulary::zipf(1_000, 1.0).unwrap();
    let marked = planner::gumbel(&vocabulary);
    let mut random = Random(4);
    for (n, alpha) in [(40_u64, 1e-2), (90, 1e-6), (60, 1e-4)] {
        let critical = tail::gamma_critical(n as f64, PValue::new(alpha));
        let texts = 4_000;
        let found =
            (0..texts).filter(|_| (0..n).map(|_| chosen(&mut random, &vocabulary)).sum::<f64>() >= critical);
        let (share, stated) = (
            found.count() as f64 / f64::from(texts),
            power_at(n, marked, &NullSum::Gamma, PValue::new(alpha)),
        );
        assert!((share - stated).abs() < 0.03, "{n} tokens at {alpha}: {share}, stated {stated}");
    }
}

/// The score of a token that the mark has chosen.
fn chosen(random: &mut Random, vocabulary: &Vocabulary) -> f64 {
    let mut left = random.uniform();
    let mut classes = vocabulary.classes().iter();
    let found = classes.find(|class| {
        left -= class.tokens * class.probability;
        left < 0.0
    });
    let p = found.map_or(1e-9, |class| class.probability);
    -(-random.uniform().powf(p)).ln_1p()
}

#[test]
fn nothing_is_planned_where_the_mark_adds_nothing() {
    let alpha = PValue::new(1e-3);
    let flat = Moments { mean: 1.0, variance: 1.0, skewness: 2.0 };
    assert_eq!(tokens_needed(flat, &NullSum::Gamma, alpha, 0.9), None);
    let nothing = Moments { mean: f64::NAN, ..flat };
    assert_eq!(tokens_needed(nothing, &NullSum::Gamma, alpha, 0.9), None);
    let vocabulary = Vocabulary::zipf(TOKENS, 1.0).unwrap();
    let unbiased = planner::green_list(&vocabulary, 0.25, 0.0);
    assert_eq!(tokens_needed(unbiased, &NullSum::Binomial { gamma: 0.25 }, alpha, 0.9), None);
    // Nine in a thousand more green, as from a student: 88 thousand tokens.
    let faint =
        tokens_needed(Moments::bernoulli(0.2588), &NullSum::Binomial { gamma: 0.25 }, PValue::new(1e-6), 0.9);
    assert!(faint.is_some_and(|n| n.abs_diff(88_500) < 2_000), "{faint:?}");
    assert_eq!(planner::synthid(9.0, &planner::falling_weights(30)), None);
}
