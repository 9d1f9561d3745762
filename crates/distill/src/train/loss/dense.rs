//! Losses against a teacher's full distribution.

use super::softmax::{Softmax, gradient_factor};
use super::{Divergence, Term};

/// Independent sums in a reduction, so that the loop vectorizes; always added up in one order.
const LANES: usize = 16;

/// Adds the gradient of `factor` times the term and returns the term, `T^2` included. `logits` are the student's and the
/// teacher's.
pub(super) fn loss(
    term: Term,
    factor: f32,
    logits: [&[f32]; 2],
    gradient: &mut [f32],
    rooms: [&mut Vec<f32>; 2],
) -> f32 {
    let [student_room, teacher_room] = rooms;
    let mut student = Softmax::new(logits[0], term.temperature, student_room);
    let mut teacher = Softmax::new(logits[1], term.temperature, teacher_room);
    let factor = gradient_factor(term, factor);
    let value = match term.divergence.resolved() {
        Divergence::ForwardKl => forward(&student, &teacher, factor, gradient),
        Divergence::ReverseKl => reverse(&student, &teacher, factor, gradient),
        Divergence::JensenShannon { beta } => {
            jensen_shannon([&mut student, &mut teacher], (beta, factor), gradient)
        }
        Divergence::TotalVariation => total_variation(&student, &teacher, factor, gradient),
        Divergence::CrossEntropy => 0.0,
    };
    value * term.temperature * term.temperature
}

/// `ln p_i - ln q_i` as a multiple of the difference of logits plus a constant.
fn log_ratio(student: &Softmax<'_>, teacher: &Softmax<'_>) -> (f32, f32) {
    let scale = 1.0 / student.temperature;
    let shift = f64::from(student.shift) - f64::from(teacher.shift);
    let log_sums = f64::from(student.sum).ln() - f64::from(teacher.sum).ln();
    let constant = (shift / f64::from(student.temperature) + log_sums) as f32;
    (scale, constant)
}

fn forward(student: &Softmax<'_>, teacher: &Softmax<'_>, factor: f32, gradient: &mut [f32]) -> f32 {
    let (scale, constant) = log_ratio(student, teacher);
    let [student_scale, teacher_scale] = [factor / student.sum, factor / teacher.sum];
    for ((gradient, q), p) in gradient.iter_mut().zip(&*student.exps).zip(&*teacher.exps) {
        *gradient += q * student_scale - p * teacher_scale;
    }
    let total =
        sum3([&*teacher.exps, teacher.logits, student.logits], |p, t, s| p * ((t - s) * scale + constant));
    total / teacher.sum
}

fn reverse(student: &Softmax<'_>, teacher: &Softmax<'_>, factor: f32, gradient: &mut [f32]) -> f32 {
    let (scale, constant) = log_ratio(student, teacher);
    let minus_ratio = |t: f32, s: f32| (s - t) * scale - constant;
    let total = sum3([&*student.exps, teacher.logits, student.logits], |q, t, s| q * minus_ratio(t, s));
    let value = total / student.sum;
    let factor = factor / student.sum;
    let rows = student.exps.iter().zip(teacher.logits).zip(student.logits);
    for (gradient, ((q, &t), &s)) in gradient.iter_mut().zip(rows) {
        *gradient += q * factor * (minus_ratio(t, s) - value);
    }
    value
}

fn jensen_shannon(
    [student, teacher]: [&mut Softmax<'_>; 2],
    (beta, factor): (f32, f32),
    gradient: &mut [f32],
) -> f32 {
    let (scale, constant) = log_ratio(student, teacher);
    let [student_share, teacher_share] = [(1.0 - beta) / student.sum, beta / teacher.sum];
    let (mut value, mut inner) = ([0.0_f32; LANES], [0.0_f32; LANES]);
    let ratio = |t: f32, s: f32| (t - s) * scale + constant;
    // ln(q / m) = -ln(beta p / q + 1 - beta), and ln(p / m) is that plus ln(p / q); p / q is taken from the logits
    // so that it is exact where both are tiny.
    let rows = student.exps.iter_mut().zip(&mut *teacher.exps).zip(teacher.logits.iter().zip(student.logits));
    for (idx, ((q, p), (&t, &s))) in rows.enumerate() {
        let ratio = ratio(t, s);
        let log_q_over_m = -log_mixture(ratio, beta);
        let (weighted_q, weighted_p) = (*q * student_share, *p * teacher_share);
        value[idx % LANES] += weighted_p * (ratio + log_q_over_m) + weighted_q * log_q_over_m;
        inner[idx % LANES] += weighted_q * log_q_over_m;
        (*q, *p) = (weighted_q, log_q_over_m);
    }
    let (value, inner) = (fold(value), fold(inner));
    // sum_j q_j g_j is `inner`, and q_i is the weighted one over 1 - beta.
    let offset = inner / (1.0 - beta);
    for ((gradient, q), log_q_over_m) in gradient.iter_mut().zip(&*student.exps).zip(&*teacher.exps) {
        *gradient += q * factor * (log_q_over_m - offset);
    }
    value
}

fn total_variation(student: &Softmax<'_>, teacher: &Softmax<'_>, factor: f32, gradient: &mut [f32]) -> f32 {
    let [student_scale, teacher_scale] = [1.0 / student.sum, 1.0 / teacher.sum];
    let sign = |q: f32, p: f32| {
        let difference = q * student_scale - p * teacher_scale;
        if difference > 0.0 {
            0.5_f32
        } else if difference < 0.0 {
            -0.5
        } else {
            0.0
        }
    };
    let rows = [&*student.exps, &*teacher.exps, &*teacher.exps];
    let value = 0.5 * sum3(rows, |q, p, _| (q * student_scale - p * teacher_scale).abs());
    let inner = sum3(rows, |q, p, _| q * student_scale * sign(q, p));
    let factor = factor * student_scale;
    for ((gradient, &q), &p) in gradient.iter_mut().zip(&*student.exps).zip(&*teacher.exps) {
        *gradient += q * factor * (sign(q, p) - inner);
    }
    value
}

/// `ln(beta r + 1 - beta)` for the ratio `r = e^log_ratio`, without overflow.
fn log_mixture(log_ratio: f32, beta: f32) -> f32 {
    let high = log_ratio.max(0.0);
    let [teacher, student] =
        [stillmark_kernels::softmax::exp(log_ratio - high), stillmark_kernels::softmax::exp(-high)];
    high + ln(beta * teacher + (1.0 - beta) * student)
}

/// The natural logarithm of a normal positive number to within 3 units in the last place, without branches.
///
/// The mantissa is brought into [sqrt(1/2), sqrt(2)) and `ln((1 + s) / (1 - s)) = 2 (s + s^3/3 + s^5/5 + ...)` summed.
#[inline]
fn ln(x: f32) -> f32 {
    const HALF_ROOT: u32 = 0x3f35_04f3;
    let bits = x.to_bits().wrapping_sub(HALF_ROOT);
    let exponent = bits.cast_signed() >> 23;
    let mantissa = f32::from_bits((bits & 0x007f_ffff) + HALF_ROOT);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let z = s * s;
    let series = ((z * (1.0 / 9.0) + 1.0 / 7.0) * z + 0.2) * z + 1.0 / 3.0;
    exponent as f32 * std::f32::consts::LN_2 + 2.0 * (s + s * z * series)
}

/// The sum of `f` over three rows.
#[inline]
fn sum3(rows: [&[f32]; 3], f: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let n = rows.iter().map(|row| row.len()).min().unwrap_or(0);
    let [a, b, c] = rows.map(|row| &row[..n]);
    let mut sums = [0.0_f32; LANES];
    let whole = n / LANES * LANES;
    for at in (0..whole).step_by(LANES) {
        let [a, b, c] = [&a[at..at + LANES], &b[at..at + LANES], &c[at..at + LANES]];
        for lane in 0..LANES {
            sums[lane] += f(a[lane], b[lane], c[lane]);
        }
    }
    let tail: f32 = (whole..n).map(|at| f(a[at], b[at], c[at])).sum();
    fold(sums) + tail
}

/// Adds up the lanes, always in one order.
fn fold(mut sums: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}
