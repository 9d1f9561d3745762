//! A right-hand operand that was packed once, for weights that are multiplied again and again.

use super::Precision;
use super::kernel::Kernel;
use super::pack::{Lanes, Strip, pack};
use crate::isa::Isa;
use crate::matrix::MatRef;
use crate::parallel::{Shared, for_each};

/// The matrix B of `C = A B` in panel order: 4 bytes a weight in f32, 2 in bf16 where the processor multiplies bf16.
#[derive(Debug)]
pub struct Packed {
    lanes: Lanes,
    pub(super) kernel: Kernel,
    k: usize,
    n: usize,
}

impl Packed {
    /// Packs `b` (k by n).
    pub fn new(precision: Precision, b: MatRef<'_>) -> Self {
        Self::with_lanes(Kernel::of(Isa::detected(), precision), b, Lanes::default())
    }

    /// Packs `b` into the memory of `lanes`.
    pub(super) fn with_lanes(kernel: Kernel, b: MatRef<'_>, mut lanes: Lanes) -> Self {
        let (k, n) = (b.rows(), b.cols());
        let panel = kernel.lanes(k) * kernel.cols;
        let out = lanes.reserve(panel * n.div_ceil(kernel.cols));
        // Lanes are 32 bits, like floats: the shared pointer only carries the address.
        let out = Shared::new(out.cast::<f32>());
        for_each(n.div_ceil(kernel.cols), |idx| {
            let at = idx * kernel.cols;
            let strip = Strip::of_rows(b.transposed(), at, kernel.cols.min(n - at), 0, k);
            // SAFETY: each panel has its own lanes; every pitch is a multiple of the store's width or the panel's last
            // store ends inside it, so none runs over.
            unsafe { pack(kernel, strip, kernel.cols, out.get().cast::<u32>().add(idx * panel)) };
        });
        Self { lanes, kernel, k, n }
    }

    /// Packs the transpose of a weight stored `n` rows of `k`, as linear layers are: `y = x W^T`.
    pub fn of_linear(precision: Precision, weight: &[f32], n: usize, k: usize) -> Self {
        Self::new(precision, MatRef::row_major(weight, n, k).transposed())
    }

    /// Gives the memory back.
    pub(super) fn into_lanes(self) -> Lanes {
        self.lanes
    }

    /// Rows of B.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Columns of B.
    pub fn n(&self) -> usize {
        self.n
    }

    /// Panel `idx`, from lane `lane` of k on.
    pub(super) fn panel(&self, idx: usize, lane: usize) -> *const u32 {
        debug_assert!(idx * self.kernel.cols < self.n, "the panel exists");
        let panel = self.kernel.lanes(self.k) * self.kernel.cols;
        // SAFETY: the panel lies inside the buffer.
        unsafe { self.lanes.as_ptr().add(idx * panel + lane * self.kernel.cols) }
    }
}
