//! Smoothing splines: lines stay lines, smooth curves are found again under noise, and what cannot be drawn is not.

use stillmark_stats::spline::smooth;

use crate::random::Random;

fn noise(random: &mut Random) -> f64 {
    (0..12).map(|_| random.uniform()).sum::<f64>() - 6.0
}

#[test]
fn a_line_stays_a_line() {
    let points: Vec<(f64, f64)> = (0..9).map(|idx| (f64::from(idx), 2.0 * f64::from(idx) - 3.0)).collect();
    let curve = smooth(&points).unwrap();
    for x in [-5.0, 0.0, 0.5, 3.3, 8.0, 20.0] {
        assert!((curve.at(x) - (2.0 * x - 3.0)).abs() < 1e-8, "{x}");
    }
    let two = smooth(&[(1.0, 1.0), (3.0, 5.0), (3.0, 7.0)]).unwrap();
    assert!((two.at(2.0) - 3.5).abs() < 1e-12 && (two.at(5.0) - 11.0).abs() < 1e-12);
}

#[test]
fn a_curve_is_found_again() {
    let mut random = Random(3);
    let truth = |x: f64| 1.0 / (1.0 + (-6.0 * (x - 0.5)).exp());
    let points: Vec<(f64, f64)> = (0..60)
        .map(|_| random.uniform())
        .map(|x| (x, truth(x)))
        .collect::<Vec<_>>()
        .into_iter()
        .map(|(x, y)| (x, y + 0.02 * noise(&mut random)))
        .collect();
    let curve = smooth(&points).unwrap();
    let worst = (5..=95)
        .map(|idx| f64::from(idx) / 100.0)
        .map(|x| (curve.at(x) - truth(x)).abs())
        .fold(0.0, f64::max);
    assert!(worst < 0.03, "{worst}");
    assert!(2.0 < curve.freedom() && curve.freedom() < 10.0, "{}", curve.freedom());
}

#[test]
fn a_stiff_curve_is_the_line_of_least_squares() {
    // Noise without any shape: cross-validation takes the straightest.
    let points = [(0.0, 1.0), (1.0, 0.0), (2.0, 1.0), (3.0, 0.0), (4.0, 1.0), (5.0, 0.0), (6.0, 1.0)];
    let curve = smooth(&points).unwrap();
    assert!((curve.freedom() - 2.0).abs() < 0.1, "{}", curve.freedom());
    assert!((curve.at(3.0) - 4.0 / 7.0).abs() < 0.02, "{}", curve.at(3.0));
}

#[test]
fn what_cannot_be_drawn_is_not() {
    assert!(smooth(&[]).is_none());
    assert!(smooth(&[(1.0, 2.0), (1.0, 3.0)]).is_none());
    assert!(smooth(&[(1.0, f64::NAN), (2.0, 3.0)]).is_none());
    assert!(smooth(&[(1.0, 0.0), (2.0, 3.0)]).is_some());
}
