//! Attention against the textbook formula in f64.

use std::ops::Range;

use stillmark_kernels::attention::{
    Gradients, Inputs, Shape, attention, attention_backward, attention_cached,
};
use stillmark_kernels::gemm::Precision;

use crate::{assert_close, noise};

fn shape(heads: usize, kv_heads: usize, window: Option<usize>) -> Shape {
    Shape { heads, kv_heads, head_dim: 8, window, scale: 8.0_f32.powf(-0.5) }
}

/// The output, computed row by row.
fn textbook(shape: Shape, segments: &[Range<usize>], q: &[f64], k: &[f64], v: &[f64]) -> Vec<f64> {
    let (dim, q_width, kv_width) =
        (shape.head_dim, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
    let mut out = vec![0.0; q.len()];
    for segment in segments {
        for row in segment.clone() {
            for head in 0..shape.heads {
                let kv = head / (shape.heads / shape.kv_heads) * dim;
                let first = shape
                    .window
                    .map_or(segment.start, |window| segment.start.max((row + 1).saturating_sub(window)));
                let weights: Vec<f64> = (first..=row)
                    .map(|key| {
                        let score: f64 = (0..dim)
                            .map(|i| q[row * q_width + head * dim + i] * k[key * kv_width + kv + i])
                            .sum();
                        (score * f64::from(shape.scale)).exp()
                    })
                    .collect();
                let total: f64 = weights.iter().sum();
                for (weight, key) in weights.iter().zip(first..) {
                    for i in 0..dim {
                        out[row * q_width + head * dim + i] += weight / total * v[key * kv_width + kv + i];
                    }
                }
            }
        }
    }
    out
}

fn wide(data: &[f32]) -> Vec<f64> {
    data.iter().map(|x| f64::from(*x)).collect()
}

fn cases() -> Vec<(Shape, Vec<Range<usize>>)> {
    vec![
        (shape(2, 2, None), vec![0..1, 1..70, 70..150]),
        (shape(4, 2, None), vec![0..130]),
        (shape(3, 1, Some(5)), vec![0..3, 3..90]),
        (shape(2, 1, Some(64)), vec![0..140]),
    ]
}

#[test]
fn output_equals_the_textbook() {
    for (shape, segments) in cases() {
        let n = segments.last().expect("segments").end;
        let (q, k) = (noise(n * shape.heads * 8, 1), noise(n * shape.kv_heads * 8, 2));
        let v = noise(k.len(), 3);
        let want = textbook(shape, &segments, &wide(&q), &wide(&k), &wide(&v));
        for (precision, tolerance) in [(Precision::F32, 1e-5), (Precision::Bf16, 2e-2)] {
            let mut out = vec![f32::NAN; q.len()];
            attention(precision, shape, &segments, Inputs { q: &q, k: &k, v: &v }, &mut out);
            assert_close(&out, &want, tolerance, &format!("{shape:?} {precision:?}"));
        }
    }
}

#[test]
fn packed_documents_give_the_bits_they_give_alone() {
    let shape = shape(4, 2, Some(50));
    let (q, k, v) = (noise(150 * 32, 1), noise(150 * 16, 2), noise(150 * 16, 3));
    let mut packed = vec![0.0; q.len()];
    attention(Precision::F32, shape, &[0..70, 70..150], Inputs { q: &q, k: &k, v: &v }, &mut packed);
    for rows in [0..70, 70..150] {
        let (wide, narrow) = (rows.start * 32..rows.end * 32, rows.start * 16..rows.end * 16);
        let mut alone = vec![0.0; wide.len()];
        let inputs = Inputs { q: &q[wide.clone()], k: &k[narrow.clone()], v: &v[narrow] };
        attention(Precision::F32, shape, &[0..rows.len()], inputs, &mut alone);
        assert_eq!(alone, packed[wide]);
    }
}

#[test]
fn gradients_equal_central_differences() {
    for (shape, segments) in cases() {
        let n = segments.last().expect("segments").end;
        let (q, k) = (noise(n * shape.heads * 8, 1), noise(n * shape.kv_heads * 8, 2));
        let (v, d_out) = (noise(k.len(), 3), noise(q.len(), 4));
        let (mut d_q, mut d_k, mut d_v) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
        let grads = Gradients { q: &mut d_q, k: &mut d_k, v: &mut d_v };
        attention_backward(Precision::F32, shape, &segments, Inputs { q: &q, k: &k, v: &v }, &d_out, grads);
        let inputs = [wide(&q), wide(&k), wide(&v)];
        let loss = |inputs: &[Vec<f64>; 3]| -> f64 {
            let out = textbook(shape, &segments, &inputs[0], &inputs[1], &inputs[2]);
            out.iter().zip(&d_out).map(|(out, d)| out * f64::from(*d)).sum()
        };
        for (which, grad) in [&d_q, &d_k, &d_v].into_iter().enumerate() {
            for at in (0..grad.len()).step_by(grad.len() / 23 + 1) {
                let mut moved = inputs.clone();
                moved[which][at] += 1e-5;
                let above = loss(&moved);
                moved[which][at] -= 2e-5;
                let want = (above - loss(&moved)) / 2e-5;
                let error = (f64::from(grad[at]) - want).abs();
                assert!(
                    error < 2e-5 * want.abs().max(1.0),
                    "{shape:?} input {which} at {at}: {} for {want}",
                    grad[at]
                );
            }
        }
    }
}

#[test]
fn one_query_over_a_cache_equals_the_last_row() {
    for window in [None, Some(7)] {
        let shape = shape(4, 2, window);
        let (q, k, v) = (noise(40 * 32, 1), noise(40 * 16, 2), noise(40 * 16, 3));
        let want = textbook(shape, &[0..40], &wide(&q), &wide(&k), &wide(&v));
        let mut out = vec![0.0; 32];
        attention_cached(shape, &q[39 * 32..], &k, &v, &mut Vec::new(), &mut out);
        assert_close(&out, &want[39 * 32..], 1e-5, "cached");
    }
}
