//! Natural cubic smoothing splines (Green and Silverman 1994, ch. 2), smoothed as much as cross-validation asks for.

/// Twice the freedom of a curve counts a little more than that in the cross-validation, since with few points the plain criterion
/// often takes the noise for the curve (Kim and Gu 2004).
const CAUTION: f64 = 1.4;

/// Exponents of ten of the smoothing parameters that are tried, by halves, on points scaled to a span of 1.
const LEAST_EXPONENT: f64 = -6.0;
const EXPONENTS: usize = 19;

/// A smooth curve through points.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    knots: Vec<f64>,
    values: Vec<f64>,
    /// Second derivatives at the knots; 0 at both ends.
    bends: Vec<f64>,
    freedom: f64,
}

impl Curve {
    /// The height of the curve; beyond its ends it goes on straight.
    pub fn at(&self, x: f64) -> f64 {
        let last = self.knots.len() - 1;
        let step = |idx: usize| self.knots[idx + 1] - self.knots[idx];
        let rise = |idx: usize| (self.values[idx + 1] - self.values[idx]) / step(idx);
        if x <= self.knots[0] {
            return self.values[0] + (rise(0) - step(0) * self.bends[1] / 6.0) * (x - self.knots[0]);
        }
        if x >= self.knots[last] {
            let slope = rise(last - 1) + step(last - 1) * self.bends[last - 1] / 6.0;
            return self.values[last] + slope * (x - self.knots[last]);
        }
        let idx = self.knots.partition_point(|knot| *knot <= x).clamp(1, last) - 1;
        let (left, right, h) = (x - self.knots[idx], self.knots[idx + 1] - x, step(idx));
        let line = (left * self.values[idx + 1] + right * self.values[idx]) / h;
        let bend = (1.0 + left / h) * self.bends[idx + 1] + (1.0 + right / h) * self.bends[idx];
        line - left * right * bend / 6.0
    }

    /// How many parameters the curve is worth: 2 where it is straight.
    pub fn freedom(&self) -> f64 {
        self.freedom
    }
}

/// The smoothing spline through points (x, y) of generalized cross-validation; none where fewer than two x differ, or a number
/// is not finite.
pub fn smooth(points: &[(f64, f64)]) -> Option<Curve> {
    if points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
        return None;
    }
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let span = sorted.last()?.0 - sorted.first()?.0;
    if span <= 0.0 {
        return None;
    }
    // Points closer than rounding are one knot, with their mean and weight.
    let groups: Vec<&[(f64, f64)]> = sorted.chunk_by(|a, b| b.0 - a.0 <= span * 1e-9).collect();
    let mean = |group: &[(f64, f64)]| group.iter().map(|point| point.1).sum::<f64>() / group.len() as f64;
    let fit = Fit {
        start: sorted[0].0,
        span,
        knots: groups.iter().map(|group| (group[0].0 - sorted[0].0) / span).collect(),
        heights: groups.iter().map(|group| mean(group)).collect(),
        weights: groups.iter().map(|group| group.len() as f64).collect(),
    };
    if fit.knots.len() == 2 {
        return Some(fit.curve(fit.heights.clone(), Vec::new(), 2.0));
    }
    let tried = (0..EXPONENTS).map(|idx| fit.smoothed(10_f64.powf(LEAST_EXPONENT + idx as f64 / 2.0)));
    tried.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, curve)| curve)
}

struct Fit {
    start: f64,
    span: f64,
    knots: Vec<f64>,
    heights: Vec<f64>,
    weights: Vec<f64>,
}

impl Fit {
    /// The criterion and the curve of a smoothing parameter: (R + λ QᵀW⁻¹Q) γ = Qᵀy and g = y − λ W⁻¹Qγ.
    fn smoothed(&self, lambda: f64) -> (f64, Curve) {
        let n = self.knots.len();
        let factor = Banded::factor(self, lambda);
        let bends = factor.solve(&self.second_differences(&self.heights));
        let shifts = self.spread(&bends);
        let values: Vec<f64> =
            (0..n).map(|idx| self.heights[idx] - lambda * shifts[idx] / self.weights[idx]).collect();
        let mut freedom = 0.0;
        for idx in 0..n {
            let mut unit = vec![0.0; n];
            unit[idx] = 1.0;
            let shift = self.spread(&factor.solve(&self.second_differences(&unit)))[idx];
            freedom += 1.0 - lambda * shift / self.weights[idx];
        }
        let error =
            (0..n).map(|idx| self.weights[idx] * (self.heights[idx] - values[idx]).powi(2)).sum::<f64>();
        let left = n as f64 - CAUTION * freedom;
        let criterion = if left > 0.0 { error / (left * left) } else { f64::INFINITY };
        (criterion, self.curve(values, bends, freedom))
    }

    fn step(&self, idx: usize) -> f64 {
        self.knots[idx + 1] - self.knots[idx]
    }

    /// The column of Q that belongs to an inner knot: its entries at the knot before, itself, and after.
    fn column(&self, inner: usize) -> [f64; 3] {
        let (before, after) = (1.0 / self.step(inner), 1.0 / self.step(inner + 1));
        [before, -before - after, after]
    }

    /// Qᵀ y.
    fn second_differences(&self, values: &[f64]) -> Vec<f64> {
        let of = |inner: usize| self.column(inner).iter().zip(&values[inner..]).map(|(q, y)| q * y).sum();
        (0..self.knots.len() - 2).map(of).collect()
    }

    /// Q γ.
    fn spread(&self, bends: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.knots.len()];
        for (inner, bend) in bends.iter().enumerate() {
            for (sum, q) in sums[inner..].iter_mut().zip(self.column(inner)) {
                *sum += q * bend;
            }
        }
        sums
    }

    /// The curve on the points' own scale.
    fn curve(&self, values: Vec<f64>, inner: Vec<f64>, freedom: f64) -> Curve {
        let scaled = inner.into_iter().map(|bend| bend / (self.span * self.span));
        let mut bends: Vec<f64> = std::iter::once(0.0).chain(scaled).collect();
        bends.resize(values.len(), 0.0);
        Curve {
            knots: self.knots.iter().map(|knot| self.start + knot * self.span).collect(),
            values,
            bends,
            freedom,
        }
    }
}

/// L D Lᵀ of a symmetric matrix with two bands on either side.
struct Banded {
    diagonal: Vec<f64>,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Banded {
    fn factor(fit: &Fit, lambda: f64) -> Self {
        let n = fit.knots.len() - 2;
        let entry = |row: usize, band: usize| {
            let (one, other) = (fit.column(row), fit.column(row + band));
            let product: f64 =
                (band..3).map(|idx| one[idx] * other[idx - band] / fit.weights[row + idx]).sum();
            let rest = match band {
                0 => (fit.step(row) + fit.step(row + 1)) / 3.0,
                1 => fit.step(row + 1) / 6.0,
                _ => 0.0,
            };
            rest + lambda * product
        };
        let mut own = Self { diagonal: vec![0.0; n], first: vec![0.0; n], second: vec![0.0; n] };
        for row in 0..n {
            let mut pivot = entry(row, 0);
            let mut first = if row + 1 < n { entry(row, 1) } else { 0.0 };
            if row >= 1 {
                pivot -= own.first[row - 1].powi(2) * own.diagonal[row - 1];
                first -= own.first[row - 1] * own.second[row - 1] * own.diagonal[row - 1];
            }
            if row >= 2 {
                pivot -= own.second[row - 2].powi(2) * own.diagonal[row - 2];
            }
            own.diagonal[row] = pivot;
            own.first[row] = first / pivot;
            own.second[row] = if row + 2 < n { entry(row, 2) / pivot } else { 0.0 };
        }
        own
    }

    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let n = right.len();
        let mut x = right.to_vec();
        for row in 0..n {
            if row >= 1 {
                x[row] -= self.first[row - 1] * x[row - 1];
            }
            if row >= 2 {
                x[row] -= self.second[row - 2] * x[row - 2];
            }
        }
        for row in (0..n).rev() {
            x[row] /= self.diagonal[row];
            if row + 1 < n {
                x[row] -= self.first[row] * x[row + 1];
            }
            if row + 2 < n {
                x[row] -= self.second[row] * x[row + 2];
            }
        }
        x
    }
}
