use stillmark_stats::uniformity::{self, binomial_band};
use stillmark_stats::{PValue, tail};

use crate::random::Random;
use crate::tails::{close, number};
use crate::{rows, vectors};

#[test]
fn distances_are_as_rare_as_the_vectors_say() {
    let mut rows_seen = 0;
    for vector in vectors("tails") {
        for row in rows(&vector, "smirnov_one_sided") {
            rows_seen += 1;
            let found = uniformity::one_sided_p(row["n"].as_u64().unwrap() as usize, number(row, "d"));
            close(row, found.value(), number(row, "p"), 1e-11);
        }
        for row in rows(&vector, "kolmogorov_two_sided") {
            let n = row["n"].as_u64().unwrap() as usize;
            let found = uniformity::two_sided_p(n, number(row, "d"));
            // Beyond a thousand it is the corrected limit.
            close(row, found.value(), number(row, "p"), if n <= 1_000 { 1e-9 } else { 1e-4 });
        }
    }
    assert!(rows_seen > 80, "{rows_seen} rows");
}

#[test]
fn critical_values_are_those_of_the_vectors() {
    for vector in vectors("tails") {
        for row in rows(&vector, "normal_critical") {
            let z = tail::normal_critical(PValue::new(number(row, "p")));
            assert!((z - number(row, "z")).abs() < 1e-11 * z.abs().max(1.0), "{row}: {z}");
        }
        for row in rows(&vector, "gamma_critical") {
            let x = tail::gamma_critical(number(row, "shape"), PValue::new(number(row, "alpha")));
            close(row, x, number(row, "x"), 1e-11);
        }
        for row in rows(&vector, "binomial_critical") {
            let n = row["n"].as_u64().unwrap();
            let k = tail::binomial_critical(n, number(row, "g"), PValue::new(number(row, "alpha")));
            assert_eq!(row["k"], k, "{row}");
        }
        for row in rows(&vector, "binomial_band") {
            let band = binomial_band(row["n"].as_u64().unwrap(), number(row, "p"), number(row, "level"));
            assert_eq!((row["low"].as_u64().unwrap(), row["high"].as_u64().unwrap()), band, "{row}");
        }
    }
}

#[test]
fn distances_of_a_sample() {
    let sample = [0.9, 0.1, f64::NAN, 0.2, 0.3];
    assert!((uniformity::too_small(&sample).distance - 0.45).abs() < 1e-15);
    assert!((uniformity::too_large(&sample).distance - 0.15).abs() < 1e-15);
    assert!((uniformity::two_sided(&sample).distance - 0.45).abs() < 1e-15);
    assert_eq!(uniformity::two_sided(&[]).p, PValue::ONE);
    assert_eq!(uniformity::one_sided_p(10, 1.0).value(), 0.0);
}

#[test]
fn p_values_of_uniform_samples_are_uniform() {
    let mut random = Random(11);
    let mut p_values = |test: fn(&[f64]) -> uniformity::Distance| -> Vec<f64> {
        let mut sample = || -> Vec<f64> { (0..30).map(|_| random.uniform()).collect() };
        (0..1_500).map(|_| test(&sample()).p.value()).collect()
    };
    for test in [uniformity::two_sided, uniformity::too_small, uniformity::too_large] {
        let p = uniformity::two_sided(&p_values(test)).p.value();
        assert!(p > 1e-3, "{p}");
    }
}
