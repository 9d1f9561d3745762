//! Cached attention, fused rows and the best of each row against plain references.

use half::bf16;
use stillmark_kernels::attention::{Inputs, Shape, attention};
use stillmark_kernels::attention_cached::{CachedHead, attention_cached_batch};
use stillmark_kernels::fused::{split_columns, swiglu_rows};
use stillmark_kernels::gemm::Precision;
use stillmark_kernels::top::{Best, top_rows};

use crate::{assert_close, noise};

#[test]
fn cached_attention_equals_the_last_row_of_full_attention() {
    for (heads, kv_heads, head_dim, window) in
        [(4, 2, 8, None), (9, 3, 64, None), (6, 1, 20, Some(5)), (2, 2, 16, Some(1))]
    {
        let shape = Shape { heads, kv_heads, head_dim, window, scale: 0.3 };
        let (q_width, kv_width) = (heads * head_dim, kv_heads * head_dim);
        let (mut q, mut heads_of_rows, mut want) = (Vec::new(), Vec::new(), Vec::new());
        for (row, len) in [7_usize, 1, 33].into_iter().enumerate() {
            let all = noise(len * (q_width + 2 * kv_width), row as u64 + 1);
            let (all_q, rest) = all.split_at(len * q_width);
            let (k, v) = rest.split_at(len * kv_width);
            let mut out = vec![0.0; all_q.len()];
            let inputs = Inputs { q: all_q, k, v };
            attention(Precision::F32, shape, std::slice::from_ref(&(0..len)), inputs, &mut out);
            want.extend(out[(len - 1) * q_width..].iter().map(|x| f64::from(*x)));
            q.extend_from_slice(&all_q[(len - 1) * q_width..]);
            for head in 0..kv_heads {
                let own = |data: &[f32]| -> Vec<f32> {
                    data.chunks(kv_width)
                        .flat_map(|row| row[head * head_dim..][..head_dim].to_vec())
                        .collect()
                };
                heads_of_rows.push((own(k), own(v)));
            }
        }
        let mut out = vec![0.0; q.len()];
        let caches: Vec<_> =
            heads_of_rows.iter().map(|(keys, values)| CachedHead::F32 { keys, values }).collect();
        attention_cached_batch(shape, &q, &caches, &mut out);
        assert_close(&out, &want, 1e-5, "f32 cache");
        let narrow = |data: &[f32]| data.iter().map(|x| bf16::from_f32(*x)).collect::<Vec<_>>();
        let rounded: Vec<_> =
            heads_of_rows.iter().map(|(keys, values)| (narrow(keys), narrow(values))).collect();
        let caches: Vec<_> = rounded.iter().map(|(keys, values)| CachedHead::Bf16 { keys, values }).collect();
        attention_cached_batch(shape, &q, &caches, &mut out);
        assert_close(&out, &want, 2e-2, "bf16 cache");
    }
}

#[test]
fn fused_rows_come_apart() {
    let fused = noise(3 * 12, 5);
    let (mut a, mut b, mut c) = (vec![0.0; 3 * 6], vec![0.0; 3], vec![0.0; 3 * 5]);
    split_columns(&fused, [6, 1, 5], [&mut a, &mut b, &mut c]);
    for (row, fused) in fused.chunks(12).enumerate() {
        let parts = [&a[row * 6..][..6], &b[row..][..1], &c[row * 5..][..5]].concat();
        assert_eq!(parts, fused);
    }
    let mut out = vec![0.0; 3 * 6];
    swiglu_rows(&fused, 6, &mut out);
    let want: Vec<f64> = fused
        .chunks(12)
        .flat_map(|row| (0..6).map(|i| (f64::from(row[i]), f64::from(row[6 + i]))).collect::<Vec<_>>())
        .map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up)
        .collect();
    assert_close(&out, &want, 1e-6, "swiglu");
}

/// Checks the best `k` of rows of one width against a full sort in f64.
fn check_top(width: usize, k: usize, logits: &[f32]) {
    let n_rows = logits.len() / width;
    let (mut ids, mut log_probs, mut tails) = (vec![0; n_rows * k], vec![0.0; n_rows * k], vec![0.0; n_rows]);
    let mut log_sums = vec![0.0; n_rows];
    let mut best = Best { k, ids: &mut ids, log_probs: &mut log_probs, tails: &mut tails };
    top_rows(&mut logits.to_vec(), width, &mut best, &mut log_sums);
    for (row, logits) in logits.chunks(width).enumerate() {
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
        let log_sum = logits.iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
        let found: Vec<usize> = ids[row * k..][..k].iter().map(|id| *id as usize).collect();
        assert_eq!(found, order[..k], "{width} {k}");
        let want: Vec<f64> = order[..k].iter().map(|id| f64::from(logits[*id]) - log_sum).collect();
        assert_close(&log_probs[row * k..][..k], &want, 1e-5, "log-probabilities");
        let tail: f64 = order[k..].iter().map(|id| (f64::from(logits[*id]) - log_sum).exp()).sum();
        assert!((f64::from(tails[row]) - tail).abs() <= 1e-6 + 1e-4 * tail, "{} for {tail}", tails[row]);
        assert_close(&log_sums[row..=row], &[log_sum], 1e-5, "normalizer");
    }
}

#[test]
fn the_best_are_those_of_a_full_sort() {
    for (width, k) in [(5, 5), (40, 1), (1000, 64), (49_152, 64), (4099, 7), (300, 299)] {
        let spread: Vec<f32> = noise(3 * width, (width + k) as u64).iter().map(|x| x * 12.0).collect();
        check_top(width, k, &spread);
        // Few values, many ties: the lowest ids come first.
        let coarse: Vec<f32> = spread.iter().map(|x| (x / 4.0).round()).collect();
        check_top(width, k, &coarse);
    }
    check_top(100, 9, &[0.25; 100]);
}

#[test]
fn a_tail_that_vanishes_beside_the_best_is_still_summed() {
    let mut logits = vec![-20.0_f32; 1000];
    logits[3] = 10.0;
    check_top(1000, 1, &logits);
    let (mut ids, mut log_probs, mut tails, mut sums) = ([0], [0.0_f32], [0.0_f32], [0.0_f32]);
    let mut best = Best { k: 1, ids: &mut ids, log_probs: &mut log_probs, tails: &mut tails };
    top_rows(&mut logits, 1000, &mut best, &mut sums);
    let want = 999.0 * (-30.0_f64).exp();
    assert!((f64::from(tails[0]) / want - 1.0).abs() < 1e-4, "{} for {want}", tails[0]);
}

#[test]
fn a_row_of_nan_is_nan() {
    for bad in [vec![f32::NAN; 200], [vec![0.5; 199], vec![f32::NAN]].concat()] {
        let (mut ids, mut log_probs, mut tails, mut sums) = ([0; 3], [0.0_f32; 3], [0.0_f32], [0.0_f32]);
        let mut best = Best { k: 3, ids: &mut ids, log_probs: &mut log_probs, tails: &mut tails };
        top_rows(&mut bad.clone(), 200, &mut best, &mut sums);
        assert!(log_probs.iter().all(|x| x.is_nan()) && tails[0].is_nan() && sums[0].is_nan());
    }
}
