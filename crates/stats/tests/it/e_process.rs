use stillmark_stats::e_process::{
    Alpha, EProcess, Excess, GreenBetting, GreenLikelihoodRatio, GumbelMixture, LayeredBetting, Layers,
    LikelihoodRatio,
};
use stillmark_stats::uniformity::binomial_band;

use crate::random::Random;

const LENGTH: usize = 1_000;

/// The peaks of so many streams.
fn peaks(streams: u64, mut stream: impl FnMut(&mut Random) -> f64) -> Vec<f64> {
    let mut random = Random(2_026);
    (0..streams).map(|_| stream(&mut random)).collect()
}

/// Holds the share of streams that ever cross 1/α against α.
fn check(name: &str, peaks: &[f64]) {
    let streams = peaks.len() as u64;
    for alpha in [0.05, 0.01] {
        let crossed = peaks.iter().filter(|&&peak| peak >= -f64::ln(alpha)).count() as u64;
        let most = binomial_band(streams, alpha, 2e-3).1;
        assert!(crossed <= most, "{name}: {crossed} of {streams} at {alpha}, at most {most}");
    }
}

fn gumbel(random: &mut Random) -> f64 {
    let mut process = GumbelMixture::new();
    (0..LENGTH).for_each(|_| process.push(random.exponential()));
    process.ln_peak()
}

fn likelihood_ratio(foreign: f64) -> impl FnMut(&mut Random) -> f64 {
    move |random| {
        let mut process = LikelihoodRatio::with_foreign(foreign);
        for _ in 0..LENGTH {
            let q: f64 = [1e-9, 1e-3, 0.1, 0.5, 0.9, 1.0][random.bits() as usize % 6];
            // A predictable q may look back: it bets more boldly while it loses.
            let q = if process.ln_value() < 0.0 { q } else { q.sqrt() };
            process.push_complement(random.uniform(), q);
        }
        process.ln_peak()
    }
}

fn green(random: &mut Random) -> f64 {
    let mut process = GreenBetting::new(0.25);
    (0..LENGTH).for_each(|_| process.push(u8::from(random.succeeds(0.25))));
    process.ln_peak()
}

fn layered(layers: Layers, depth: usize) -> impl FnMut(&mut Random) -> f64 {
    move |random| {
        let mut process = LayeredBetting::falling(layers, depth);
        for _ in 0..LENGTH {
            let bits = random.bits();
            // All layers show the same bit: each alone is fair.
            process.push(if layers == Layers::Dependent { (bits & 1).wrapping_neg() } else { bits });
        }
        process.ln_peak()
    }
}

/// A text that the model foresaw, under lists drawn at random: the token, the masses, and whether it is green.
fn listed(random: &mut Random, gamma: f64) -> (u8, f64, f64) {
    const MODEL: [f64; 6] = [0.6, 0.2, 0.1, 0.05, 0.03, 0.02];
    let u = random.uniform();
    let mut below = 0.0;
    let chosen = MODEL.iter().position(|q| {
        below += q;
        u < below
    });
    let chosen = chosen.unwrap_or(0);
    let list: Vec<bool> = MODEL.iter().map(|_| random.succeeds(gamma)).collect();
    let others = (0..MODEL.len()).filter(|&x| x != chosen && list[x]).map(|x| MODEL[x]).sum();
    (u8::from(list[chosen]), MODEL[chosen], others)
}

fn green_likelihood_ratio(random: &mut Random) -> f64 {
    let mut process = GreenLikelihoodRatio::new(0.25, 2.0);
    for _ in 0..LENGTH {
        let (green, own, others) = listed(random, 0.25);
        process.push(green, own, others);
    }
    process.ln_peak()
}

fn all(streams: u64, of_layers: u64) {
    check("Gumbel mixture", &peaks(streams, gumbel));
    check("likelihood ratio", &peaks(streams, likelihood_ratio(0.0)));
    check("likelihood ratio with foreign tokens", &peaks(streams, likelihood_ratio(0.1)));
    check("green betting", &peaks(streams, green));
    check("independent layers", &peaks(of_layers, layered(Layers::Independent, 8)));
    check("dependent layers", &peaks(of_layers, layered(Layers::Dependent, 4)));
    check("green likelihood ratio", &peaks(streams, green_likelihood_ratio));
}

#[test]
fn null_streams_cross_no_more_often_than_stated() {
    all(1_000, 250);
}

#[test]
fn null_streams_cross_no_more_often_than_stated_long() {
    if std::env::var_os("STILLMARK_TEST_LONG").is_some() {
        all(100_000, 100_000);
    }
}

#[test]
fn whole_mass_of_the_list_would_be_no_e_process() {
    let naive = peaks(200, |random| {
        let (mut ln, mut peak) = (0.0_f64, 0.0_f64);
        for _ in 0..LENGTH {
            let (green, own, others) = listed(random, 0.25);
            let marked = 2_f64.exp() * (others + if green == 1 { own } else { 0.0 });
            let chance = marked / (marked + 1.0 - marked / 2_f64.exp());
            ln += if green == 1 { chance / 0.25 } else { (1.0 - chance) / 0.75 }.ln();
            peak = peak.max(ln);
        }
        peak
    });
    let crossed = naive.iter().filter(|&&peak| peak >= 100_f64.ln()).count();
    assert!(crossed > 100, "{crossed} of 200");
}

#[test]
fn product_of_dependent_layers_would_be_no_e_process() {
    let naive = peaks(200, |random| {
        let mut process = LayeredBetting::falling(Layers::Independent, 8);
        (0..LENGTH).for_each(|_| process.push((random.bits() & 1).wrapping_neg()));
        process.ln_peak()
    });
    let crossed = naive.iter().filter(|&&peak| peak >= 100_f64.ln()).count();
    assert!(crossed > 20, "{crossed} of 200");
}

#[test]
fn marked_streams_cross() {
    let check = |name: &str, mut stream: Box<dyn FnMut(&mut Random) -> f64>| {
        let crossed = peaks(50, &mut stream).iter().filter(|&&peak| peak >= 1e6_f64.ln()).count();
        assert!(crossed >= 45, "{name}: {crossed} of 50");
    };
    // A token of probability q chosen by the mark: u ~ Beta(1/q, 1).
    check(
        "Gumbel mixture",
        Box::new(|random| {
            let mut process = GumbelMixture::new();
            (0..250).for_each(|_| process.push(-(-random.uniform().powf(0.5)).ln_1p()));
            process.ln_peak()
        }),
    );
    check(
        "likelihood ratio",
        Box::new(|random| {
            let mut process = LikelihoodRatio::with_foreign(0.01);
            (0..150).for_each(|_| process.push(random.uniform().powf(0.5), 0.5));
            process.ln_peak()
        }),
    );
    check(
        "green betting",
        Box::new(|random| {
            let mut process = GreenBetting::new(0.25);
            (0..400).for_each(|_| process.push(u8::from(random.succeeds(0.45))));
            process.ln_peak()
        }),
    );
    check(
        "layers",
        Box::new(|random| {
            let mut process = LayeredBetting::falling(Layers::Independent, 10);
            for _ in 0..200 {
                process.push((0..10).map(|layer| u64::from(random.succeeds(0.6)) << layer).sum());
            }
            process.ln_peak()
        }),
    );
}

#[test]
fn factors_are_those_of_the_formulae() {
    let check =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
    let ratio = |u: f64, q: f64| {
        let mut process = LikelihoodRatio::new();
        process.push(u, q);
        process.ln_value()
    };
    check(ratio(0.9, 0.5), (2.0 * 0.9_f64).ln());
    check(ratio(0.3, 1.0), 0.0);
    check(ratio(0.0, 1.0), 0.0);
    check(ratio(0.5, 1e-300) / 1e300, 0.5_f64.ln());
    let mut near = LikelihoodRatio::new();
    near.push_complement(1e-20, 1e-12);
    check(near.ln_value(), 12.0 * 10_f64.ln() - 1e-8);
    let mut green = GreenLikelihoodRatio::new(0.25, 2.0);
    green.push(1, 0.0, 0.25);
    let e = 2_f64.exp();
    check(green.ln_value(), (e / (0.25 * e + 0.75)).ln());
}

#[test]
fn nonsense_changes_nothing() {
    let mut gumbel = GumbelMixture::new();
    for score in [f64::NAN, f64::INFINITY, -1.0] {
        gumbel.push(score);
    }
    let mut ratio = LikelihoodRatio::new();
    for (u, q) in [(f64::NAN, 0.5), (0.5, f64::NAN), (0.5, 0.0), (0.5, 1.5), (1.5, 0.5), (-0.1, 0.5)] {
        ratio.push(u, q);
    }
    let mut green = GreenBetting::new(1.5);
    green.push(1);
    let mut informed = GreenLikelihoodRatio::new(0.25, 2.0);
    for (own, others) in [(f64::NAN, 0.1), (0.7, 0.7), (-0.1, 0.5)] {
        informed.push(1, own, others);
    }
    let mut layered = LayeredBetting::falling(Layers::Independent, 0);
    layered.push(7);
    let values =
        [gumbel.ln_value(), ratio.ln_value(), green.ln_value(), informed.ln_value(), layered.ln_value()];
    assert_eq!(values, [0.0; 5]);
}

/// Scores of a log less those of a re-run, drawn without replacement from a population whose mean is the null's limit.
fn drawn_differences(
    random: &mut Random,
    population: u64,
    forged: u64,
    flips: u64,
    mut push: impl FnMut(f64),
) {
    // Flips come in pairs, one each way.
    let mut left = [population - forged - flips, forged + flips / 2, flips - flips / 2];
    for taken in 0..LENGTH as u64 {
        let mut at = random.bits() % (population - taken);
        let kind = (0..3).find(|&kind| {
            let is_it = at < left[kind];
            at = at.wrapping_sub(left[kind]);
            is_it
        });
        let kind = kind.unwrap_or(0);
        left[kind] -= 1;
        push([0.0, 1.0, -1.0][kind]);
    }
}

#[test]
fn audits_err_as_rarely_as_stated() {
    for (population, forged, flips) in [(2_000, 40, 0), (2_000, 40, 60), (5_000, 50, 300), (1_000, 20, 4)] {
        let inflation = forged as f64 / population as f64;
        let sound = |random: &mut Random| {
            // The assumed flip rate is wrong on purpose every other time.
            let assumed = if random.succeeds(0.5) { 0.0 } else { flips as f64 / population as f64 };
            let mut alpha = Alpha::new(population, (1.0 - inflation) / 2.0, assumed);
            drawn_differences(random, population, forged, flips, |e| alpha.push((1.0 - e) / 2.0));
            alpha.ln_peak()
        };
        check(&format!("alpha, {forged} of {population}, {flips} flips"), &peaks(1_000, sound));
    }
    for flip_rate in [0.01, 0.1, 1.0] {
        let excess = |random: &mut Random| {
            let mut excess = Excess::new();
            for _ in 0..LENGTH {
                let sign = if random.succeeds(0.5) { 1.0 } else { -1.0 };
                excess.push(if random.succeeds(flip_rate) { sign } else { 0.0 });
            }
            excess.ln_peak()
        };
        check(&format!("excess, flip rate {flip_rate}"), &peaks(2_000, excess));
    }
}

#[test]
fn audits_see_what_is_there() {
    // A sound log of 14,042 items at flip rate 0 excludes 2 points after 148 items, as the count of drawn items has it.
    let mut alpha = Alpha::new(14_042, 0.49, 0.0);
    let stop = (1..14_042).find(|_| {
        alpha.push(0.5);
        alpha.ln_peak() >= 20_f64.ln()
    });
    assert!(stop.is_some_and(|items| (147..=149).contains(&items)), "{stop:?}");
    let mut excess = Excess::new();
    for at in 0..300 {
        excess.push(if at % 25 == 0 { 1.0 } else { 0.0 });
    }
    assert!(excess.p().value() < 0.01, "{:?}", excess.p());
    let mut nothing = Excess::new();
    for value in [f64::NAN, 2.0, -3.0] {
        nothing.push(value);
    }
    assert_eq!(nothing.ln_peak(), 0.0);
}
