//! The largest logits of each row with their exact log-probabilities, and the mass of all the rest.
//!
//! One pass takes the maxima of small blocks of the row. The k-th largest block maximum is a bound that at least k
//! elements reach, so only the few blocks whose maximum reaches it need to be looked into. A second pass sums the exponentials
//! of what was not chosen; so the tail is a sum of its own and not a difference of nearly equal numbers.

use crate::isa::dispatched;
use crate::parallel::{Shared, for_each};
use crate::softmax::{LANES, exp, sum_exp};

/// The best `k` of each row: `k` ids and log-probabilities a row, the best first (of equals, the lowest id), and one tail
/// mass a row. In a row that holds NaN, all log-probabilities and the tail are NaN.
#[derive(Debug)]
pub struct Best<'a> {
    /// How many a row.
    pub k: usize,
    /// Column numbers.
    pub ids: &'a mut [u32],
    /// Natural logarithms of the softmax over the whole row.
    pub log_probs: &'a mut [f32],
    /// Probability of everything that is not among the best.
    pub tails: &'a mut [f32],
}

/// Finds the best of each row of `width` logits; `log_sums` receives what must be taken from a row's logit to make it a
/// log-probability. The logits are left changed: those chosen become negative infinity.
///
/// # Panics
/// When the slices do not hold the same rows, or `k` is 0 or above `width`.
pub fn top_rows(logits: &mut [f32], width: usize, best: &mut Best<'_>, log_sums: &mut [f32]) {
    let (n_rows, k) = (log_sums.len(), best.k);
    assert!(0 < k && k <= width && logits.len() == n_rows * width, "rows of logits");
    assert!(best.ids.len() == n_rows * k && best.log_probs.len() == n_rows * k, "k results a row");
    assert_eq!(best.tails.len(), n_rows, "one tail a row");
    let rows = Shared::new(logits.as_mut_ptr());
    let (ids, log_probs) =
        (Shared::new(best.ids.as_mut_ptr().cast()), Shared::new(best.log_probs.as_mut_ptr()));
    let (tails, log_sums) = (Shared::new(best.tails.as_mut_ptr()), Shared::new(log_sums.as_mut_ptr()));
    for_each(n_rows, |row| {
        // SAFETY: task `row` alone touches its row of each slice; ids are as large as floats.
        let (logits, ids, log_probs, tail, log_sum) = unsafe {
            (
                std::slice::from_raw_parts_mut(rows.get().add(row * width), width),
                std::slice::from_raw_parts_mut(ids.get().cast::<u32>().add(row * k), k),
                std::slice::from_raw_parts_mut(log_probs.get().add(row * k), k),
                &mut *tails.get().add(row),
                &mut *log_sums.get().add(row),
            )
        };
        choose(logits, ids, log_probs);
        let shift = log_probs[0];
        let rest = sum_exp(logits, shift, 1.0);
        let chosen: f32 = log_probs.iter().map(|logit| exp(logit - shift)).sum();
        let total = chosen + rest;
        *tail = rest / total;
        *log_sum = shift + total.ln();
        for logit in log_probs {
            *logit -= *log_sum;
        }
    });
}

/// Writes the ids and values of the largest elements, best first, and makes them negative infinity.
fn choose(row: &mut [f32], ids: &mut [u32], values: &mut [f32]) {
    let k = ids.len();
    // Eight blocks for each element sought make the bound tight.
    let block = (row.len() / (8 * k)).clamp(1, 8 * LANES).next_multiple_of(LANES).min(8 * LANES);
    let mut maxima = vec![0.0_f32; row.len().div_ceil(block)];
    block_maxima(row, block, &mut maxima);
    let bound = if maxima.len() > k {
        let mut sorted = maxima.clone();
        *sorted.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a)).1
    } else {
        f32::NEG_INFINITY
    };
    let mut found: Vec<(f32, u32)> = Vec::with_capacity(4 * k);
    for (idx, maximum) in maxima.iter().enumerate() {
        if *maximum >= bound {
            let at = idx * block;
            let end = (at + block).min(row.len());
            let reaching = row[at..end].iter().enumerate().filter(|(_, value)| **value >= bound);
            found.extend(reaching.map(|(idx, value)| (*value, (at + idx) as u32)));
        }
    }
    found.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    // A row of NaN may reach no bound: its results are NaN, its ids the first ones.
    for (idx, (id, value)) in ids.iter_mut().zip(values).enumerate() {
        (*value, *id) = found.get(idx).copied().unwrap_or((f32::NAN, idx as u32));
        row[*id as usize] = if value.is_nan() { f32::NAN } else { f32::NEG_INFINITY };
    }
}

dispatched! {
    fn block_maxima(row: &[f32], block: usize, maxima: &mut [f32]) {
        for (maximum, block) in maxima.iter_mut().zip(row.chunks(block)) {
            let mut acc = [f32::NEG_INFINITY; LANES];
            let mut chunks = block.chunks_exact(LANES);
            for chunk in &mut chunks {
                for lane in 0..LANES {
                    acc[lane] = if chunk[lane] > acc[lane] { chunk[lane] } else { acc[lane] };
                }
            }
            for &x in chunks.remainder() {
                acc[0] = if x > acc[0] { x } else { acc[0] };
            }
            let mut width = LANES / 2;
            while width > 0 {
                for lane in 0..width {
                    acc[lane] = if acc[lane + width] > acc[lane] { acc[lane + width] } else { acc[lane] };
                }
                width /= 2;
            }
            *maximum = acc[0];
        }
    }
}
