//! Of Gumbel marks: where there is none, u is uniform and −ln(1 − u) an exponential variable of mean 1.

use super::{EProcess, Mixture, Product};

/// Bets of the mixture: the lower the entropy or the more diluted the mark, the smaller the best one.
const LAMBDAS: [f64; 18] = [
    0.0125, 0.025, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75,
    0.80,
];

/// The e-process that knows the key alone: the mean over λ of ∏ (1 − λ) e^(λ X), X the score −ln(1 − u).
///
/// Scores from a grid u = k / (N + 1), as engines have them, keep each factor's mean below 1.
#[derive(Debug, Clone)]
pub struct GumbelMixture {
    mixture: Mixture,
    /// ln of what makes each bet fair.
    stakes: [f64; LAMBDAS.len()],
}

impl GumbelMixture {
    /// Starts at 1.
    pub fn new() -> Self {
        Self::fused(0.0)
    }

    /// Starts at 1, for scores that weigh two keys: (1 − α) X + α Y. Then each bet is (1 − λ(1 − α)) (1 − λα) e^(λ score).
    pub fn fused(alpha: f64) -> Self {
        let stakes = LAMBDAS.map(|lambda| (-lambda * (1.0 - alpha)).ln_1p() + (-lambda * alpha).ln_1p());
        Self { mixture: Mixture::new(LAMBDAS.len()), stakes }
    }

    /// Takes the score of the next token.
    pub fn push(&mut self, score: f64) {
        if score.is_finite() && score >= 0.0 {
            let factors = LAMBDAS.iter().zip(&self.stakes).map(|(lambda, stake)| stake + lambda * score);
            self.mixture.multiply(factors);
        }
    }
}

impl Default for GumbelMixture {
    fn default() -> Self {
        Self::new()
    }
}

impl EProcess for GumbelMixture {
    fn ln_value(&self) -> f64 {
        self.mixture.ln
    }

    fn ln_peak(&self) -> f64 {
        self.mixture.peak
    }
}

/// The e-process that also has a model's probability q of each token: ∏ (1/q) u^(1/q − 1).
///
/// A token of probability q that was chosen by the mark has u ~ Beta(1/q, 1); so with the true q it is the likelihood ratio.
/// Without a mark each factor has mean 1 whatever q is, so long as q does not look at the key. On a grid of N values of u
/// the mean exceeds 1 by 1 / (2 N) at most.
#[derive(Debug, Clone, Default)]
pub struct LikelihoodRatio {
    product: Product,
    foreign: f64,
}

impl LikelihoodRatio {
    /// Of a text whose tokens are all marked or none: one foreign token of small q ends all evidence.
    pub fn new() -> Self {
        Self::default()
    }

    /// Of a text a share of whose marked tokens, 0 to 1, may have been replaced: a factor is never below that share.
    pub fn with_foreign(share: f64) -> Self {
        Self { product: Product::default(), foreign: if share >= 0.0 { share.min(1.0) } else { 0.0 } }
    }

    /// Takes the next token: its u, 0 to 1, and its probability.
    pub fn push(&mut self, u: f64, q: f64) {
        if (0.0..=1.0).contains(&u) {
            self.push_ln(u.ln(), q);
        }
    }

    /// The same from 1 − u, which keeps its digits where u is near 1.
    pub fn push_complement(&mut self, complement: f64, q: f64) {
        if (0.0..=1.0).contains(&complement) {
            self.push_ln((-complement).ln_1p(), q);
        }
    }

    fn push_ln(&mut self, ln_u: f64, q: f64) {
        let inverse = 1.0 / q;
        if !(q > 0.0 && q <= 1.0 && inverse.is_finite()) {
            return;
        }
        let excess = inverse - 1.0;
        let ln_ratio = inverse.ln() + if excess > 0.0 { excess * ln_u } else { 0.0 };
        if self.foreign == 0.0 {
            return self.product.multiply(ln_ratio);
        }
        // ln((1 − s) ratio + s), neither part of which overflows.
        let (marked, foreign) = ((-self.foreign).ln_1p() + ln_ratio, self.foreign.ln());
        let (greater, lesser) = if marked > foreign { (marked, foreign) } else { (foreign, marked) };
        self.product.multiply(greater + (lesser - greater).exp().ln_1p());
    }
}

impl EProcess for LikelihoodRatio {
    fn ln_value(&self) -> f64 {
        self.product.ln
    }

    fn ln_peak(&self) -> f64 {
        self.product.peak
    }
}
