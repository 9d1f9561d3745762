//! A stand-in for a model's next token: Zipf's law of a wanted entropy.

/// Ranks up to here stand alone; beyond, they are gathered in classes one part in a hundred wide.
const ALONE: usize = 512;

/// Tokens of like probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Class {
    /// How many tokens.
    pub tokens: f64,
    /// The probability of each.
    pub probability: f64,
}

/// A distribution of the next token.
#[derive(Debug, Clone, PartialEq)]
pub struct Vocabulary {
    classes: Vec<Class>,
}

impl Vocabulary {
    /// The distribution p(i) ∝ i^(−s) over so many tokens whose entropy is that many nats; none where the entropy is not
    /// strictly between 0 and that of all tokens alike.
    pub fn zipf(tokens: usize, entropy: f64) -> Option<Self> {
        if !(entropy > 0.0 && entropy < (tokens as f64).ln()) {
            return None;
        }
        let ranks = ranks(tokens);
        // The entropy falls as s grows.
        let (mut low, mut high) = (0.0, 1.0);
        while with_exponent(&ranks, high).entropy() > entropy && high < 1e3 {
            high *= 2.0;
        }
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if with_exponent(&ranks, middle).entropy() > entropy { low = middle } else { high = middle }
        }
        Some(with_exponent(&ranks, high))
    }

    /// Its tokens, the most probable first.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Its entropy in nats.
    pub fn entropy(&self) -> f64 {
        self.mean(|p| -p.ln())
    }

    /// The mean of a function of the probability of the token that is drawn.
    pub fn mean(&self, value: impl Fn(f64) -> f64) -> f64 {
        self.drawable().map(|class| class.tokens * class.probability * value(class.probability)).sum()
    }

    /// The classes that a double can tell from impossible ones.
    pub fn drawable(&self) -> impl Iterator<Item = &Class> {
        self.classes.iter().filter(|class| class.tokens * class.probability > 1e-30)
    }
}

/// Classes of ranks: how many, and the rank that stands for them.
fn ranks(tokens: usize) -> Vec<(f64, f64)> {
    let mut ranks: Vec<(f64, f64)> = (1..=tokens.min(ALONE)).map(|rank| (1.0, rank as f64)).collect();
    let mut from = ALONE + 1;
    while from <= tokens {
        let to = (from + from / 100).min(tokens);
        ranks.push(((to - from + 1) as f64, f64::midpoint(from as f64, to as f64)));
        from = to + 1;
    }
    ranks
}

fn with_exponent(ranks: &[(f64, f64)], s: f64) -> Vocabulary {
    let total: f64 = ranks.iter().map(|(tokens, rank)| tokens * rank.powf(-s)).sum();
    let class = |&(tokens, rank): &(f64, f64)| Class { tokens, probability: rank.powf(-s) / total };
    Vocabulary { classes: ranks.iter().map(class).collect() }
}
