//! How a product is cut into tasks, blocks and tiles.

use std::cell::RefCell;

use super::kernel::{Kernel, Tile};
use super::left::{Left, PackedRows, Strips};
use super::pack::{Lanes, Strip, pack};
use super::pool;
use super::{Packed, Precision, Store};
use crate::isa::Isa;
use crate::matrix::{MatMut, MatRef};
use crate::parallel::{Shared, for_each};

/// Lanes of k in a block: a panel of A and one of B stay near the core.
const DEPTH: usize = 384;
/// Columns of B that a task packs at a time.
const TASK_COLS: usize = 512;
/// Rows of A in a task.
const TASK_ROWS: usize = 512;
/// Below so many tasks, k is split too.
const MIN_TASKS: usize = 8;
/// k of a split is at least this.
const MIN_SPLIT: usize = 1024;
/// An operand of at most so many elements that several tasks read is packed once for all of them.
const MOST_SHARED: usize = 1 << 20;

thread_local! {
    static SCRATCH: RefCell<(Lanes, Lanes)> = RefCell::default();
}

/// Where the panels of B come from.
#[derive(Clone, Copy)]
enum Right<'a> {
    Loose(MatRef<'a>),
    Packed(&'a Packed),
}

/// A part of a product: rows, columns and k.
#[derive(Clone, Copy)]
struct Part {
    m: (usize, usize),
    n: (usize, usize),
    k: (usize, usize),
}

/// `C = A B` or `C += A B` on all threads.
///
/// # Panics
/// When the shapes do not fit.
pub fn gemm(precision: Precision, a: MatRef<'_>, b: MatRef<'_>, c: MatMut<'_>, store: Store) {
    run(Kernel::of(Isa::detected(), precision), a, Right::Loose(b), c, store);
}

/// [`gemm`] on a lesser instruction set than the machine's best, so that the paths can be compared.
///
/// # Panics
/// When the shapes do not fit or the machine has not got the instruction set.
pub fn gemm_on(isa: Isa, precision: Precision, a: MatRef<'_>, b: MatRef<'_>, c: MatMut<'_>) {
    assert!(isa <= Isa::detected(), "the instruction set is there");
    run(Kernel::of(isa, precision), a, Right::Loose(b), c, Store::Overwrite);
}

/// `C = A B` or `C += A B` with B packed before. The bits of a row of C do not depend on the other rows.
///
/// # Panics
/// When the shapes do not fit.
pub fn gemm_packed(a: MatRef<'_>, b: &Packed, c: MatMut<'_>, store: Store) {
    run(b.kernel, a, Right::Packed(b), c, store);
}

/// [`gemm`] on the calling thread alone, for use inside a parallel task.
///
/// # Panics
/// When the shapes do not fit.
pub fn gemm_serial(precision: Precision, a: MatRef<'_>, b: MatRef<'_>, mut c: MatMut<'_>, store: Store) {
    let kernel = Kernel::of(Isa::detected(), precision);
    let (m, n, k) = shape(a, Right::Loose(b), &c);
    let part = Part { m: (0, m), n: (0, n), k: (0, k) };
    let c_stride = c.row_stride();
    task(kernel, Left::Loose(a), Right::Loose(b), (c.as_mut_ptr(), c_stride), part, store);
}

fn shape(a: MatRef<'_>, b: Right<'_>, c: &MatMut<'_>) -> (usize, usize, usize) {
    let (k, n) = match b {
        Right::Loose(b) => (b.rows(), b.cols()),
        Right::Packed(b) => (b.k(), b.n()),
    };
    assert!(a.cols() == k && c.rows() == a.rows() && c.cols() == n, "the shapes of a product fit");
    (a.rows(), n, k)
}

fn run(kernel: Kernel, a: MatRef<'_>, b: Right<'_>, c: MatMut<'_>, store: Store) {
    let (m, n, k) = shape(a, b, &c);
    if m == 0 || n == 0 {
        return;
    }
    let cut = Cut::new(kernel, b, [m, n, k]);
    let shared_rows =
        (cut.n_tasks > 1 && m * k <= MOST_SHARED).then(|| PackedRows::new(kernel, a, cut.m_step));
    let left = shared_rows.as_ref().map_or(Left::Loose(a), Left::Packed);
    match b {
        Right::Loose(loose) if cut.m_tasks > 1 && n * k <= MOST_SHARED => {
            let packed = Packed::with_lanes(kernel, loose, pool::take());
            cut.run(kernel, left, Right::Packed(&packed), c, store);
            pool::give(packed.into_lanes());
        }
        _ => cut.run(kernel, left, b, c, store),
    }
    if let Some(rows) = shared_rows {
        pool::give(rows.into_lanes());
    }
}

/// How a product is cut into tasks: by its shape alone.
struct Cut {
    shape: [usize; 3],
    m_step: usize,
    n_step: usize,
    k_step: usize,
    m_tasks: usize,
    n_tasks: usize,
    splits: usize,
}

impl Cut {
    fn new(kernel: Kernel, b: Right<'_>, shape: [usize; 3]) -> Self {
        let [m, n, k] = shape;
        let (m_step, n_step) = (even_step(m, TASK_ROWS, kernel.rows), task_cols(m, n, kernel));
        let (m_tasks, n_tasks) = (m.div_ceil(m_step), n.div_ceil(n_step));
        let tasks = m_tasks * n_tasks;
        // Weights packed before are for inference, where the bits of a row must not depend on how many rows came with it.
        let splits = match b {
            Right::Loose(_) if tasks < MIN_TASKS => (MIN_TASKS / tasks).min(k / MIN_SPLIT).max(1),
            Right::Loose(_) | Right::Packed(_) => 1,
        };
        let k_step = k.div_ceil(splits).next_multiple_of(2);
        let splits = k.div_ceil(k_step.max(1)).max(1);
        Self { shape, m_step, n_step, k_step, m_tasks, n_tasks, splits }
    }

    fn run(&self, kernel: Kernel, a: Left<'_>, b: Right<'_>, mut c: MatMut<'_>, store: Store) {
        let ([m, n, k], tasks) = (self.shape, self.m_tasks * self.n_tasks);
        let c_stride = c.row_stride();
        let out = Shared::new(c.as_mut_ptr());
        let copy = m * n;
        let mut partial = if self.splits > 1 { pool::take() } else { Lanes::default() };
        // Lanes are 32 bits, like floats.
        let spare = Shared::new(partial.reserve((self.splits - 1) * copy).cast::<f32>());
        for_each(tasks * self.splits, |idx| {
            let (split, idx) = (idx / tasks, idx % tasks);
            let (row, col) = (idx % self.m_tasks * self.m_step, idx / self.m_tasks * self.n_step);
            let part = Part {
                m: (row, (row + self.m_step).min(m)),
                n: (col, (col + self.n_step).min(n)),
                k: (split * self.k_step, ((split + 1) * self.k_step).min(k)),
            };
            // Each task writes its own tile of C, or of its split's own copy of C.
            let (target, store) = if split == 0 {
                ((out.get(), c_stride), store)
            } else {
                // SAFETY: the copies lie side by side.
                ((unsafe { spare.get().add((split - 1) * copy) }, n), Store::Overwrite)
            };
            task(kernel, a, b, target, part, store);
        });
        if self.splits > 1 {
            // SAFETY: every task has written its part of its copy.
            let copies = unsafe { std::slice::from_raw_parts(spare.get(), (self.splits - 1) * copy) };
            add_partials(copies, (m, n), out, c_stride);
            pool::give(partial);
        }
    }
}

/// Adds the copies of C that the splits of k made, in their order.
fn add_partials(partial: &[f32], (m, n): (usize, usize), out: Shared, c_stride: usize) {
    for_each(m.div_ceil(16), |block| {
        for row in block * 16..(block * 16 + 16).min(m) {
            // SAFETY: each task has its own rows of C.
            let c = unsafe { std::slice::from_raw_parts_mut(out.get().add(row * c_stride), n) };
            for copy in partial.chunks_exact(m * n) {
                crate::softmax::add_scaled(c, 1.0, &copy[row * n..][..n]);
            }
        }
    });
}

/// The columns of a task: fewer where A is short, so that there is work for every thread.
fn task_cols(m: usize, n: usize, kernel: Kernel) -> usize {
    let most = if m < 64 { 256 } else { TASK_COLS };
    even_step(n, most, kernel.cols)
}

/// A step of at most `most` that cuts `total` evenly, in whole units.
fn even_step(total: usize, most: usize, unit: usize) -> usize {
    let parts = total.div_ceil(most).max(1);
    total.div_ceil(parts).next_multiple_of(unit)
}

/// Computes one part of the product into the matrix at `c`.
fn task(kernel: Kernel, a: Left<'_>, b: Right<'_>, c: (*mut f32, usize), part: Part, store: Store) {
    SCRATCH.with_borrow_mut(|(a_lanes, b_lanes)| {
        let k_unit = kernel.k_per_lane();
        let k_total = part.k.1 - part.k.0;
        let k_step = even_step(k_total.max(1), DEPTH * k_unit, k_unit);
        let mut k0 = part.k.0;
        loop {
            let k_len = k_step.min(part.k.1 - k0);
            let depth = kernel.lanes(k_len);
            let block = Block { k0, k_len, depth, add: store == Store::Add || k0 > part.k.0 };
            let panels = b_panels(kernel, b, part, block, b_lanes);
            rows_against(kernel, (a, a_lanes), &panels, c, part, block);
            k0 += k_len;
            if k0 >= part.k.1 {
                break;
            }
        }
    });
}

/// One step of k inside a task.
#[derive(Clone, Copy)]
struct Block {
    k0: usize,
    k_len: usize,
    depth: usize,
    add: bool,
}

/// The panels of B for one block.
enum Panels<'a> {
    Scratch(*const u32),
    Packed(&'a Packed, usize),
}

fn b_panels<'a>(kernel: Kernel, b: Right<'a>, part: Part, block: Block, lanes: &mut Lanes) -> Panels<'a> {
    match b {
        Right::Packed(packed) => Panels::Packed(packed, block.k0 / kernel.k_per_lane()),
        Right::Loose(b) => {
            let n = part.n.1 - part.n.0;
            let panel = block.depth * kernel.cols;
            let out = lanes.reserve(panel * n.div_ceil(kernel.cols));
            for idx in 0..n.div_ceil(kernel.cols) {
                let at = idx * kernel.cols;
                let width = kernel.cols.min(n - at);
                let strip = Strip::of_rows(b.transposed(), part.n.0 + at, width, block.k0, block.k_len);
                // SAFETY: the buffer has room for every panel.
                unsafe { pack(kernel, strip, kernel.cols, out.add(idx * panel)) };
            }
            Panels::Scratch(out)
        }
    }
}

fn rows_against(
    kernel: Kernel,
    (a, scratch): (Left<'_>, &mut Lanes),
    panels: &Panels<'_>,
    (c, c_stride): (*mut f32, usize),
    part: Part,
    block: Block,
) {
    let mut strips = Strips::new(kernel, a, part.m, (block.k0, block.k_len), scratch);
    while let Some((row, rows, a_panel)) = strips.next() {
        for (idx, col) in (part.n.0..part.n.1).step_by(kernel.cols).enumerate() {
            let b = match panels {
                // SAFETY: the panel was packed above.
                Panels::Scratch(lanes) => unsafe { lanes.add(idx * block.depth * kernel.cols) },
                Panels::Packed(packed, lane) => packed.panel(col / kernel.cols, *lane),
            };
            // SAFETY: the panels are whole, the tile lies inside this task's part of C, and the kernel was chosen for
            // this machine.
            unsafe {
                kernel.run(Tile {
                    a: a_panel,
                    b,
                    c: c.add(row * c_stride + col),
                    c_stride,
                    depth: block.depth,
                    rows,
                    cols: kernel.cols.min(part.n.1 - col),
                    add: block.add,
                });
            }
        }
    }
}
