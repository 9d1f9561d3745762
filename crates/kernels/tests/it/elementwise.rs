//! Norms, activations, rotations, reductions and the optimizer's update.

use half::bf16;
use stillmark_kernels::activation::{swiglu, swiglu_backward};
use stillmark_kernels::adamw::{Step, update};
use stillmark_kernels::convert::{narrow_bf16, round_bf16, widen_bf16};
use stillmark_kernels::norm::{rms_norm, rms_norm_backward};
use stillmark_kernels::rope::{Table, Turn, rotate};
use stillmark_kernels::softmax::{exp, log_sum_exp, max, softmax};

use crate::{assert_close, noise};

#[test]
fn exp_is_within_two_units_in_the_last_place() {
    for idx in 0..200_000 {
        let x = -87.0 + idx as f32 * (175.0 / 200_000.0);
        let want = f64::from(x).exp();
        let error = (f64::from(exp(x)) - want).abs() / want;
        assert!(error < 2.0 * f64::from(f32::EPSILON), "exp({x}) is off by {error}");
    }
}

#[test]
fn exp_keeps_its_edges() {
    assert_eq!(exp(f32::NEG_INFINITY), 0.0);
    assert_eq!(exp(-100.0), 0.0);
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(89.0), f32::INFINITY);
    assert!(exp(f32::NAN).is_nan());
}

#[test]
fn reductions_of_a_row_equal_f64() {
    for n in [1, 15, 16, 17, 1000] {
        let row: Vec<f32> = noise(n, 7).iter().map(|x| x * 30.0).collect();
        let top = row.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        assert_eq!(max(&row), top);
        let sum: f64 = row.iter().map(|x| (f64::from(*x) * 0.5).exp()).sum();
        assert_close(&[log_sum_exp(&row, 0.5)], &[sum.ln()], 1e-6, "log-sum-exp");
        let total: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        let want: Vec<f64> = row.iter().map(|x| f64::from(*x).exp() / total).collect();
        let mut got = row.clone();
        softmax(&mut got);
        assert_close(&got, &want, 1e-6, "softmax");
    }
}

fn normed(x: &[f64], weight: &[f64], eps: f64) -> Vec<f64> {
    x.chunks(weight.len())
        .flat_map(|row| {
            let mean = row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64;
            row.iter().zip(weight).map(move |(x, w)| x / (mean + eps).sqrt() * w).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn norm_and_its_gradients_equal_f64() {
    let (n_rows, width, eps) = (300, 37, 1e-5);
    let (x, weight, d_out) = (noise(n_rows * width, 1), noise(width, 2), noise(n_rows * width, 3));
    let wide = |data: &[f32]| data.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    let mut out = vec![0.0; x.len()];
    rms_norm(&x, &weight, eps, &mut out);
    assert_close(&out, &normed(&wide(&x), &wide(&weight), f64::from(eps)), 1e-6, "norm");
    let (mut d_x, mut d_weight) = (vec![1.0; x.len()], vec![2.0; width]);
    rms_norm_backward(&x, &weight, eps, &d_out, &mut d_x, &mut d_weight);
    let loss = |x: &[f64], weight: &[f64]| -> f64 {
        normed(x, weight, f64::from(eps)).iter().zip(&d_out).map(|(y, d)| y * f64::from(*d)).sum()
    };
    for at in (0..x.len()).step_by(371) {
        let (mut above, mut below) = (wide(&x), wide(&x));
        above[at] += 1e-6;
        below[at] -= 1e-6;
        let want = 1.0 + (loss(&above, &wide(&weight)) - loss(&below, &wide(&weight))) / 2e-6;
        assert_close(&[d_x[at]], &[want], 1e-5, "gradient of the input, added");
    }
    for at in 0..width {
        let (mut above, mut below) = (wide(&weight), wide(&weight));
        above[at] += 1e-4;
        below[at] -= 1e-4;
        let want = 2.0 + (loss(&wide(&x), &above) - loss(&wide(&x), &below)) / 2e-4;
        assert_close(&[d_weight[at]], &[want], 1e-5, "gradient of the weight, added");
    }
}

#[test]
fn swiglu_and_its_gradients_equal_f64() {
    let (mut gate, mut up, d_out) = (noise(20_000, 1), noise(20_000, 2), noise(20_000, 3));
    for x in &mut gate {
        *x *= 9.0;
    }
    let f = |gate: f64, up: f64| gate / (1.0 + (-gate).exp()) * up;
    let want: Vec<f64> = gate.iter().zip(&up).map(|(g, u)| f(f64::from(*g), f64::from(*u))).collect();
    let mut out = vec![0.0; gate.len()];
    swiglu(&gate, &up, &mut out);
    assert_close(&out, &want, 1e-6, "swiglu");
    let slope = |g: f64, u: f64| (f(g + 1e-5, u) - f(g - 1e-5, u)) / 2e-5;
    let want_gate: Vec<f64> = gate
        .iter()
        .zip(&up)
        .zip(&d_out)
        .map(|((g, u), d)| slope(f64::from(*g), f64::from(*u)) * f64::from(*d))
        .collect();
    let want_up: Vec<f64> =
        gate.iter().zip(&d_out).map(|(g, d)| f(f64::from(*g), 1.0) * f64::from(*d)).collect();
    swiglu_backward(&d_out, &mut gate, &mut up);
    assert_close(&gate, &want_gate, 1e-5, "gradient of the gate");
    assert_close(&up, &want_up, 1e-5, "gradient of the other half");
}

#[test]
fn rotation_turns_pairs_and_turns_back() {
    let frequencies = [1.0, 0.1, 0.01];
    let table = Table::new(&frequencies, 50, 1.0);
    let positions = [0_u32, 7, 49];
    let start = noise(3 * 12, 5);
    let mut x = start.clone();
    rotate(&table, &positions, 12, &mut x, Turn::Forward);
    for (row, position) in positions.iter().enumerate() {
        for head in 0..2 {
            for (i, frequency) in frequencies.iter().enumerate() {
                let at = row * 12 + head * 6 + i;
                let (sin, cos) = (f64::from(*position) * frequency).sin_cos();
                let (a, b) = (f64::from(start[at]), f64::from(start[at + 3]));
                assert_close(&[x[at], x[at + 3]], &[a * cos - b * sin, b * cos + a * sin], 1e-6, "turned");
            }
        }
    }
    rotate(&table, &positions, 12, &mut x, Turn::Back);
    let want: Vec<f64> = start.iter().map(|x| f64::from(*x)).collect();
    assert_close(&x, &want, 1e-6, "turned back");
}

#[test]
fn bf16_rounds_to_nearest_even_and_keeps_nan() {
    let values: Vec<f32> =
        noise(5000, 9).iter().map(|x| x * 1e3).chain([f32::NAN, f32::INFINITY, 0.0, -0.0, 1e-40]).collect();
    let mut narrow = vec![bf16::ZERO; values.len()];
    narrow_bf16(&values, &mut narrow);
    let mut back = vec![0.0; values.len()];
    widen_bf16(&narrow, &mut back);
    for (value, back) in values.iter().zip(&back) {
        let want = bf16::from_f32(*value).to_f32();
        assert!(
            back.to_bits() == want.to_bits() || (back.is_nan() && want.is_nan()),
            "{value} became {back}"
        );
        assert_eq!(round_bf16(*value).to_bits(), back.to_bits());
    }
}

#[test]
fn the_update_follows_the_paper() {
    let n = 40_000;
    let (mut w, mut m, mut v) = (noise(n, 1), vec![0.0; n], vec![0.0; n]);
    let mut wide: Vec<[f64; 3]> = w.iter().map(|w| [f64::from(*w), 0.0, 0.0]).collect();
    for step in 1..=5 {
        let grads = noise(n, 10 + step);
        let numbers =
            Step { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, grad_scale: 0.5, step };
        update(numbers, &mut w, &grads, &mut m, &mut v);
        for ([w, m, v], g) in wide.iter_mut().zip(&grads) {
            let g = f64::from(*g) * 0.5;
            *m = 0.9 * *m + 0.1 * g;
            *v = 0.95 * *v + 0.05 * g * g;
            let (m_hat, v_hat) =
                (*m / (1.0 - 0.9_f64.powf(step as f64)), *v / (1.0 - 0.95_f64.powf(step as f64)));
            *w -= 1e-2 * 0.1 * *w + 1e-2 * m_hat / (v_hat.sqrt() + 1e-8);
        }
    }
    let want: Vec<f64> = wide.iter().map(|[w, _, _]| *w).collect();
    assert_close(&w, &want, 2e-5, "weights");
}
