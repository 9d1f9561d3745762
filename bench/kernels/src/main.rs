//! How near matrix products come to the machine's multiply-add peak, shape by shape, and what the watermarks' kernels
//! cost. With the argument `watermarks`, the latter alone.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod watermark;

use std::time::Instant;

use stillmark_kernels::attention::{Gradients, Inputs, Shape, attention, attention_backward};
use stillmark_kernels::gemm::{Packed, Precision, Store, gemm, gemm_packed};
use stillmark_kernels::isa::Isa;
use stillmark_kernels::matrix::{MatMut, MatRef};
use stillmark_kernels::peak;

fn main() {
    watermark::print();
    if std::env::args().nth(1).as_deref() == Some("watermarks") {
        return;
    }
    let threads = rayon::current_num_threads();
    println!("instruction set {}, {threads} threads", Isa::detected().name());
    let f32_peak = best(|| peak::multiply_add_f32(threads).0);
    let bf16_peak = best(|| peak::multiply_add_bf16(threads).map_or(f64::NAN, |done| done.0));
    println!("peak: f32 {f32_peak:.0} GFLOP/s, bf16 {bf16_peak:.0} GFLOP/s");
    println!("{:<34} {:>10} {:>6} {:>10} {:>6}", "product (m x n x k)", "f32", "%", "bf16", "%");
    for (name, m, n, k, a_transposed, b_transposed) in [
        ("square", 1024, 1024, 1024, false, false),
        ("qkv", 2048, 768, 256, false, true),
        ("qkv, gradient of the weight", 768, 256, 2048, true, false),
        ("head, forward", 256, 49_152, 256, false, true),
        ("head, gradient of the input", 256, 256, 49_152, false, false),
        ("head, gradient of the weight", 49_152, 256, 256, true, false),
        ("SmolLM2 gate and up", 1024, 3072, 576, false, true),
    ] {
        let (a, b) = (values(m * k), values(k * n));
        let a =
            if a_transposed { MatRef::row_major(&a, k, m).transposed() } else { MatRef::row_major(&a, m, k) };
        let b =
            if b_transposed { MatRef::row_major(&b, n, k).transposed() } else { MatRef::row_major(&b, k, n) };
        let mut c = vec![0.0; m * n];
        let flops = 2.0 * (m * n * k) as f64;
        let rates = [Precision::F32, Precision::Bf16].map(|precision| {
            best(|| {
                gemm(precision, a, b, MatMut::row_major(&mut c, m, n), Store::Overwrite);
                flops
            })
        });
        row(&format!("{name} {m}x{n}x{k}"), rates, [f32_peak, bf16_peak]);
    }
    let shape =
        |heads, kv_heads, head_dim: usize| Shape { heads, kv_heads, head_dim, window: None, scale: 0.125 };
    attention_row("8 x 256 tokens, 8 heads of 32", shape(8, 8, 32), 8, 256);
    attention_row("4 x 256 tokens, 9 and 3 heads of 64", shape(9, 3, 64), 4, 256);
    attention_row("2,048 tokens, 9 and 3 heads of 64", shape(9, 3, 64), 1, 2048);
    for rows in [1, 8, 32, 128] {
        let (n, k) = (3072, 576);
        let (a, b) = (values(rows * k), values(n * k));
        let mut c = vec![0.0; rows * n];
        let flops = 2.0 * (rows * n * k) as f64;
        let rates = [Precision::F32, Precision::Bf16].map(|precision| {
            let weights = Packed::of_linear(precision, &b, n, k);
            best(|| {
                gemm_packed(
                    MatRef::row_major(&a, rows, k),
                    &weights,
                    MatMut::row_major(&mut c, rows, n),
                    Store::Overwrite,
                );
                flops
            })
        });
        row(&format!("packed weights {rows}x{n}x{k}"), rates, [f32_peak, bf16_peak]);
    }
}

fn attention_row(name: &str, shape: Shape, n_segments: usize, len: usize) {
    let segments: Vec<_> = (0..n_segments).map(|idx| idx * len..(idx + 1) * len).collect();
    let (q_len, kv_len) =
        (n_segments * len * shape.heads * shape.head_dim, n_segments * len * shape.kv_heads * shape.head_dim);
    let (q, k, v, d_out) = (values(q_len), values(kv_len), values(kv_len), values(q_len));
    let (mut out, mut d_q, mut d_k, mut d_v) =
        (vec![0.0; q_len], vec![0.0; q_len], vec![0.0; kv_len], vec![0.0; kv_len]);
    // Half of the scores are masked: the work that counts is the other half.
    let flops = 2.0 * (n_segments * shape.heads * len * len * shape.head_dim) as f64;
    for precision in [Precision::F32, Precision::Bf16] {
        let inputs = Inputs { q: &q, k: &k, v: &v };
        let forward = best(|| {
            attention(precision, shape, &segments, inputs, &mut out);
            flops
        });
        let backward = best(|| {
            let grads = Gradients { q: &mut d_q, k: &mut d_k, v: &mut d_v };
            attention_backward(precision, shape, &segments, inputs, &d_out, grads);
            2.5 * flops
        });
        println!(
            "attention, {name} {precision:?}: forward {forward:.0} GFLOP/s, backward {backward:.0} GFLOP/s"
        );
    }
}

fn row(name: &str, [f32_rate, bf16_rate]: [f64; 2], [f32_peak, bf16_peak]: [f64; 2]) {
    let (f32_share, bf16_share) = (100.0 * f32_rate / f32_peak, 100.0 * bf16_rate / bf16_peak);
    println!("{name:<34} {f32_rate:>10.0} {f32_share:>5.0}% {bf16_rate:>10.0} {bf16_share:>5.0}%");
}

fn values(n: usize) -> Vec<f32> {
    (0..n).map(|idx| ((idx * 7919) % 1013) as f32 / 1013.0 - 0.5).collect()
}

/// The best rate in GFLOP/s over about half a second.
fn best(mut work: impl FnMut() -> f64) -> f64 {
    let begin = Instant::now();
    let mut best = 0.0_f64;
    while begin.elapsed().as_secs_f64() < 0.5 {
        let start = Instant::now();
        let flops = work();
        best = best.max(flops / start.elapsed().as_secs_f64() / 1e9);
    }
    best
}
