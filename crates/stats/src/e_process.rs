//! Evidence that may be looked at at any time.
//!
//! An e-process starts at 1 and, where there is nothing to find, gains nothing on average whatever came before; so it ever
//! reaches 1/α with chance α at most (Ville 1939; Ramdas et al. 2023, sec. 3), and one may stop when one likes. Values are
//! natural logarithms. Processes of independent sources multiply (logarithms add); of dependent ones the mean may be taken
//! ([`crate::multiple::ln_mean_e`]). What is no number, or lies outside what the null allows, changes nothing.

mod audit;
mod betting;
mod gumbel;

pub use audit::{Alpha, Excess};
pub use betting::{GreenBetting, GreenLikelihoodRatio, LayeredBetting, Layers};
pub use gumbel::{GumbelMixture, LikelihoodRatio};

use crate::PValue;
use crate::multiple::ln_mean_e;

/// What all e-processes tell.
pub trait EProcess {
    /// The logarithm of its value now.
    fn ln_value(&self) -> f64;

    /// The logarithm of the greatest value it ever had, at least 0.
    fn ln_peak(&self) -> f64;

    /// The anytime-valid p-value: one over the greatest value.
    fn p(&self) -> PValue {
        PValue::from_ln(-self.ln_peak())
    }
}

/// A process of one factor after another.
#[derive(Debug, Clone, Default)]
struct Product {
    ln: f64,
    peak: f64,
}

impl Product {
    fn multiply(&mut self, ln_factor: f64) {
        if !ln_factor.is_nan() {
            self.ln += ln_factor;
            self.peak = self.peak.max(self.ln);
        }
    }
}

/// The mean of several processes, which is one too (method of mixtures).
#[derive(Debug, Clone)]
struct Mixture {
    parts: Vec<f64>,
    ln: f64,
    peak: f64,
}

impl Mixture {
    fn new(parts: usize) -> Self {
        Self { parts: vec![0.0; parts], ln: 0.0, peak: 0.0 }
    }

    /// Multiplies each part by its own factor.
    fn multiply(&mut self, ln_factors: impl IntoIterator<Item = f64>) {
        self.parts.iter_mut().zip(ln_factors).for_each(|(part, ln)| *part += ln);
        self.ln = ln_mean_e(&self.parts);
        self.peak = self.peak.max(self.ln);
    }
}
