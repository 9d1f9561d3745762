//! The left operand: rows packed for one task as it goes along, or once for all tasks.

use super::kernel::Kernel;
use super::pack::{Lanes, Strip, pack};
use crate::matrix::MatRef;
use crate::parallel::{Shared, for_each};

/// Strips packed at a time where neighbors in memory lie across k: then every row of memory is read in longer runs.
const GROUP: usize = 8;
/// k of such a strip that are packed before the next strip's: rows of memory often lie a multiple of 4 KiB apart, and
/// few of them fit into a cache at once.
const RUN: usize = 16;
/// Elements below which other threads are not woken for packing.
const FEW: usize = 1 << 16;
/// Lanes past the end of a strip's panel, which wide stores may touch.
const SLACK: usize = 16;

/// Where the panels of A come from.
#[derive(Clone, Copy)]
pub(super) enum Left<'a> {
    Loose(MatRef<'a>),
    Packed(&'a PackedRows),
}

/// All of A in strips, packed for every task.
pub(super) struct PackedRows {
    lanes: Lanes,
    /// Rows of a task; the strips are cut task by task.
    m_step: usize,
    /// Lanes of k.
    depth: usize,
    k_per_lane: usize,
    rows: usize,
}

impl PackedRows {
    /// Packs `a` for tasks of `m_step` rows.
    pub(super) fn new(kernel: Kernel, a: MatRef<'_>, m_step: usize) -> Self {
        let depth = kernel.lanes(a.cols());
        let (k_per_lane, rows) = (kernel.k_per_lane(), kernel.rows);
        let mut packed = Self { lanes: super::pool::take(), m_step, depth, k_per_lane, rows };
        let n_tasks = a.rows().div_ceil(m_step);
        // Lanes are 32 bits, like floats: the shared pointer only carries the address.
        let out = Shared::new(packed.lanes.reserve(n_tasks * packed.task_lanes()).cast::<f32>());
        let strips = m_step.div_ceil(rows);
        let pack_strip = |idx: usize| {
            let (task, strip) = (idx / strips, idx % strips);
            let task_rows = (task * m_step, ((task + 1) * m_step).min(a.rows()));
            let cut = RowCut::new(kernel, task_rows);
            if strip >= cut.strips {
                return;
            }
            let (row, width) = cut.strip(strip);
            let strip_of_a = Strip::of_rows(a, row, width, 0, a.cols());
            // SAFETY: every strip has its own lanes, slack included.
            unsafe { pack(kernel, strip_of_a, width, out.get().cast::<u32>().add(packed.at(row, strip))) };
        };
        if a.rows() * a.cols() < FEW {
            (0..n_tasks * strips).for_each(pack_strip);
        } else {
            for_each(n_tasks * strips, pack_strip);
        }
        packed
    }

    fn task_lanes(&self) -> usize {
        self.m_step * self.depth + self.m_step.div_ceil(self.rows) * SLACK
    }

    /// Where strip number `strip` of its task begins, whose first row is `row`.
    fn at(&self, row: usize, strip: usize) -> usize {
        row / self.m_step * self.task_lanes() + row % self.m_step * self.depth + strip * SLACK
    }

    /// Gives the memory back.
    pub(super) fn into_lanes(self) -> Lanes {
        self.lanes
    }
}

/// Rows shared out evenly among strips, so that no strip is left with one or two.
#[derive(Clone, Copy)]
struct RowCut {
    from: usize,
    count: usize,
    strips: usize,
}

impl RowCut {
    fn new(kernel: Kernel, (from, to): (usize, usize)) -> Self {
        Self { from, count: to - from, strips: (to - from).div_ceil(kernel.rows) }
    }

    /// The first row of a strip and how many it has.
    fn strip(self, idx: usize) -> (usize, usize) {
        let start = self.count * idx / self.strips;
        (self.from + start, self.count * (idx + 1) / self.strips - start)
    }
}

/// The strips of one task's rows over a range of k, one after another.
pub(super) struct Strips<'a> {
    kernel: Kernel,
    a: Left<'a>,
    cut: RowCut,
    /// First k and how many.
    k: (usize, usize),
    scratch: &'a mut Lanes,
    next: usize,
}

impl<'a> Strips<'a> {
    pub(super) fn new(
        kernel: Kernel,
        a: Left<'a>,
        rows: (usize, usize),
        k: (usize, usize),
        scratch: &'a mut Lanes,
    ) -> Self {
        Self { kernel, a, cut: RowCut::new(kernel, rows), k, scratch, next: 0 }
    }

    /// The next strip's first row, how many rows it has, and its panel.
    pub(super) fn next(&mut self) -> Option<(usize, usize, *const u32)> {
        let idx = self.next;
        if idx == self.cut.strips {
            return None;
        }
        self.next += 1;
        let (row, rows) = self.cut.strip(idx);
        let panel = match self.a {
            Left::Packed(packed) => {
                let at = packed.at(row, idx) + self.k.0 / packed.k_per_lane * rows;
                // SAFETY: the strip's panel lies inside the buffer.
                unsafe { packed.lanes.as_ptr().add(at) }
            }
            Left::Loose(a) => {
                let group = if a.row_stride() == 1 { GROUP } else { 1 };
                if idx.is_multiple_of(group) {
                    self.pack_group(a, idx, group);
                }
                // SAFETY: as above.
                unsafe { self.scratch.as_ptr().add(idx % group * self.pitch()) }
            }
        };
        Some((row, rows, panel))
    }

    /// Lanes from one strip of a group to the next.
    fn pitch(&self) -> usize {
        self.kernel.lanes(self.k.1) * self.kernel.rows + SLACK
    }

    fn pack_group(&mut self, a: MatRef<'_>, first: usize, group: usize) {
        let ((k0, k_len), pitch) = (self.k, self.pitch());
        let out = self.scratch.reserve(group * pitch);
        let run = if group == 1 { k_len.max(1) } else { RUN };
        for k in (0..k_len).step_by(run) {
            for idx in first..(first + group).min(self.cut.strips) {
                let (row, rows) = self.cut.strip(idx);
                let strip = Strip::of_rows(a, row, rows, k0 + k, run.min(k_len - k));
                let at = (idx - first) * pitch + k / self.kernel.k_per_lane() * rows;
                // SAFETY: the buffer has room for every strip of the group; a store that runs over a run's end touches
                // the strip's next run, which is written after it, or its slack.
                unsafe { pack(self.kernel, strip, rows, out.add(at)) };
            }
        }
    }
}
