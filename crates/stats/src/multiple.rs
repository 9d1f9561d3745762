//! Several tests at once: keys, schemes and texts tried.

use crate::PValue;
use crate::uniformity::ln_sum;

/// The p-values times their number, in the order given: each is then valid for the smallest of them.
pub fn bonferroni(p: &[PValue]) -> Vec<PValue> {
    p.iter().map(|one| one.times(p.len() as f64)).collect()
}

/// Holm's step-down adjusted p-values (1979), in the order given. Rejecting what is α or less errs anywhere at all with chance
/// α at most, however the tests depend on each other.
pub fn holm(p: &[PValue]) -> Vec<PValue> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![PValue::ONE; p.len()];
    let mut greatest = f64::NEG_INFINITY;
    for (rank, index) in order.into_iter().enumerate() {
        greatest = p[index].times((p.len() - rank) as f64).ln().max(greatest);
        adjusted[index] = PValue::from_ln(greatest);
    }
    adjusted
}

/// The e-BH procedure (Wang and Ramdas 2022, sec. 3) on e-values given by their logarithms: which are rejected, by index,
/// ascending. At most a share α of the rejected is false on average, however the e-values depend on each other.
pub fn e_bh(ln_e: &[f64], alpha: f64) -> Vec<usize> {
    let number = ln_e.len() as f64;
    let mut order: Vec<usize> = (0..ln_e.len()).filter(|&index| !ln_e[index].is_nan()).collect();
    order.sort_by(|&a, &b| ln_e[b].total_cmp(&ln_e[a]));
    let enough = |rank: usize| ln_e[order[rank - 1]] >= (number / (rank as f64 * alpha)).ln();
    let rejected = (1..=order.len()).rev().find(|&rank| enough(rank)).unwrap_or(0);
    order.truncate(rejected);
    order.sort_unstable();
    order
}

/// The logarithm of the mean of e-values given by theirs. It is an e-value, however they depend on each other (Vovk and Wang
/// 2021, prop. 3.1). Of none it is 0: no evidence.
pub fn ln_mean_e(ln_e: &[f64]) -> f64 {
    if ln_e.is_empty() {
        return 0.0;
    }
    ln_sum(ln_e) - (ln_e.len() as f64).ln()
}

/// The p-value that an e-value is worth: min(1, 1/e) (Markov).
pub fn p_of_e(ln_e: f64) -> PValue {
    PValue::from_ln(-ln_e)
}
