use stillmark_stats::saddlepoint::weighted_bits;

/// The exact tail, by adding up all sums of whole weights.
fn exact(weights: &[usize], n: usize, at_least: usize) -> f64 {
    let mut chances = vec![1.0];
    for _ in 0..n {
        for weight in weights {
            let mut next = vec![0.0; chances.len() + weight];
            for (sum, chance) in chances.iter().enumerate() {
                next[sum] += chance / 2.0;
                next[sum + weight] += chance / 2.0;
            }
            chances = next;
        }
    }
    chances[at_least.min(chances.len())..].iter().sum()
}

#[test]
fn weighted_bits_have_the_exact_tail() {
    // SynthID's thirty weights are whole numbers once multiplied by 29.
    let whole: Vec<usize> = (0..30).map(|layer| 290 - 9 * layer).collect();
    let weights: Vec<f64> = whole.iter().map(|weight| *weight as f64).collect();
    let total: usize = whole.iter().sum();
    for (n, tolerance) in [(1, 0.02), (5, 0.005), (40, 0.002)] {
        for share in [0.45, 0.5, 0.52, 0.55, 0.6, 0.7] {
            let at_least = (share * (n * total) as f64) as usize;
            let (exact, found) = (exact(&whole, n, at_least), weighted_bits(&weights, n as f64, at_least as f64 - 0.5));
            if exact > 1e-14 {
                let ratio = found.value() / exact;
                assert!((ratio - 1.0).abs() < tolerance, "n {n}, share {share}: {exact:e}, ratio {ratio}");
            }
        }
    }
    assert!((weighted_bits(&[1.0, 2.0], 3.0, 9.0).value() - 0.5_f64.powi(6)).abs() < 1e-12);
    assert_eq!(weighted_bits(&[1.0, 2.0], 3.0, 9.5).value(), 0.0);
    assert_eq!(weighted_bits(&[1.0], 0.0, 1.0).value(), 1.0);
    assert_eq!(weighted_bits(&[1.0], 3.0, f64::NAN).value(), 1.0);
}
