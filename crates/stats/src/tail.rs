//! Exact upper tails, in log space.

use crate::PValue;
use crate::deviance::{ln_binomial_density, ln_gamma_density};

/// P(G ≥ x) for G the sum of `shape` exponential variables of mean 1 (Gamma; `shape` need not be whole): the regularized
/// upper incomplete gamma function Q(shape, x).
pub fn gamma(shape: f64, x: f64) -> PValue {
    if shape.is_nan() || shape <= 0.0 || x.is_nan() || x <= 0.0 {
        return PValue::ONE;
    }
    if x.is_infinite() {
        return PValue::from_ln(f64::NEG_INFINITY);
    }
    if x < shape + 1.0 {
        return PValue::from_ln((-ln_lower_gamma(shape, x).exp()).ln_1p());
    }
    PValue::from_ln(shape.ln() + ln_gamma_density(shape, x) + upper_fraction(shape, x).ln())
}

/// ln P(shape, x) by its series (Abramowitz and Stegun 6.5.29).
fn ln_lower_gamma(shape: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut a) = (1.0, 1.0, shape);
    while term > sum * f64::EPSILON / 4.0 {
        a += 1.0;
        term *= x / a;
        sum += term;
    }
    ln_gamma_density(shape, x) + f64::ln(sum)
}

/// Legendre's continued fraction of Γ(a, x) / (x^a e^−x), by Lentz's method.
fn upper_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / away(b));
    let mut fraction = d;
    for i in 1_u32.. {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / away(an * d + b);
        c = away(b + an / c);
        let change = c * d;
        fraction *= change;
        if (change - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

/// P((1 − α) A + α B ≥ x) for A and B sums of n exponential variables of mean 1 each: the score of a dual key, exactly.
///
/// With a the greater and b the lesser weight, a A + b B is b times a Gamma variable of shape 2 n + K, K negative binomial of
/// n and b/a (Moschopoulos 1985, eq. 2.9, whose weights are these for two variables of one shape): a sum of positive terms.
/// One Gamma variable of the same variance, as engines' detectors have it, makes 10⁻⁶ of 1.5 · 10⁻⁶ at n = 20, α = 0.1.
pub fn gamma_fused(n: u64, alpha: f64, x: f64) -> PValue {
    let (a, b) = if alpha < 0.5 { (1.0 - alpha, alpha) } else { (alpha, 1.0 - alpha) };
    if n == 0 || x.is_nan() || x <= 0.0 || a.is_nan() || !(0.0..=0.5).contains(&b) {
        return PValue::ONE;
    }
    let n = n as f64;
    if b <= 0.0 || a - b < 1e-9 {
        return if b <= 0.0 { gamma(n, x) } else { gamma(2.0 * n, x / a) };
    }
    let (ratio, y) = (b / a, x / b);
    let ln_weight = |k: f64| (n / (n + k)).ln() + ln_binomial_density(n, n + k, ratio);
    let ln_term = |k: f64| ln_weight(k) + gamma(2.0 * n + k, y).ln();
    // Weights and tails are both log-concave in k: the terms rise to one peak and fall.
    let rises = |k: f64| ln_term(k + 1.0) > ln_term(k);
    let mut step = 1.0;
    while rises(step) {
        step *= 2.0;
    }
    let (mut peak, reach) = (0.0, step);
    while step >= 1.0 {
        if peak + step <= reach && rises(peak + step - 1.0) {
            peak += step;
        }
        step /= 2.0;
    }
    let negligible = ln_term(peak) - 45.0;
    let mut down = 1.0;
    while down < peak && ln_term(peak - down) > negligible {
        down *= 2.0;
    }
    let mut k = f64::max(peak - down, 0.0);
    let (mut tail, mut sum) = (gamma(2.0 * n + k, y).ln(), 0.0);
    let scale = negligible + 45.0;
    loop {
        let ln_term = ln_weight(k) + tail;
        sum += (ln_term - scale).exp();
        if k > peak && ln_term < negligible {
            return PValue::from_ln(scale + f64::ln(sum));
        }
        // Q(s + 1, y) = Q(s, y) + y^s e^−y / Γ(s + 1).
        tail += (ln_gamma_density(2.0 * n + k, y) - tail).exp().ln_1p();
        k += 1.0;
    }
}

/// P(X ≥ k) for X the number of successes in n trials of chance p each.
pub fn binomial(k: u64, n: u64, p: f64) -> PValue {
    if k == 0 || p.is_nan() {
        return PValue::ONE;
    }
    if k > n || p <= 0.0 {
        return PValue::from_ln(f64::NEG_INFINITY);
    }
    if p >= 1.0 {
        return PValue::ONE;
    }
    if k as f64 > n as f64 * p {
        return PValue::from_ln(ln_at_least(k, n, p));
    }
    // Fewer than k successes are more than n − k failures.
    PValue::from_ln((-ln_at_least(n - k + 1, n, 1.0 - p).exp()).ln_1p())
}

/// P(X > k) + ½ P(X = k): the mid-p value. It is not valid at every level; it is what some detectors print.
pub fn binomial_mid(k: u64, n: u64, p: f64) -> PValue {
    let whole = binomial(k, n, p).ln();
    let share = (ln_binomial_density(k as f64, n as f64, p) - whole).exp();
    PValue::from_ln(whole + (-0.5 * share).ln_1p())
}

/// The sum of the densities from k up, k above the mean: each is a falling share of the one before it.
fn ln_at_least(k: u64, n: u64, p: f64) -> f64 {
    let odds = p / (1.0 - p);
    let (mut term, mut sum) = (1.0, 1.0);
    for j in k..n {
        term *= (n - j) as f64 / (j + 1) as f64 * odds;
        sum += term;
        if term < sum * f64::EPSILON / 4.0 {
            break;
        }
    }
    ln_binomial_density(k as f64, n as f64, p) + f64::ln(sum)
}

/// P(B ≥ sum) for B the sum over n tokens of the weighted mean of their fair bits (`SynthID`'s weighted score).
///
/// By Barndorff-Nielsen's r* (1986) at the saddle point: not exact, but right to about one part in 20 n of itself, however
/// far out, where the weights differ. Equal weights make it binomial, and [`binomial`] exact.
pub fn bits(n: u64, weights: &[f64], sum: f64) -> PValue {
    let (n, total) = (n as f64, weights.iter().sum::<f64>());
    if sum.is_nan() || sum <= 0.0 || n == 0.0 || total.is_nan() || total <= 0.0 {
        return PValue::ONE;
    }
    if sum >= n {
        // All bits at once.
        let all = -n * weights.len() as f64 * std::f64::consts::LN_2;
        return PValue::from_ln(if sum > n { f64::NEG_INFINITY } else { all });
    }
    if sum < n / 2.0 {
        return PValue::from_ln((-bits(n as u64, weights, n - sum).ln().exp()).ln_1p());
    }
    let shares = || weights.iter().map(|weight| weight / total);
    // The tilted mean rises with t.
    let mean = |t: f64| n * shares().map(|w| w / (1.0 + (-t * w).exp())).sum::<f64>();
    let (mut low, mut high) = (0.0, 1.0);
    while mean(high) < sum {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if mean(middle) < sum { low = middle } else { high = middle }
    }
    let t = high;
    // ln((1 + e^(t w)) / 2) − t w / 2 = ln cosh(t w / 2), without overflow.
    let ln_cosh = |y: f64| y + (-2.0 * y).exp().ln_1p() - std::f64::consts::LN_2;
    let exponent = t * (sum - n / 2.0) - n * shares().map(|w| ln_cosh(t * w / 2.0)).sum::<f64>();
    let curvature = n * shares().map(|w| w * w / (2.0 + 2.0 * (t * w).cosh())).sum::<f64>();
    let (r, u) = ((2.0 * exponent.max(0.0)).sqrt(), t * curvature.sqrt());
    // At the mean both vanish, and their ratio is 1 to the second order.
    normal(if r < 1e-3 { r } else { r + (u / r).ln() / r })
}

/// P(Z ≥ z) for a standard normal Z.
pub fn normal(z: f64) -> PValue {
    // Z² / 2 is a Gamma variable of shape ½, and half of its tail lies above.
    let both = gamma(0.5, z * z / 2.0);
    if z.is_nan() || z >= 0.0 {
        return PValue::from_ln(both.ln() - std::f64::consts::LN_2);
    }
    PValue::from_ln((-0.5 * both.value()).ln_1p())
}

/// The z with P(Z ≥ z) = p for a standard normal Z.
pub fn normal_critical(p: PValue) -> f64 {
    let goal = p.ln();
    if goal >= -std::f64::consts::LN_2 {
        // ln P(Z ≥ −z), the lesser half.
        let other = (-goal.exp_m1()).ln();
        return if other < -std::f64::consts::LN_2 { -normal_critical(PValue::from_ln(other)) } else { 0.0 };
    }
    // P(Z ≥ z) ≤ e^(−z²/2): Newton's steps start on the far side, and as the logarithm is concave they stay there.
    let mut z = (-2.0 * goal).sqrt();
    while z.is_finite() {
        let found = normal(z).ln();
        let slope = (-0.5 * z * z - 0.5 * std::f64::consts::TAU.ln() - found).exp();
        let next = z + (found - goal) / slope;
        if next.is_nan() || next >= z {
            break;
        }
        z = next;
    }
    z
}

/// The x with P(G ≥ x) = α for G the sum of `shape` exponential variables of mean 1.
pub fn gamma_critical(shape: f64, alpha: PValue) -> f64 {
    if shape.is_nan() || shape <= 0.0 || alpha.ln() >= 0.0 {
        return 0.0;
    }
    let mut beyond = shape.max(1.0);
    while beyond.is_finite() && gamma(shape, beyond).ln() > alpha.ln() {
        beyond *= 2.0;
    }
    let mut below = 0.0;
    loop {
        let middle = f64::midpoint(below, beyond);
        if middle <= below || middle >= beyond {
            return beyond;
        }
        if gamma(shape, middle).ln() > alpha.ln() {
            below = middle;
        } else {
            beyond = middle;
        }
    }
}

/// The least k with P(X ≥ k) ≤ α for X the number of successes in n trials of chance p each; n + 1 where not even n
/// successes are so improbable.
pub fn binomial_critical(n: u64, p: f64, alpha: PValue) -> u64 {
    let (mut below, mut beyond) = (0, n + 1);
    if alpha.ln() >= 0.0 {
        return 0;
    }
    while beyond - below > 1 {
        let middle = u64::midpoint(below, beyond);
        if binomial(middle, n, p).ln() > alpha.ln() {
            below = middle;
        } else {
            beyond = middle;
        }
    }
    beyond
}

/// The least sum with P(B ≥ sum) ≤ α for the sum of [`bits`]; more than n where no sum is so improbable.
pub fn bits_critical(n: u64, weights: &[f64], alpha: PValue) -> f64 {
    let (mut below, mut beyond) = (0.0, n as f64 * (1.0 + 1e-9) + 1e-300);
    for _ in 0..60 {
        let middle = f64::midpoint(below, beyond);
        if bits(n, weights, middle).ln() > alpha.ln() { below = middle } else { beyond = middle }
    }
    beyond
}
