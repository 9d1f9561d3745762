use serde_json::Value;
use stillmark_stats::{PValue, tail};

use crate::{rows, vectors};

pub(crate) fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap()
}

/// Holds a number against the expected one, to a share of it.
pub(crate) fn close(row: &Value, found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{row}: {found:e}");
}

/// The tail that a row of the vectors asks for.
fn tail_of(row: &Value, kind: &str) -> PValue {
    let binomial = |row: &Value| (row["k"].as_u64().unwrap(), row["n"].as_u64().unwrap(), number(row, "g"));
    match kind {
        "gammaincc" => tail::gamma(number(row, "a"), number(row, "x")),
        "normal_sf" => tail::normal(number(row, "z")),
        _ => {
            let (k, n, chance) = binomial(row);
            tail::binomial(k, n, chance)
        }
    }
}

#[test]
fn tails_are_those_of_the_vectors() {
    let mut rows_seen = 0;
    for vector in vectors("tails") {
        for kind in ["gammaincc", "binom_sf_ge", "normal_sf"] {
            for row in rows(&vector, kind) {
                rows_seen += 1;
                let found = tail_of(row, kind);
                if let Some(ln) = row["ln_p"].as_f64() {
                    assert!((found.ln() - ln).abs() <= 1e-12 * ln.abs().max(1.0), "{row}: {}", found.ln());
                    continue;
                }
                let p = number(row, if kind == "gammaincc" { "v" } else { "p" });
                assert!((found.value() / p - 1.0).abs() <= 1e-12, "{row}: {:e}", found.value());
                if row["midp"].is_number() {
                    let (k, n) = (row["k"].as_u64().unwrap(), row["n"].as_u64().unwrap());
                    let mid = tail::binomial_mid(k, n, number(row, "g")).value();
                    assert!((mid / number(row, "midp") - 1.0).abs() <= 1e-12, "{row}: {mid:e}");
                }
            }
        }
    }
    assert!(rows_seen > 60, "{rows_seen} rows");
}

#[test]
fn tails_at_the_ends_are_certain_or_impossible() {
    assert_eq!(tail::binomial(0, 10, 0.3), PValue::ONE);
    assert_eq!(tail::binomial(11, 10, 0.3).value(), 0.0);
    assert_eq!(tail::binomial(0, 0, 0.3), PValue::ONE);
    assert_eq!(tail::binomial(3, 10, 1.0), PValue::ONE);
    assert_eq!(tail::binomial(3, 10, 0.0).value(), 0.0);
    assert!((tail::binomial(10, 10, 0.5).value() - 0.5_f64.powi(10)).abs() < 1e-18);
    assert_eq!(tail::gamma(0.0, 3.0), PValue::ONE);
    assert_eq!(tail::gamma(3.0, 0.0), PValue::ONE);
    assert_eq!(tail::gamma(3.0, f64::NAN).ln(), 0.0);
    assert!((tail::normal(0.0).value() - 0.5).abs() < 1e-15);
    assert!(tail::normal(f64::NAN).value() > 0.0);
}
