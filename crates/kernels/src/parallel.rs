//! Disjoint writes from several threads.

use rayon::prelude::*;

/// A pointer that tasks on several threads share, each writing only its own part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared(*mut f32);

// SAFETY: the users of `Shared` write disjoint elements, as each of them argues.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub(crate) fn new(ptr: *mut f32) -> Self {
        Self(ptr)
    }

    pub(crate) fn get(self) -> *mut f32 {
        self.0
    }
}

/// Runs `task` for every index below `count`, on all threads; which thread runs which index is left open.
pub(crate) fn for_each(count: usize, task: impl Fn(usize) + Sync + Send) {
    if count == 1 {
        return task(0);
    }
    (0..count).into_par_iter().with_max_len(1).for_each(task);
}

/// Cuts `data` into rows of `row_len` floats and runs `task(first_row, rows)` on blocks of rows.
pub(crate) fn for_rows(data: &mut [f32], row_len: usize, task: impl Fn(usize, &mut [f32]) + Sync + Send) {
    if data.is_empty() || row_len == 0 {
        return;
    }
    let block = block_rows(row_len);
    data.par_chunks_mut(block * row_len).enumerate().for_each(|(idx, rows)| task(idx * block, rows));
}

/// How many rows of `row_len` floats make a block worth a task: it depends on the shape alone.
pub(crate) fn block_rows(row_len: usize) -> usize {
    (16_384 / row_len.max(1)).max(1)
}
