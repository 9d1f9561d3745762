//! Of green lists and of `SynthID`'s layers: bets on bits that are fair where there is no mark.
//!
//! Every bet 1 + λ (g − γ) on a bit of chance γ is the likelihood ratio of another chance against γ. The mean over a grid of
//! bets is thus a Bayes mixture: it falls short of the best fixed bet by the logarithm of the grid's size at most, however long
//! the text, whereas bets that adapt (online Newton steps, aGRAPA) fall short by a multiple of ln n and depend on the order
//! of the tokens. Successive bets differ by √2, and no signal between the ends loses more than 4 % of its growth.

use super::{EProcess, Mixture, Product};

/// The largest share of the wealth that a bet risks.
const LARGEST: f64 = 0.9;

/// From there on by √2 each, down to an excess of green of 3 in 10,000.
const BETS: usize = 24;

/// The share of the wealth that each bet of the grid risks.
fn shares() -> impl Iterator<Item = f64> {
    (0..BETS as u32).map(|k| LARGEST * (-0.5 * f64::from(k)).exp2())
}

/// The e-process of a green list, key-only: the mean over λ of ∏ (1 + λ (g − γ)).
#[derive(Debug, Clone)]
pub struct GreenBetting {
    mixture: Mixture,
    green: Vec<f64>,
    red: Vec<f64>,
}

impl GreenBetting {
    /// Starts at 1, for lists that hold a share γ of all tokens. With a γ not between 0 and 1 it stays there.
    pub fn new(gamma: f64) -> Self {
        let sound = gamma > 0.0 && gamma < 1.0;
        let green = |share: f64| if sound { (share * (1.0 - gamma) / gamma).ln_1p() } else { 0.0 };
        let red = |share: f64| if sound { (-share).ln_1p() } else { 0.0 };
        Self {
            mixture: Mixture::new(BETS),
            green: shares().map(green).collect(),
            red: shares().map(red).collect(),
        }
    }

    /// Takes the next token: green or not.
    pub fn push(&mut self, green: u8) {
        let factors = if green == 0 { &self.red } else { &self.green };
        self.mixture.multiply(factors.iter().copied());
    }
}

impl EProcess for GreenBetting {
    fn ln_value(&self) -> f64 {
        self.mixture.ln
    }

    fn ln_peak(&self) -> f64 {
        self.mixture.peak
    }
}

/// How the layers of one token hang together where there is no mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layers {
    /// Given the past, the layers' bits are independent fair coins: their factors multiply.
    Independent,
    /// Each bit alone is a fair coin given the past, whatever the others show: the mean of one process a layer.
    Dependent,
}

/// The e-process of a token's layers (`SynthID`), each of whose bits is fair where there is no mark.
///
/// A product over layers is an e-process only where they are independent given the past, which is so for hash functions of
/// one key a layer; a table of 65,536 entries, or layers whose inputs differ little, break it, and
/// [`Layers::Dependent`] stays valid. Deeper layers carry less, so that each bets its own weight's part.
#[derive(Debug, Clone)]
pub struct LayeredBetting {
    layers: Layers,
    weights: Vec<f64>,
    mixture: Mixture,
    factors: Vec<f64>,
}

impl LayeredBetting {
    /// Starts at 1, with the weight of each layer's bets, 0 to 1.
    pub fn new(layers: Layers, weights: &[f64]) -> Self {
        let parts = if layers == Layers::Independent { BETS } else { BETS * weights.len() };
        let weights =
            weights.iter().map(|weight| if *weight >= 0.0 { weight.min(1.0) } else { 0.0 }).collect();
        Self { layers, weights, mixture: Mixture::new(parts), factors: Vec::with_capacity(parts) }
    }

    /// The weights that fall linearly from 1 to a tenth, as `SynthID`'s weighted mean has them.
    pub fn falling(layers: Layers, depth: usize) -> Self {
        let step = 0.9 / depth.saturating_sub(1).max(1) as f64;
        let weights: Vec<f64> = (0..depth).map(|layer| 1.0 - step * layer as f64).collect();
        Self::new(layers, &weights)
    }

    /// Takes the next token: the bits of its layers, first layer in the lowest bit.
    pub fn push(&mut self, bits: u64) {
        if self.weights.is_empty() {
            return;
        }
        let sign =
            |layer: usize| if bits.checked_shr(layer as u32).unwrap_or(0) & 1 == 1 { 1.0 } else { -1.0 };
        let signed = |(layer, weight): (usize, &f64)| sign(layer) * weight;
        self.factors.clear();
        for share in shares() {
            let bets = self.weights.iter().enumerate().map(|pair| 1.0 + share * signed(pair));
            match self.layers {
                Layers::Independent => self.factors.push(bets.map(f64::ln).sum()),
                Layers::Dependent => self.factors.extend(bets.map(f64::ln)),
            }
        }
        self.mixture.multiply(self.factors.iter().copied());
    }
}

impl EProcess for LayeredBetting {
    fn ln_value(&self) -> f64 {
        self.mixture.ln
    }

    fn ln_peak(&self) -> f64 {
        self.mixture.peak
    }
}

/// The e-process of a green list that also has a model's probabilities.
///
/// A mark of bias δ makes a token x of probability q, whose list holds the mass m of the *other* tokens, as probable as
/// q e^δ / (1 + (e^δ − 1)(m + q)) if x is green and q / (1 + (e^δ − 1) m) if not. The chance of green given x and m is Bayes'
/// rule on the two, and each factor is that chance (or its complement) over γ (or 1 − γ).
///
/// The mass must leave out the judged token: a list's whole mass is greater just when the token is on it, so that m e^δ /
/// (m e^δ + 1 − m) over γ gains on unmarked text, and is no e-process. Lists of a fixed size make the rest depend on the token
/// by one part in the vocabulary's size.
#[derive(Debug, Clone)]
pub struct GreenLikelihoodRatio {
    product: Product,
    gamma: f64,
    delta: f64,
}

impl GreenLikelihoodRatio {
    /// Starts at 1, for lists of a share γ of all tokens and a bias δ on their logits.
    pub fn new(gamma: f64, delta: f64) -> Self {
        Self { product: Product::default(), gamma, delta }
    }

    /// Takes the next token: green or not, its own probability, and that of all other tokens on its list.
    pub fn push(&mut self, green: u8, own: f64, others: f64) {
        let sound =
            self.gamma > 0.0 && self.gamma < 1.0 && own >= 0.0 && others >= 0.0 && own + others <= 1.0 + 1e-6;
        if !sound {
            return;
        }
        let gain = self.delta.exp_m1();
        let if_green = self.delta.exp() / (1.0 + gain * (others + own));
        let if_red = 1.0 / (1.0 + gain * others);
        let mean = self.gamma * if_green + (1.0 - self.gamma) * if_red;
        self.product.multiply((if green == 0 { if_red } else { if_green } / mean).ln());
    }
}

impl EProcess for GreenLikelihoodRatio {
    fn ln_value(&self) -> f64 {
        self.product.ln
    }

    fn ln_peak(&self) -> f64 {
        self.product.peak
    }
}
