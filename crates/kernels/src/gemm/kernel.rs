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

/// # Safety
/// As [`Kernel::run`].
unsafe fn portable(tile: Tile) {
    const COLS: usize = 16;
    let mut sums = [0.0_f32; 4 * COLS];
    for k in 0..tile.depth {
        for row in 0..tile.rows {
            // SAFETY: both panels hold `depth` lanes for every row and column.
            let (a, b) = unsafe {
                (
                    f32::from_bits(*tile.a.add(k * tile.rows + row)),
                    std::slice::from_raw_parts(tile.b.add(k * COLS), COLS),
                )
            };
            for (sum, b) in sums[row * COLS..][..COLS].iter_mut().zip(b) {
                *sum += a * f32::from_bits(*b);
            }
        }
    }
    for row in 0..tile.rows {
        for col in 0..tile.cols {
            // SAFETY: the element exists.
            unsafe {
                let c = tile.c.add(row * tile.c_stride + col);
                let sum = sums[row * COLS + col];
                *c = if tile.add { *c + sum } else { sum };
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[expect(clippy::cast_ptr_alignment, reason = "the intrinsics take unaligned addresses of vectors")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, __m512bh, __m512i, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_setzero_ps, _mm256_storeu_ps, _mm512_add_ps, _mm512_dpbf16_ps, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_set1_epi32,
        _mm512_set1_ps, _mm512_setzero_ps,
    };

    use super::Tile;

    /// Writes one tile function for each number of rows, with the rows written out: left as a loop, the larger ones
    /// are not unrolled and their sums live in memory.
    macro_rules! tiles {
        ($features:literal, $by_rows:ident, $load_b:ident, $load_a:ident, $step:ident, $zero:ident, $store:ident, $cols:literal:
         $($name:ident = [$($row:literal),*];)*) => {
            $(
                /// # Safety
                /// As `Kernel::run`, with as many rows as this function has.
                #[target_feature(enable = $features)]
                unsafe fn $name(tile: Tile) {
                    const ROWS: usize = [$($row),*].len();
                    let mut acc = [[$zero(); 2]; ROWS];
                    let (mut a, mut b) = (tile.a, tile.b);
                    for _ in 0..tile.depth {
                        // SAFETY: the panels hold `depth` lanes for every row and column.
                        unsafe {
                            let (b0, b1) = ($load_b(b), $load_b(b.add($cols / 2)));
                            $(
                                let lane = $load_a(a.add($row));
                                acc[$row][0] = $step(lane, b0, acc[$row][0]);
                                acc[$row][1] = $step(lane, b1, acc[$row][1]);
                            )*
                            a = a.add(ROWS);
                            b = b.add($cols);
                        }
                    }
                    // SAFETY: as the caller promises.
                    unsafe { $($store(tile, $row, acc[$row]);)* }
                }
            )*

            /// # Safety
            /// As `Kernel::run`.
            #[inline]
            pub(super) unsafe fn $by_rows(tile: Tile) {
                let table: &[unsafe fn(Tile)] = &[$($name),*];
                // SAFETY: as the caller promises.
                unsafe { table[tile.rows - 1](tile) };
            }
        };
    }

    /// Reads sixteen f32 lanes.
    ///
    /// # Safety
    /// They must be valid, and AVX-512 there.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load_f32(b: *const u32) -> __m512 {
        // SAFETY: as the caller promises.
        unsafe { _mm512_loadu_ps(b.cast::<f32>()) }
    }

    /// Spreads one f32 lane.
    ///
    /// # Safety
    /// It must be valid, and AVX-512 there.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn spread_f32(a: *const u32) -> __m512 {
        // SAFETY: as the caller promises.
        unsafe { _mm512_set1_ps(*a.cast::<f32>()) }
    }

    /// Reads sixteen pairs of bf16.
    ///
    /// # Safety
    /// They must be valid, and AVX-512 there.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load_pairs(b: *const u32) -> __m512bh {
        // SAFETY: as the caller promises; the cast keeps the bits.
        unsafe { std::mem::transmute(_mm512_loadu_si512(b.cast::<__m512i>())) }
    }

    /// Spreads one pair of bf16.
    ///
    /// # Safety
    /// It must be valid, and AVX-512 there.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn spread_pair(a: *const u32) -> __m512bh {
        // SAFETY: as the caller promises; the cast keeps the bits.
        unsafe { std::mem::transmute(_mm512_set1_epi32((*a).cast_signed())) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn add_pairs(a: __m512bh, b: __m512bh, acc: __m512) -> __m512 {
        _mm512_dpbf16_ps(acc, a, b)
    }

    /// Reads eight f32 lanes.
    ///
    /// # Safety
    /// They must be valid, and AVX2 there.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn load_avx2(b: *const u32) -> __m256 {
        // SAFETY: as the caller promises.
        unsafe { _mm256_loadu_ps(b.cast::<f32>()) }
    }

    /// Spreads one f32 lane.
    ///
    /// # Safety
    /// It must be valid, and AVX2 there.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn spread_avx2(a: *const u32) -> __m256 {
        // SAFETY: as the caller promises.
        unsafe { _mm256_broadcast_ss(&*a.cast::<f32>()) }
    }

    tiles! {
        "avx512f,avx512bw,avx512dq,avx512vl", avx512, load_f32, spread_f32, _mm512_fmadd_ps, _mm512_setzero_ps, store512, 32:
        f1 = [0]; f2 = [0, 1]; f3 = [0, 1, 2]; f4 = [0, 1, 2, 3]; f5 = [0, 1, 2, 3, 4]; f6 = [0, 1, 2, 3, 4, 5];
        f7 = [0, 1, 2, 3, 4, 5, 6]; f8 = [0, 1, 2, 3, 4, 5, 6, 7]; f9 = [0, 1, 2, 3, 4, 5, 6, 7, 8];
        f10 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]; f11 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        f12 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]; f13 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        f14 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
    }

    tiles! {
        "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16", bf16, load_pairs, spread_pair, add_pairs, _mm512_setzero_ps, store512, 32:
        b1 = [0]; b2 = [0, 1]; b3 = [0, 1, 2]; b4 = [0, 1, 2, 3]; b5 = [0, 1, 2, 3, 4]; b6 = [0, 1, 2, 3, 4, 5];
        b7 = [0, 1, 2, 3, 4, 5, 6]; b8 = [0, 1, 2, 3, 4, 5, 6, 7]; b9 = [0, 1, 2, 3, 4, 5, 6, 7, 8];
        b10 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]; b11 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
        b12 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]; b13 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
        b14 = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
    }

    tiles! {
        "avx2,fma", avx2, load_avx2, spread_avx2, _mm256_fmadd_ps, _mm256_setzero_ps, store256, 16:
        a1 = [0]; a2 = [0, 1]; a3 = [0, 1, 2]; a4 = [0, 1, 2, 3]; a5 = [0, 1, 2, 3, 4]; a6 = [0, 1, 2, 3, 4, 5];
    }

    /// # Safety
    /// C must be valid as [`Tile`] says.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
    unsafe fn store512(tile: Tile, row: usize, acc: [__m512; 2]) {
        let mask = if tile.cols >= 32 { u32::MAX } else { (1_u32 << tile.cols) - 1 };
        let masks = [mask as u16, (mask >> 16) as u16];
        for half in 0..2 {
            // SAFETY: the mask covers the columns that exist.
            unsafe {
                let c = tile.c.add(row * tile.c_stride).wrapping_add(half * 16);
                let old = if tile.add { _mm512_maskz_loadu_ps(masks[half], c) } else { _mm512_setzero_ps() };
                _mm512_mask_storeu_ps(c, masks[half], _mm512_add_ps(acc[half], old));
            }
        }
    }

    /// # Safety
    /// C must be valid as [`Tile`] says.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn store256(tile: Tile, row: usize, acc: [__m256; 2]) {
        let mut sums = [0.0_f32; 16];
        // SAFETY: `sums` has 16 floats, and C the columns that exist.
        unsafe {
            _mm256_storeu_ps(sums.as_mut_ptr(), acc[0]);
            _mm256_storeu_ps(sums.as_mut_ptr().add(8), acc[1]);
            for (col, sum) in sums.iter().enumerate().take(tile.cols) {
                let c = tile.c.add(row * tile.c_stride + col);
                *c = if tile.add { *c + sum } else { *sum };
            }
        }
    }
}
