//! Axes: from values to places, with ticks at round numbers.

use super::Spread;

/// An axis that knows its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    step: f64,
    spread: Spread,
}

impl Scale {
    /// Spans the values, widened to round numbers, over the places `from` to `to`.
    pub(super) fn round(low: f64, high: f64, (from, to): (f64, f64), most_ticks: usize) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
        let step = round_step((high - low) / most_ticks.max(1) as f64);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self { low, high, from, to, step, spread: Spread::Even }
    }

    /// Spans exactly the values, with ticks at the round numbers between them.
    pub(super) fn exact(low: f64, high: f64, (from, to): (f64, f64), most_ticks: usize) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / most_ticks.max(1) as f64);
        Self { low, high, from, to, step, spread: Spread::Even }
    }

    /// Spans exactly the values, all above 0, by their ratios.
    pub(super) fn ratios(low: f64, high: f64, (from, to): (f64, f64)) -> Self {
        let high = if high > low { high } else { low * 10.0 };
        Self { low: low.log10(), high: high.log10(), from, to, step: 1.0, spread: Spread::Logarithmic }
    }

    /// The place of a value.
    pub(super) fn place(self, value: f64) -> f64 {
        let value = if self.spread == Spread::Logarithmic { value.log10() } else { value };
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// The round numbers along the axis.
    pub(super) fn ticks(self) -> Vec<f64> {
        let first = (self.low / self.step - 1e-9).ceil() as i64;
        let last = (self.high / self.step + 1e-9).floor() as i64;
        match self.spread {
            Spread::Even => (first..=last).map(|tick| tick as f64 * self.step).collect(),
            Spread::Logarithmic => self.ratio_ticks(first - 1, last),
        }
    }

    /// Powers of ten where they are many, with twice and five times each where they are few.
    fn ratio_ticks(self, first: i64, last: i64) -> Vec<f64> {
        let factors: &[f64] = if self.high - self.low > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let ticks =
            (first..=last).flat_map(|power| factors.iter().map(move |f| f * 10f64.powf(power as f64)));
        let is_inside = |tick: &f64| (self.low - 1e-9..=self.high + 1e-9).contains(&tick.log10());
        ticks.filter(is_inside).collect()
    }
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
    factors.into_iter().map(|factor| factor * power).find(|step| *step >= least * 0.999_999).unwrap_or(least)
}
