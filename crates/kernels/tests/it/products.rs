//! Matrix products.

use stillmark_kernels::gemm::{Packed, Precision, Store, gemm, gemm_on, gemm_packed, gemm_serial};
use stillmark_kernels::isa::Isa;
use stillmark_kernels::matrix::{MatMut, MatRef};

use crate::noise;

fn reference(a: MatRef<'_>, b: MatRef<'_>, start: &[f32]) -> Vec<f64> {
    let mut out: Vec<f64> = start.iter().map(|x| f64::from(*x)).collect();
    for i in 0..a.rows() {
        for j in 0..b.cols() {
            for k in 0..a.cols() {
                out[i * b.cols() + j] += f64::from(a.at(i, k)) * f64::from(b.at(k, j));
            }
        }
    }
    out
}

#[derive(Clone, Copy)]
enum Layout {
    Plain,
    Transposed,
}

fn view(data: &[f32], rows: usize, cols: usize, layout: Layout) -> MatRef<'_> {
    match layout {
        Layout::Plain => MatRef::row_major(data, rows, cols),
        Layout::Transposed => MatRef::row_major(data, cols, rows).transposed(),
    }
}

fn check(m: usize, n: usize, k: usize) {
    for (precision, tolerance) in [(Precision::F32, 2e-6), (Precision::Bf16, 1.2e-2)] {
        for layout_a in [Layout::Plain, Layout::Transposed] {
            for layout_b in [Layout::Plain, Layout::Transposed] {
                let (a_data, b_data, start) = (noise(m * k, 1), noise(k * n, 2), noise(m * n, 3));
                let (a, b) = (view(&a_data, m, k, layout_a), view(&b_data, k, n, layout_b));
                let expected = reference(a, b, &start);
                let close = |got: &[f32], what: &str| {
                    for (idx, (got, want)) in got.iter().zip(&expected).enumerate() {
                        let error = (f64::from(*got) - want).abs();
                        assert!(
                            error <= tolerance * (k as f64).sqrt().max(1.0),
                            "{what} {m}x{n}x{k} {precision:?} at {idx}: {got} for {want}"
                        );
                    }
                };
                let mut out = start.clone();
                gemm(precision, a, b, MatMut::row_major(&mut out, m, n), Store::Add);
                close(&out, "gemm");
                let mut serial = start.clone();
                gemm_serial(precision, a, b, MatMut::row_major(&mut serial, m, n), Store::Add);
                close(&serial, "serial");
                let packed = Packed::new(precision, b);
                let mut out = start.clone();
                gemm_packed(a, &packed, MatMut::row_major(&mut out, m, n), Store::Add);
                close(&out, "packed");
            }
        }
    }
}

#[test]
fn products_equal_the_reference_for_odd_shapes() {
    for (m, n, k) in
        [(1, 1, 1), (3, 33, 5), (14, 32, 16), (15, 31, 17), (32, 65, 40), (29, 100, 33), (70, 50, 500)]
    {
        check(m, n, k);
    }
}

#[test]
fn products_with_long_k_are_split_and_equal_the_reference() {
    check(9, 20, 9001);
}

#[test]
fn products_over_several_tasks_equal_the_reference() {
    check(530, 40, 19);
    check(20, 1100, 19);
}

#[test]
fn overwriting_ignores_what_was_there() {
    let (a, b) = (noise(6 * 7, 1), noise(7 * 5, 2));
    let mut out = vec![f32::NAN; 30];
    let (a, b) = (MatRef::row_major(&a, 6, 7), MatRef::row_major(&b, 7, 5));
    gemm(Precision::F32, a, b, MatMut::row_major(&mut out, 6, 5), Store::Overwrite);
    assert!(out.iter().all(|x| x.is_finite()));
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let (m, n, k) = (100, 300, 3000);
    let (a, b) = (noise(m * k, 1), noise(n * k, 2));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        let mut out = vec![0.0; m * n];
        pool.install(|| {
            let b = MatRef::row_major(&b, n, k).transposed();
            gemm(
                Precision::Bf16,
                MatRef::row_major(&a, m, k),
                b,
                MatMut::row_major(&mut out, m, n),
                Store::Overwrite,
            );
        });
        out.iter().map(|x| x.to_bits()).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn every_instruction_set_gives_the_same_product() {
    for (m, n, k) in [(1, 1, 1), (7, 19, 33), (40, 50, 70), (13, 90, 800)] {
        let (a, b) = (noise(m * k, 1), noise(k * n, 2));
        for (precision, tolerance) in [(Precision::F32, 2e-6), (Precision::Bf16, 1.2e-2)] {
            for a in [MatRef::row_major(&a, m, k), MatRef::row_major(&a, k, m).transposed()] {
                for b in [MatRef::row_major(&b, k, n), MatRef::row_major(&b, n, k).transposed()] {
                    let want = reference(a, b, &vec![0.0; m * n]);
                    for isa in Isa::available() {
                        let mut out = vec![0.0; m * n];
                        gemm_on(isa, precision, a, b, MatMut::row_major(&mut out, m, n));
                        let tolerance = tolerance * (k as f64).sqrt();
                        crate::assert_close(
                            &out,
                            &want,
                            tolerance,
                            &format!("{} {precision:?} {m}x{n}x{k}", isa.name()),
                        );
                    }
                }
            }
        }
    }
}
