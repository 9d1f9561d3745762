//! Axes: from values to places, with ticks at round numbers.

/// A linear axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    step: f64,
}

impl Scale {
    /// Spans the values, widened to round numbers, over the places `from` to `to`.
    pub(super) fn round(low: f64, high: f64, (from, to): (f64, f64), most_ticks: usize) -> Self {
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
        let step = round_step((high - low) / most_ticks.max(1) as f64);
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        Self { low, high, from, to, step }
    }

    /// Spans exactly the values, with ticks at the round numbers between them.
    pub(super) fn exact(low: f64, high: f64, (from, to): (f64, f64), most_ticks: usize) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { low, high, from, to, step: round_step((high - low) / most_ticks.max(1) as f64) }
    }

    /// The place of a value.
    pub(super) fn place(self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// The round numbers along the axis.
    pub(super) fn ticks(self) -> Vec<f64> {
        let first = (self.low / self.step - 1e-9).ceil() as i64;
        let last = (self.high / self.step + 1e-9).floor() as i64;
        (first..=last).map(|tick| tick as f64 * self.step).collect()
    }
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
    factors.into_iter().map(|factor| factor * power).find(|step| *step >= least * 0.999_999).unwrap_or(least)
}
