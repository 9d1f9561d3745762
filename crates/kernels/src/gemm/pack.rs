//! Copies of operands in panel order.

use super::kernel::{Kernel, Lane, MAX_COLS};
use crate::convert::{bf16_bits, round_bf16};
use crate::matrix::MatRef;

/// A buffer of lanes that begins on a cache line.
#[derive(Debug, Default)]
pub(super) struct Lanes(Vec<Line>);

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u32; 16]);

/// Room past the end of a panel that wide stores may touch.
const SLACK: usize = MAX_COLS;

impl Lanes {
    /// At least `n` lanes (and slack), holding anything.
    pub(super) fn reserve(&mut self, n: usize) -> *mut u32 {
        let lines = (n + SLACK).div_ceil(16);
        if self.0.len() < lines {
            self.0 = vec![Line([0; 16]); lines];
        }
        self.0.as_mut_ptr().cast()
    }

    pub(super) fn as_ptr(&self) -> *const u32 {
        self.0.as_ptr().cast()
    }
}

/// A strip of an operand: `width` rows of A or columns of B (the index that stays in the tile) by a range of k.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strip {
    /// Element (0, 0) of the strip.
    ptr: *const f32,
    /// Distance between neighbors in the tile's direction.
    stride: usize,
    /// Distance between neighbors in k.
    k_stride: usize,
    /// Elements in the tile's direction.
    width: usize,
    /// Elements in k.
    k: usize,
}

impl Strip {
    /// Rows `at..at + width` of A, from `k0` on for `k`.
    pub(super) fn of_rows(a: MatRef<'_>, at: usize, width: usize, k0: usize, k: usize) -> Self {
        assert!(at + width <= a.rows() && k0 + k <= a.cols(), "the strip lies inside");
        let (stride, k_stride) = (a.row_stride(), a.col_stride());
        // SAFETY: the strip lies inside the matrix.
        let ptr = unsafe { a.as_ptr().add(at * stride + k0 * k_stride) };
        Self { ptr, stride, k_stride, width, k }
    }
}

/// Writes `strip` as lanes, `pitch` lanes a step of k; lanes from the strip's width up to the pitch become zero.
///
/// # Safety
/// `out` must have room for `lanes(k) * pitch` lanes and the slack of [`Lanes`].
pub(super) unsafe fn pack(kernel: Kernel, strip: Strip, pitch: usize, out: *mut u32) {
    #[cfg(target_arch = "x86_64")]
    if kernel.isa >= crate::isa::Isa::Avx512 && kernel.lane != Lane::RoundedF32 {
        let paired = kernel.lane == Lane::Bf16Pair;
        // SAFETY: as the caller promises; the instruction set is there.
        match (strip.k_stride == 1, strip.stride == 1, paired) {
            (true, _, false) => return unsafe { x86::along_k_single(strip, pitch, out) },
            (true, _, true) => return unsafe { x86::along_k_pair(strip, pitch, out) },
            (_, true, false) => return unsafe { x86::across_k_single(strip, pitch, out) },
            (_, true, true) => return unsafe { x86::across_k_pair(strip, pitch, out) },
            _ => {}
        }
    }
    // SAFETY: as the caller promises.
    unsafe { plain(kernel, strip, pitch, out) };
}

/// # Safety
/// As [`pack`].
unsafe fn plain(kernel: Kernel, strip: Strip, pitch: usize, out: *mut u32) {
    let at = |idx: usize, k: usize| {
        if k < strip.k {
            // SAFETY: the strip lies inside its matrix.
            unsafe { *strip.ptr.add(idx * strip.stride + k * strip.k_stride) }
        } else {
            0.0
        }
    };
    for lane in 0..kernel.lanes(strip.k) {
        for idx in 0..pitch {
            let bits = match kernel.lane {
                _ if idx >= strip.width => 0,
                Lane::F32 => at(idx, lane).to_bits(),
                Lane::RoundedF32 => round_bf16(at(idx, lane)).to_bits(),
                Lane::Bf16Pair => {
                    u32::from(bf16_bits(at(idx, 2 * lane)))
                        | u32::from(bf16_bits(at(idx, 2 * lane + 1))) << 16
                }
            };
            // SAFETY: as the caller promises.
            unsafe { *out.add(lane * pitch + idx) = bits };
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(clippy::cast_ptr_alignment, reason = "the intrinsics take unaligned addresses of vectors")]
#[expect(
    clippy::inline_always,
    reason = "what is not inlined into the function that enables the features is compiled without them"
)]
mod x86 {
    use std::arch::x86_64::{
        __m512, __m512i, __mmask16, _mm512_castps_si512, _mm512_cvtne2ps_pbh, _mm512_maskz_loadu_ps,
        _mm512_permutexvar_epi16, _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_storeu_si512,
        _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    };

    use super::Strip;

    /// How sixteen lanes along k are loaded.
    trait Load {
        const K_PER_LANE: usize;
        /// # Safety
        /// `k` floats from `ptr` on must be valid, and AVX-512 (with bf16 for pairs) there.
        unsafe fn lanes(ptr: *const f32, k: usize) -> __m512i;
    }

    struct Single;
    struct Pair;

    impl Load for Single {
        const K_PER_LANE: usize = 1;

        #[inline(always)]
        unsafe fn lanes(ptr: *const f32, k: usize) -> __m512i {
            // SAFETY: the mask covers the floats that exist.
            unsafe { _mm512_castps_si512(load(ptr, k)) }
        }
    }

    impl Load for Pair {
        const K_PER_LANE: usize = 2;

        #[inline(always)]
        unsafe fn lanes(ptr: *const f32, k: usize) -> __m512i {
            // SAFETY: the masks cover the floats that exist; the cast keeps the bits.
            unsafe {
                let low = load(ptr, k);
                let high = load(ptr.wrapping_add(16), k.saturating_sub(16));
                std::mem::transmute(_mm512_cvtne2ps_pbh(high, low))
            }
        }
    }

    fn mask(n: usize) -> __mmask16 {
        if n >= 16 { u16::MAX } else { (1 << n) - 1 }
    }

    /// # Safety
    /// The first `n` floats (at most 16) must be valid, and AVX-512 there.
    #[inline(always)]
    unsafe fn load(ptr: *const f32, n: usize) -> __m512 {
        // SAFETY: the mask covers the floats that exist.
        unsafe { _mm512_maskz_loadu_ps(mask(n), ptr) }
    }

    /// Packs f32 lanes of a strip whose k neighbors lie side by side.
    ///
    /// # Safety
    /// As `pack`.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn along_k_single(strip: Strip, pitch: usize, out: *mut u32) {
        // SAFETY: as the caller promises.
        unsafe { along_k::<Single>(strip, pitch, out) };
    }

    /// Packs bf16 pairs of a strip whose k neighbors lie side by side.
    ///
    /// # Safety
    /// As `pack`.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    pub(super) unsafe fn along_k_pair(strip: Strip, pitch: usize, out: *mut u32) {
        // SAFETY: as the caller promises.
        unsafe { along_k::<Pair>(strip, pitch, out) };
    }

    /// Blocks of 16 by 16 lanes are transposed in registers.
    ///
    /// # Safety
    /// As `pack`, inlined where the features are enabled.
    #[inline(always)]
    unsafe fn along_k<L: Load>(strip: Strip, pitch: usize, out: *mut u32) {
        let n_lanes = strip.k.div_ceil(L::K_PER_LANE);
        for lane in (0..n_lanes).step_by(16) {
            let k0 = lane * L::K_PER_LANE;
            for idx in (0..pitch).step_by(16) {
                // SAFETY: AVX-512 is there.
                let mut rows = [unsafe { _mm512_setzero_si512() }; 16];
                let width = strip.width.saturating_sub(idx).min(16);
                for (row, lanes) in rows.iter_mut().enumerate().take(width) {
                    // SAFETY: the row exists, and `strip.k - k0` floats of it from k0 on.
                    *lanes =
                        unsafe { L::lanes(strip.ptr.add((idx + row) * strip.stride + k0), strip.k - k0) };
                }
                // SAFETY: AVX-512 is there.
                let columns = unsafe { transpose(&rows) };
                for (step, column) in columns.iter().enumerate().take((n_lanes - lane).min(16)) {
                    // SAFETY: the store may run over into the next step's lanes, which are written after it, or the
                    // slack; steps are written in order where the pitch is below 16.
                    unsafe {
                        _mm512_storeu_si512(out.add((lane + step) * pitch + idx).cast::<__m512i>(), *column);
                    };
                }
            }
        }
    }

    /// Packs f32 lanes of a strip whose neighbors in the tile lie side by side.
    ///
    /// # Safety
    /// As `pack`.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    pub(super) unsafe fn across_k_single(strip: Strip, pitch: usize, out: *mut u32) {
        for k in 0..strip.k {
            for idx in (0..pitch).step_by(16) {
                let width = strip.width.saturating_sub(idx);
                // SAFETY: the mask covers the floats that exist; for the store see `along_k`.
                unsafe {
                    let lanes = load(strip.ptr.wrapping_add(k * strip.k_stride + idx), width);
                    _mm512_storeu_si512(
                        out.add(k * pitch + idx).cast::<__m512i>(),
                        _mm512_castps_si512(lanes),
                    );
                }
            }
        }
    }

    /// Packs bf16 pairs of a strip whose neighbors in the tile lie side by side.
    ///
    /// # Safety
    /// As `pack`.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    pub(super) unsafe fn across_k_pair(strip: Strip, pitch: usize, out: *mut u32) {
        // Sixteen even values and sixteen odd ones, to be taken in turn.
        let order: [u16; 32] = std::array::from_fn(|at| (at / 2 + at % 2 * 16) as u16);
        // SAFETY: both are 512 bits without invalid patterns.
        let order: __m512i = unsafe { std::mem::transmute(order) };
        for lane in 0..strip.k.div_ceil(2) {
            for idx in (0..pitch).step_by(16) {
                let width = strip.width.saturating_sub(idx);
                let odd_width = if 2 * lane + 1 < strip.k { width } else { 0 };
                let ptr = strip.ptr.wrapping_add(2 * lane * strip.k_stride + idx);
                // SAFETY: the masks cover the floats that exist; for the store see `along_k`; the cast keeps the bits.
                unsafe {
                    let odd = load(ptr.wrapping_add(strip.k_stride), odd_width);
                    let halves: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(odd, load(ptr, width)));
                    let pairs = _mm512_permutexvar_epi16(order, halves);
                    _mm512_storeu_si512(out.add(lane * pitch + idx).cast::<__m512i>(), pairs);
                }
            }
        }
    }

    /// Exchanges rows and columns of 16 by 16 lanes.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    fn transpose(rows: &[__m512i; 16]) -> [__m512i; 16] {
        let mut a = *rows;
        let mut b = *rows;
        for i in 0..8 {
            b[2 * i] = _mm512_unpacklo_epi32(a[2 * i], a[2 * i + 1]);
            b[2 * i + 1] = _mm512_unpackhi_epi32(a[2 * i], a[2 * i + 1]);
        }
        for i in 0..4 {
            for j in 0..2 {
                a[4 * i + 2 * j] = _mm512_unpacklo_epi64(b[4 * i + j], b[4 * i + j + 2]);
                a[4 * i + 2 * j + 1] = _mm512_unpackhi_epi64(b[4 * i + j], b[4 * i + j + 2]);
            }
        }
        // `a[4 i + c]` now holds, in each 128-bit part p, column 4 p + c of rows 4 i .. 4 i + 4.
        for c in 0..4 {
            let low01 = _mm512_shuffle_i32x4::<0x88>(a[c], a[4 + c]);
            let high01 = _mm512_shuffle_i32x4::<0xdd>(a[c], a[4 + c]);
            let low23 = _mm512_shuffle_i32x4::<0x88>(a[8 + c], a[12 + c]);
            let high23 = _mm512_shuffle_i32x4::<0xdd>(a[8 + c], a[12 + c]);
            b[c] = _mm512_shuffle_i32x4::<0x88>(low01, low23);
            b[8 + c] = _mm512_shuffle_i32x4::<0xdd>(low01, low23);
            b[4 + c] = _mm512_shuffle_i32x4::<0x88>(high01, high23);
            b[12 + c] = _mm512_shuffle_i32x4::<0xdd>(high01, high23);
        }
        b
    }
}
