//! The register tiles: a few rows of A against one panel of B.

use crate::isa::Isa;

/// Rows of the largest tile of any instruction set.
pub(super) const MAX_ROWS: usize = 14;

/// Columns of the widest panel of any instruction set.
pub(super) const MAX_COLS: usize = 32;

/// How a panel's lane is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// One f32.
    F32,
    /// One f32 that was rounded to bf16.
    RoundedF32,
    /// Two bf16, the even k in the low half.
    Bf16Pair,
}

/// The shape and code of the tiles on one instruction set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel {
    pub isa: Isa,
    pub lane: Lane,
    pub rows: usize,
    pub cols: usize,
}

/// One register tile's operands: panels in lanes, C as rows of floats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tile {
    /// `depth * rows` lanes, row index fastest.
    pub a: *const u32,
    /// `depth * kernel.cols` lanes, column index fastest.
    pub b: *const u32,
    pub c: *mut f32,
    pub c_stride: usize,
    pub depth: usize,
    pub rows: usize,
    /// Columns of C that exist; the panel is padded with zeros.
    pub cols: usize,
    pub add: bool,
}

impl Kernel {
    pub(super) fn of(isa: Isa, precision: super::Precision) -> Self {
        let lane = match (precision, isa) {
            (super::Precision::F32, _) => Lane::F32,
            (super::Precision::Bf16, Isa::Avx512Bf16) => Lane::Bf16Pair,
            (super::Precision::Bf16, _) => Lane::RoundedF32,
        };
        let (rows, cols) = match isa {
            Isa::Portable => (4, 16),
            Isa::Avx2 => (6, 16),
            Isa::Avx512 | Isa::Avx512Bf16 => (MAX_ROWS, MAX_COLS),
        };
        Self { isa, lane, rows, cols }
    }

    /// How many k a lane holds.
    pub(super) fn k_per_lane(self) -> usize {
        if self.lane == Lane::Bf16Pair { 2 } else { 1 }
    }

    /// Lanes for `k` values.
    pub(super) fn lanes(self, k: usize) -> usize {
        k.div_ceil(self.k_per_lane())
    }

    /// Computes one tile.
    ///
    /// # Safety
    /// The panels and the existing part of C must be valid as [`Tile`] says, `rows` at most `self.rows`, and the
    /// instruction set must be there.
    #[inline]
    pub(super) unsafe fn run(self, tile: Tile) {
        match (self.isa, self.lane) {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as the caller promises.
            (Isa::Avx512Bf16, Lane::Bf16Pair) => unsafe { x86::bf16(tile) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as the caller promises.
            (Isa::Avx512 | Isa::Avx512Bf16, _) => unsafe { x86::avx512(tile) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as the caller promises.
            (Isa::Avx2, _) => unsafe { x86::avx2(tile) },
            // SAFETY: as the caller promises.
            _ => unsafe { portable(tile) },
        }
    }
}

/// Writes a finished tile held in memory, for the paths without masked stores.
///
/// # Safety
/// C must be valid as [`Tile`] says.
unsafe fn write_back(tile: Tile, sums: &[f32], width: usize) {
    for row in 0..tile.rows {
        for col in 0..tile.cols {
            // SAFETY: the element exists.
            unsafe {
                let c = tile.c.add(row * tile.c_stride + col);
                let sum = sums[row * width + col];
                *c = if tile.add { *c + sum } else { sum };
            }
        }
    }
}

/// # Safety
/// As [`Kernel::run`].
unsafe fn portable(tile: Tile) {
    const COLS: usize = 16;
    let mut sums = [0.0_f32; 4 * COLS];
    for k in 0..tile.depth {
        for row in 0..tile.rows {
            // SAFETY: both panels hold `depth` lanes for every row and column.
            let (a, b) = unsafe {
                (f32::from_bits(*tile.a.add(k * tile.rows + row)), std::slice::from_raw_parts(tile.b.add(k * COLS), COLS))
            };
            for (sum, b) in sums[row * COLS..][..COLS].iter_mut().zip(b) {
                *sum += a * f32::from_bits(*b);
            }
        }
    }
    // SAFETY: as the caller promises.
    unsafe { write_back(tile, &sums, COLS) };
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, __m512bh, __m512i, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm512_add_ps, _mm512_castsi512_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps, _mm512_loadu_si512,
        _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps,
    };

    use super::{Tile, write_back};

    /// Calls the tile of exactly `tile.rows` rows.
    macro_rules! by_rows {
        ($f:ident, $tile:expr, [$($n:literal),*]) => {
            match $tile.rows {
                // SAFETY: as the caller promises.
                $($n => unsafe { $f::<$n>($tile) },)*
                _ => {}
            }
        };
    }

    /// # Safety
    /// As `Kernel::run`.
    #[inline]
    pub(super) unsafe fn avx512(tile: Tile) {
        by_rows!(avx512_rows, tile, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    }

    /// # Safety
    /// As `Kernel::run`.
    #[inline]
    pub(super) unsafe fn bf16(tile: Tile) {
        by_rows!(bf16_rows, tile, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    }

    /// # Safety
    /// As `Kernel::run`.
    #[inline]
    pub(super) unsafe fn avx2(tile: Tile) {
        by_rows!(avx2_rows, tile, [1, 2, 3, 4, 5, 6]);
    }

    /// # Safety
    /// As `Kernel::run`, with `tile.rows == R`.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn avx512_rows<const R: usize>(tile: Tile) {
        let mut acc = [[_mm512_setzero_ps(); 2]; R];
        let (mut a, mut b) = (tile.a, tile.b);
        for _ in 0..tile.depth {
            // SAFETY: the panels hold `depth` lanes for every row and column.
            unsafe {
                let b0 = _mm512_castsi512_ps(_mm512_loadu_si512(b.cast::<__m512i>()));
                let b1 = _mm512_castsi512_ps(_mm512_loadu_si512(b.add(16).cast::<__m512i>()));
                for (row, acc) in acc.iter_mut().enumerate() {
                    let a = _mm512_set1_ps(f32::from_bits(*a.add(row)));
                    acc[0] = _mm512_fmadd_ps(a, b0, acc[0]);
                    acc[1] = _mm512_fmadd_ps(a, b1, acc[1]);
                }
                a = a.add(R);
                b = b.add(32);
            }
        }
        // SAFETY: as the caller promises.
        unsafe { store512(tile, &acc) };
    }

    /// # Safety
    /// As `Kernel::run`, with `tile.rows == R`.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    unsafe fn bf16_rows<const R: usize>(tile: Tile) {
        let mut acc = [[_mm512_setzero_ps(); 2]; R];
        let (mut a, mut b) = (tile.a, tile.b);
        for _ in 0..tile.depth {
            // SAFETY: the panels hold `depth` lanes for every row and column; the casts keep the bits.
            unsafe {
                let b0: __m512bh = std::mem::transmute(_mm512_loadu_si512(b.cast::<__m512i>()));
                let b1: __m512bh = std::mem::transmute(_mm512_loadu_si512(b.add(16).cast::<__m512i>()));
                for (row, acc) in acc.iter_mut().enumerate() {
                    let a: __m512bh = std::mem::transmute(_mm512_set1_epi32((*a.add(row)).cast_signed()));
                    acc[0] = _mm512_dpbf16_ps(acc[0], a, b0);
                    acc[1] = _mm512_dpbf16_ps(acc[1], a, b1);
                }
                a = a.add(R);
                b = b.add(32);
            }
        }
        // SAFETY: as the caller promises.
        unsafe { store512(tile, &acc) };
    }

    /// # Safety
    /// C must be valid as [`Tile`] says.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn store512<const R: usize>(tile: Tile, acc: &[[__m512; 2]; R]) {
        let mask = if tile.cols >= 32 { u32::MAX } else { (1_u32 << tile.cols) - 1 };
        let masks = [mask as u16, (mask >> 16) as u16];
        for (row, acc) in acc.iter().enumerate() {
            for half in 0..2 {
                // SAFETY: the mask covers the columns that exist.
                unsafe {
                    let c = tile.c.add(row * tile.c_stride).wrapping_add(half * 16);
                    let sum = if tile.add {
                        _mm512_add_ps(acc[half], _mm512_maskz_loadu_ps(masks[half], c))
                    } else {
                        acc[half]
                    };
                    _mm512_mask_storeu_ps(c, masks[half], sum);
                }
            }
        }
    }

    /// # Safety
    /// As `Kernel::run`, with `tile.rows == R`.
    #[target_feature(enable = "avx2,fma")]
    unsafe fn avx2_rows<const R: usize>(tile: Tile) {
        let mut acc: [[__m256; 2]; R] = [[_mm256_setzero_ps(); 2]; R];
        let (mut a, mut b) = (tile.a.cast::<f32>(), tile.b.cast::<f32>());
        for _ in 0..tile.depth {
            // SAFETY: the panels hold `depth` lanes for every row and column.
            unsafe {
                let (b0, b1) = (_mm256_loadu_ps(b), _mm256_loadu_ps(b.add(8)));
                for (row, acc) in acc.iter_mut().enumerate() {
                    let a = _mm256_broadcast_ss(&*a.add(row));
                    acc[0] = _mm256_fmadd_ps(a, b0, acc[0]);
                    acc[1] = _mm256_fmadd_ps(a, b1, acc[1]);
                }
                a = a.add(R);
                b = b.add(16);
            }
        }
        let mut sums = [0.0_f32; 6 * 16];
        for (row, acc) in acc.iter().enumerate() {
            // SAFETY: `sums` has 16 floats a row.
            unsafe {
                _mm256_storeu_ps(sums.as_mut_ptr().add(row * 16), acc[0]);
                _mm256_storeu_ps(sums.as_mut_ptr().add(row * 16 + 8), acc[1]);
            }
        }
        // SAFETY: as the caller promises.
        unsafe { write_back(tile, &sums, 16) };
    }
}
