use stillmark_stats::PValue;
use stillmark_stats::multiple::{bonferroni, e_bh, holm, ln_mean_e, p_of_e};

#[test]
fn adjusted_p_values_stand_in_the_order_given() {
    let check = |adjust: fn(&[PValue]) -> Vec<PValue>, p: &[f64], expected: &[f64]| {
        let found = adjust(&p.iter().map(|&p| PValue::new(p)).collect::<Vec<_>>());
        let near = |(found, expected): (&PValue, &f64)| (found.value() - expected).abs() < 1e-14;
        assert!(found.len() == p.len() && found.iter().zip(expected).all(near), "{p:?}: {found:?}");
    };
    // R: p.adjust(c(.01, .04, .03, .005), "holm").
    check(holm, &[0.01, 0.04, 0.03, 0.005], &[0.03, 0.06, 0.06, 0.02]);
    check(holm, &[0.5, 0.9], &[1.0, 1.0]);
    check(holm, &[], &[]);
    check(bonferroni, &[0.01, 0.4, 0.03], &[0.03, 1.0, 0.09]);
    let far = holm(&[PValue::from_ln(-5_000.0), PValue::ONE]);
    assert!((far[0].ln() - (2_f64.ln() - 5_000.0)).abs() < 1e-9);
}

#[test]
fn e_bh_rejects_as_the_paper_says() {
    let check = |e: &[f64], alpha: f64, expected: &[usize]| {
        let ln_e: Vec<f64> = e.iter().map(|e| e.ln()).collect();
        assert_eq!(e_bh(&ln_e, alpha), expected, "{e:?} at {alpha}");
    };
    check(&[100.0, 1.0, 45.0, 3.0], 0.05, &[0, 2]);
    check(&[79.0, 1.0, 1.0, 1.0], 0.05, &[]);
    check(&[80.1, 1.0, 1.0, 1.0], 0.05, &[0]);
    check(&[20.1; 4], 0.05, &[0, 1, 2, 3]);
    check(&[f64::NAN, 50.0], 0.05, &[1]);
    check(&[], 0.05, &[]);
}

#[test]
fn e_values_average_and_turn_into_p_values() {
    assert!((ln_mean_e(&[3_f64.ln(), 1_f64.ln()]) - 2_f64.ln()).abs() < 1e-15);
    assert_eq!(ln_mean_e(&[f64::NEG_INFINITY; 3]), f64::NEG_INFINITY);
    assert!((ln_mean_e(&[900.0, 0.0]) - (900.0 - 2_f64.ln())).abs() < 1e-12);
    assert_eq!(ln_mean_e(&[]), 0.0);
    assert!((p_of_e(20_f64.ln()).value() - 0.05).abs() < 1e-15);
    assert_eq!(p_of_e(-3.0), PValue::ONE);
    assert_eq!(p_of_e(f64::NAN), PValue::ONE);
}
