//! False alarms of (text, key) pairs, which are not independent: one text is scored under many keys, one key on many texts.
//!
//! The variance of the count is that of two-way clustering (Cameron, Gelbach and Miller 2011, eq. 2.11): over the texts' sums,
//! plus over the keys', less over the single pairs. Where chance makes it smaller than the binomial one the binomial one
//! stands, so that the band is never narrower than of independent pairs.

use crate::uniformity::binomial_band;
use crate::{PValue, tail};

/// A table of false alarms: texts by keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarms {
    /// The alarms of each text, over all keys.
    by_text: Vec<u64>,
    /// The alarms of each key, over all texts.
    by_key: Vec<u64>,
    total: u64,
}

/// How a count of false alarms compares with the stated level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// The pairs that raised an alarm.
    pub count: u64,
    /// All pairs.
    pub pairs: u64,
    /// The expected count.
    pub expected: f64,
    /// The least count inside the band.
    pub low: u64,
    /// The greatest.
    pub high: u64,
    /// By what factor clustering makes the variance larger than that of independent pairs; 1 at least.
    pub inflation: f64,
}

impl Alarms {
    /// Of no pair yet.
    pub fn new(texts: usize, keys: usize) -> Self {
        Self { by_text: vec![0; texts], by_key: vec![0; keys], total: 0 }
    }

    /// Notes that this text raised an alarm under this key; pairs outside the table are none.
    pub fn raise(&mut self, text: usize, key: usize) {
        if let (Some(of_text), Some(of_key)) = (self.by_text.get_mut(text), self.by_key.get_mut(key)) {
            *of_text += 1;
            *of_key += 1;
            self.total += 1;
        }
    }

    /// The band about the count expected at a stated level, outside which it falls with chance `beyond`: binomial, widened by
    /// the root of the variance's inflation.
    pub fn band(&self, level: f64, beyond: f64) -> Band {
        let pairs = (self.by_text.len() * self.by_key.len()) as u64;
        let expected = pairs as f64 * level;
        let inflation = self.inflation();
        let (low, high) = binomial_band(pairs, level, beyond);
        let wider = |bound: u64| expected + (bound as f64 - expected) * inflation.sqrt();
        Band {
            count: self.total,
            pairs,
            expected,
            low: wider(low).floor().max(0.0) as u64,
            high: (wider(high).ceil() as u64).min(pairs),
            inflation,
        }
    }

    /// The two-way variance of the count over the binomial one at the rate seen.
    fn inflation(&self) -> f64 {
        let (texts, keys) = (self.by_text.len() as f64, self.by_key.len() as f64);
        let rate = self.total as f64 / (texts * keys);
        let independent = texts * keys * rate * (1.0 - rate);
        if texts < 2.0 || keys < 2.0 || independent.is_nan() || independent <= 0.0 {
            return 1.0;
        }
        let variance = |sums: &[u64], mean: f64| -> f64 {
            let squares: f64 = sums.iter().map(|&sum| (sum as f64 - mean).powi(2)).sum();
            squares * sums.len() as f64 / (sums.len() - 1) as f64
        };
        let clustered =
            variance(&self.by_text, keys * rate) + variance(&self.by_key, texts * rate) - independent;
        (clustered / independent).max(1.0)
    }
}

impl Band {
    /// Whether the count lies inside.
    pub fn holds(&self) -> bool {
        (self.low..=self.high).contains(&self.count)
    }

    /// How often chance brings as many alarms: the normal tail of the clustered deviation.
    pub fn p(&self) -> PValue {
        let variance = self.expected * (1.0 - self.expected / self.pairs as f64) * self.inflation;
        tail::normal((self.count as f64 - 0.5 - self.expected) / variance.sqrt())
    }
}
