use stillmark_stats::clustered::{Alarms, Band};
use stillmark_stats::tail;

use crate::random::Random;

/// A table of alarms at a level of 1 %, where texts and keys each sway all their pairs by so much.
fn table(random: &mut Random, texts: usize, keys: usize, sway: f64) -> Band {
    let normal = |random: &mut Random| tail::normal_critical(stillmark_stats::PValue::new(random.uniform()));
    let of_text: Vec<f64> = (0..texts).map(|_| sway * normal(random)).collect();
    let of_key: Vec<f64> = (0..keys).map(|_| sway * normal(random)).collect();
    let own = (1.0 - 2.0 * sway * sway).sqrt();
    let mut alarms = Alarms::new(texts, keys);
    for (text, by_text) in of_text.iter().enumerate() {
        for (key, by_key) in of_key.iter().enumerate() {
            // The threshold of a standard normal at 1 %, and the chance of the pair given its text and key.
            let chance = tail::normal((2.326_347_874 - by_text - by_key) / own).value();
            if random.succeeds(chance) {
                alarms.raise(text, key);
            }
        }
    }
    alarms.band(0.01, 0.01)
}

#[test]
fn bands_hold_for_clustered_tables() {
    let check = |sway: f64, least_inflation: f64| {
        let mut random = Random(8);
        let bands: Vec<Band> = (0..150).map(|_| table(&mut random, 60, 50, sway)).collect();
        let outside = bands.iter().filter(|band| !band.holds()).count();
        let inflation = bands.iter().map(|band| band.inflation).sum::<f64>() / bands.len() as f64;
        assert!(outside <= 9, "sway {sway}: {outside} of 150 outside 99 %");
        assert!(inflation >= least_inflation, "sway {sway}: inflation {inflation}");
    };
    check(0.0, 1.0);
    check(0.15, 1.15);
    check(0.25, 1.5);
}

#[test]
fn excess_alarms_lie_outside() {
    let mut alarms = Alarms::new(200, 200);
    for pair in 0..700 {
        alarms.raise(pair * 7 % 200, pair * 13 % 200 + pair / 200);
    }
    let band = alarms.band(0.01, 1e-3);
    assert!(
        band.expected == 400.0 && band.pairs == 40_000 && !band.holds() && band.p().value() < 1e-3,
        "{band:?}"
    );
}

#[test]
fn one_bad_key_widens_the_band() {
    let mut alarms = Alarms::new(100, 100);
    (0..100).for_each(|text| alarms.raise(text, 3));
    let band = alarms.band(0.01, 1e-3);
    assert!(band.inflation > 50.0 && band.holds(), "{band:?}");
    // Outside the table nothing is noted.
    alarms.raise(100, 0);
    assert_eq!(alarms.band(0.01, 1e-3).count, 100);
    assert!(Alarms::new(0, 0).band(0.01, 1e-3).holds());
}
