//! Buffers that outlive the product they were made for: fresh memory costs a page fault every 4 KiB.

use std::sync::{Mutex, PoisonError};

use super::pack::Lanes;

/// How many buffers are kept.
const KEPT: usize = 4;

static POOL: Mutex<Vec<Lanes>> = Mutex::new(Vec::new());

/// A buffer that holds anything, the one given back last where there is one.
pub(super) fn take() -> Lanes {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
}

/// Keeps a buffer for the next product.
pub(super) fn give(lanes: Lanes) {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    if pool.len() < KEPT {
        pool.push(lanes);
    }
}
