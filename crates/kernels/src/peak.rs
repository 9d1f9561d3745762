//! Loops that do nothing but multiply and add in registers: the ceiling that every product is measured against.

use std::hint::black_box;

use crate::isa::Isa;

/// Steps of one call of a loop on one thread.
const STEPS: usize = 4_000_000;

/// Runs multiply-adds in f32 on `threads` threads; returns the floating-point operations done and a number that depends on
/// them. The caller measures the time.
pub fn multiply_add_f32(threads: usize) -> (f64, f32) {
    run(threads, |_| match Isa::detected() {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set was found.
        Isa::Avx512 | Isa::Avx512Bf16 => unsafe { x86::f32_avx512(STEPS) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the instruction set was found.
        Isa::Avx2 => unsafe { x86::f32_avx2(STEPS) },
        _ => portable(STEPS),
    })
}

/// The same with bf16 dot products; none where the processor has not got them.
pub fn multiply_add_bf16(threads: usize) -> Option<(f64, f32)> {
    #[cfg(target_arch = "x86_64")]
    if Isa::detected() == Isa::Avx512Bf16 {
        // SAFETY: the instruction set was found.
        return Some(run(threads, |_| unsafe { x86::bf16_avx512(STEPS) }));
    }
    let _ = threads;
    None
}

/// Runs a chain of `steps` shifts, XORs (1 cycle each) and multiplications (3), each of which waits for the last; returns the
/// cycles that takes and a number that depends on them. The caller measures the time.
pub fn chain(steps: usize) -> (f64, u64) {
    let mut state = black_box(1_u64);
    for _ in 0..steps {
        state = (state ^ (state >> 32)).wrapping_mul(6_364_136_223_846_793_005);
    }
    (5.0 * steps as f64, state)
}

fn run(threads: usize, one: fn(usize) -> (f64, f32)) -> (f64, f32) {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|idx| scope.spawn(move || one(idx))).collect();
        running
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .fold((0.0, 0.0), |acc, one| (acc.0 + one.0, acc.1 + one.1))
    })
}

fn portable(steps: usize) -> (f64, f32) {
    let mut acc = [0.5_f32; 32];
    for _ in 0..steps {
        for x in &mut acc {
            *x = *x * 0.999 + 0.001;
        }
    }
    ((steps * 64) as f64, acc.iter().sum())
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m512bh, _mm256_add_ps, _mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps, _mm512_add_ps,
        _mm512_cvtss_f32, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_set1_epi32, _mm512_set1_ps,
    };

    macro_rules! peak {
        ($name:ident, $features:literal, $chains:literal, $flops:literal, $start:expr, $step:expr, $add:ident, $first:ident) => {
            #[target_feature(enable = $features)]
            pub(super) fn $name(steps: usize) -> (f64, f32) {
                let mut acc = [$start; $chains];
                for _ in 0..steps {
                    for x in &mut acc {
                        *x = $step(*x);
                    }
                }
                let mut sum = acc[0];
                for x in &acc[1..] {
                    sum = $add(sum, *x);
                }
                ((steps * $chains * $flops) as f64, $first(sum))
            }
        };
    }

    // Twelve chains keep two units of four cycles' latency busy and stay in registers.
    peak!(
        f32_avx512,
        "avx512f",
        12,
        32,
        _mm512_set1_ps(0.5),
        |x| _mm512_fmadd_ps(x, _mm512_set1_ps(0.999), _mm512_set1_ps(0.001)),
        _mm512_add_ps,
        _mm512_cvtss_f32
    );
    peak!(
        f32_avx2,
        "avx2,fma",
        12,
        16,
        _mm256_set1_ps(0.5),
        |x| _mm256_fmadd_ps(x, _mm256_set1_ps(0.999), _mm256_set1_ps(0.001)),
        _mm256_add_ps,
        _mm256_cvtss_f32
    );
    peak!(
        bf16_avx512,
        "avx512f,avx512bf16",
        12,
        64,
        _mm512_set1_ps(0.5),
        |x| {
            // SAFETY: any bits are two bf16.
            let a: __m512bh = unsafe { std::mem::transmute(_mm512_set1_epi32(0x3a80_3a80)) };
            _mm512_dpbf16_ps(x, a, a)
        },
        _mm512_add_ps,
        _mm512_cvtss_f32
    );
}
